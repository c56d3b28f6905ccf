// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an end is ready for, and telling it: how much it would receive, whether what
 * it sends goes over the socket, and the wake-up when either has changed. Snapshots
 * without locks, for anybody who asks.
 */
#include "ready.h"
#include "base.h"
#include "turn.h"

#include <linux/poll.h>
#include <net/af_unix.h>

/**
 * door_ready_lane - bytes that a receiver would find in the lane
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * Not counted is what lies behind a turn that is not over. A snapshot, for
 * anybody who asks.
 */
u64 door_ready_lane(struct door_graft *g, struct sock *sk,
		    struct door_stream *st)
{
	struct door_turn turn;
	u64 n = door_turn_ahead(door_graft_in(g, st), &turn);

	if (unlikely(turn.at != DOOR_NO_TURN) &&
	    (!turn.closed || door_base_left(g, sk, &turn)))
		return 0;
	return n;
}

/**
 * door_ready_inq - bytes that have arrived, wherever they lie
 * @g: the graft
 * @sk: its socket
 * @st: its stream, or NULL
 *
 * In the lane counts only what is not kept up by a turn whose bytes are still
 * on their way. A snapshot.
 */
u64 door_ready_inq(struct door_graft *g, struct sock *sk,
		   struct door_stream *st)
{
	u64 base = door_base_inq(g, sk);
	struct door_turn turn;
	u64 n;

	if (unlikely(!st))
		return base;
	/* An AF_UNIX peer's message is here as soon as it is sent. */
	if (g->is_unix)
		return base + door_lane_used(door_graft_in(g, st));
	n = door_turn_ahead(door_graft_in(g, st), &turn);
	if (unlikely(turn.at != DOOR_NO_TURN) &&
	    (!turn.closed || base < door_base_left(g, sk, &turn)))
		n = 0;
	return base + n;
}

/* The receiver wants things with its bytes that only the socket delivers. */
static bool peer_wants_base(const struct door_graft *g, const struct sock *peer)
{
	if (!g->is_unix)
		return door_base_stamps(peer);
	return door_unix_passes_creds(peer) || door_unix_tells_inq(peer);
}

/**
 * door_ready_detours - does everything that this end sends go over the socket?
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * Because it must, because somebody in the kernel has taken either end over, or because
 * the socket has an error to report. A snapshot.
 */
bool door_ready_detours(const struct door_graft *g, const struct sock *sk,
			struct door_stream *st)
{
	const struct door_lane *out = door_graft_out(g, st);
	const struct sock *peer = door_graft_peer(g, st);

	return door_lane_detours(out) || READ_ONCE(sk->sk_err) ||
	       (READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN) ||
	       unlikely(door_graft_lost_claim(sk) || door_graft_lost_claim(peer)) ||
	       peer_wants_base(g, peer);
}

/**
 * door_ready_wake - wake who waits on a socket for something of ours
 * @sk: a socket that the caller keeps from being freed; it may be closed
 * @events: what has become true, EPOLL*
 * @how: for SIGIO: SOCK_WAKE_WAITD or SOCK_WAKE_SPACE
 * @sync: the caller is likely to sleep soon
 *
 * Full barrier between what the caller stored before and the look at the queue;
 * pairs with the ones in sock_poll_wait() and after add_wait_queue().
 */
void door_ready_wake(struct sock *sk, __poll_t events, int how, bool sync)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(sk->sk_wq);
	if (skwq_has_sleeper(wq)) {
		if (sync)
			wake_up_interruptible_sync_poll(&wq->wait, events);
		else
			wake_up_interruptible_poll(&wq->wait, events);
	}
	sk_wake_async(sk, how, how == SOCK_WAKE_SPACE ? POLL_OUT : POLL_IN);
	rcu_read_unlock();
}
