// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving a stream: by release, or because the socket has been disconnected. Says
 * that nobody reads any more and finds out whether bytes were left unread.
 */
#include "leave.h"
#include "ready.h"
#include "trim.h"

#include <linux/poll.h>
#include <linux/door.h>

/**
 * door_leave_end - this end reads no more
 * @g: the graft
 * @st: its stream
 *
 * What the peer has put into the lane and will never be read makes the end of the
 * connection a reset. See send_lane() for the other half of the barrier.
 *
 * Return: whether there is any.
 */
bool door_leave_end(struct door_graft *g, struct door_stream *st)
{
	struct door_lane *in = door_graft_in(g, st);

	/* Pairs with send_lane(): who sees that it is gone sees how far it has read. */
	smp_store_release(&in->reader_gone, true);
	/* Gone before the look at head; pairs with the barrier in send_lane(). */
	smp_mb();
	return door_lane_used(in) != 0;
}

/**
 * door_leave_wake - wake a peer that waits for room in the lane
 * @g: the graft
 * @st: its stream
 */
void door_leave_wake(struct door_graft *g, struct door_stream *st)
{
	door_ready_wake(door_graft_peer(g, st),
			EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND, SOCK_WAKE_SPACE,
			false);
}

/**
 * door_leave - leave the stream of a TCP connection that has been cut from this side
 * @g: the graft
 */
void door_leave(struct door_graft *g)
{
	struct door_stream *st;

	/* After this, either it is joined or it never will be. */
	door_graft_seal(g, DOOR_WHY_DISCONNECT);
	st = READ_ONCE(g->stream);
	if (!st)
		return;
	door_trim_del(g);
	door_leave_end(g, st);
	door_leave_wake(g, st);
	spin_lock(&g->lock);
	if (!g->ended) {
		/* Other threads may be using it: it goes with the graft. */
		g->ended = st;
		WRITE_ONCE(g->sealed, DOOR_WHY_DISCONNECT);
		WRITE_ONCE(g->stream, NULL);
	}
	spin_unlock(&g->lock);
}
