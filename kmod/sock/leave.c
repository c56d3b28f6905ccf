// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving a stream: because the socket has been disconnected, or by its release.
 * Both with the receive and the send lock held, so that none of its threads
 * is inside a lane when the peer learns that nobody reads any more, or comes there
 * later: who waited for a lock finds the graft cut. Nothing of a lane is freed while
 * a thread is inside it, whoever leaves.
 *
 *   connect()                         recv(), send() of this end
 *   cut the graft                     lock
 *   take recv, then send              look at the graft: cut? then not into the lane
 *   tell the peer                     copy
 *   unlock                            unlock
 *
 * Modelled in Documentation/models/leave.pml.
 */
#include "leave.h"
#include "end.h"
#include "graft.h"
#include "trim.h"

/* Return: whether bytes are left unread. */
static bool leave(struct door_graft *g)
{
	struct door_lane *in = door_graft_in(g, g->stream);

	lockdep_assert_held(&g->recv);
	lockdep_assert_held(&g->send);
	if (door_lane_is_left(in))
		return false;
	return door_lane_leave(in);
}

/* Both sent a FIN before; then disconnecting resets nothing. */
static bool was_over(const struct door_graft *g)
{
	return test_bit(DOOR_DETOUR_ENDED, &door_graft_in(g, g->stream)->detour) &&
	       test_bit(DOOR_DETOUR_ENDED, &door_graft_out(g, g->stream)->detour);
}

/* Everybody out, and kept out. */
static int lock_both(struct door_graft *g)
{
	int err = mutex_lock_killable(&g->recv);

	if (err)
		return err;
	err = mutex_lock_killable(&g->send);
	if (err)
		mutex_unlock(&g->recv);
	return err;
}

static void unlock_both(struct door_graft *g)
{
	mutex_unlock(&g->send);
	mutex_unlock(&g->recv);
}

/**
 * door_leave - leave the stream of a socket that has been disconnected
 * @g: its graft, which has been cut
 *
 * Waits for the threads that are in a lane, as disconnecting a socket waits for
 * those inside it. If the caller is killed meanwhile, the release does it: nobody
 * goes into the lanes until then.
 *
 * Return: 0 or -EINTR (killed).
 */
int door_leave(struct door_graft *g)
{
	int err;

	door_trim_del(g);
	err = lock_both(g);
	if (err)
		return err;
	leave(g);
	door_end_write(g, 0, !was_over(g));
	unlock_both(g);
	door_end_wake(g);
	return 0;
}

/**
 * door_leave_calls - wait for the threads that are inside a socket without a stream
 * @g: its graft, which has been cut
 *
 * Whoever comes later sees that.
 *
 * Return: 0 or -EINTR (killed).
 */
int door_leave_calls(struct door_graft *g)
{
	int err = lock_both(g);

	if (!err)
		unlock_both(g);
	return err;
}

/**
 * door_leave_finally - leave the stream of a socket that is being released
 * @g: its graft, joined or left; nobody else of this end is there any more
 * @sk: the socket
 *
 * Return: whether bytes are left unread that were to be read, so that the end of
 * the connection is a reset.
 */
bool door_leave_finally(struct door_graft *g, struct sock *sk)
{
	bool left = door_lane_is_left(door_graft_in(g, g->stream));
	bool joined = door_graft_cut(g, true), lost;

	door_trim_del(g);
	/* The trimming worker may have the second one for a moment. */
	mutex_lock(&g->recv);
	mutex_lock(&g->send);
	lost = leave(g);
	/* Neither is told yet if disconnecting it was cut short. */
	if (!g->is_unix && !left)
		door_end_write(g, READ_ONCE(tcp_sk(sk)->write_seq),
			       lost || !joined || door_end_resets(g, sk));
	unlock_both(g);
	/* What was left by disconnecting is no concern of a later connection. */
	return lost && joined;
}
