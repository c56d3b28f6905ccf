// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking (MSG_PEEK): what a receive would return, without taking it. Entered by a
 * receive, with its lock held.
 */
#include "peek.h"
#include "base.h"
#include "turn.h"

#include <linux/socket.h>

/*
 * Look at the lane up to its next turn and, if that shows all of it, at the
 * socket's data behind it.
 */
static int peek_lane(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags, u64 off,
		     struct door_stream *st, bool again)
{
	bool discard = (flags & MSG_TRUNC) && !g->is_unix;
	struct door_lane *in = door_graft_in(g, st);
	struct door_turn turn;
	u64 ahead = door_turn_ahead(in, &turn), next;
	ssize_t n = door_lane_peek(in, discard ? NULL : &msg->msg_iter, len, off,
				   ahead);
	int more;

	next = READ_ONCE(in->turn_at);
	if (n <= 0)
		return n;
	sk_peek_offset_fwd(sock->sk, n);
	if (!again && n < len && next == in->tail + off + n &&
	    READ_ONCE(sock->sk->sk_peek_off) < 0 && door_base_may_mix(g, sock->sk, in, false)) {
		more = door_base_recv_turn(g, sock, msg, len - n, flags,
					   door_turn_here(in));
		n += max(more, 0);
	}
	return n;
}

/**
 * door_peek - look at what there is without taking it (reader)
 * @g: the graft
 * @sock: its socket
 * @msg: where to put it
 * @len: how much
 * @flags: MSG_*
 * @lane: set if bytes of the lane are among it
 *
 * The socket's part of a turn and, if the turn is closed and that was all of it,
 * the lane's part behind it.
 *
 * Return: bytes, 0 or -EAGAIN if there is nothing just now, or another error.
 */
int door_peek(struct door_graft *g, struct socket *sock, struct msghdr *msg,
	      size_t len, int flags, bool *lane)
{
	struct door_stream *st = door_graft_stream(g);
	u64 off = max(sk_peek_offset(sock->sk, flags), 0);
	size_t space = msg->msg_controllen;
	struct sock *sk = sock->sk;
	struct door_turn *turn;
	u64 left = 0;
	int got = 0, n;

	if (!st)
		return door_base_recv_turn(g, sock, msg, len, flags, NULL);
	turn = door_base_turn(g, sk, door_graft_in(g, st));
	if (turn) {
		if (!door_turn_is_closed(turn))
			return door_base_recv_turn(g, sock, msg, len, flags, turn);
		left = door_base_left(g, sk, turn);
	}
	if (off < left) {
		got = door_base_recv_turn(g, sock, msg, len, flags, turn);
		if (got <= 0 || got == len || off + got < left ||
		    door_base_told(msg, space))
			return got;
		left = 0;
		off = 0;
	}
	n = peek_lane(g, sock, msg, len - got, flags, off - left, st, turn);
	if (n > 0) {
		*lane = true;
		got += n;
	}
	return got ? got : n;
}
