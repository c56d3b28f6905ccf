// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket itself: what waits there, and receiving it up to the end of a turn.
 * Entered with the receive lock held where bytes are taken; takes the socket's own
 * locks.
 *
 * The socket's own receive is only ever asked not to block: a thread asleep in
 * there would not see what arrives through the lane.
 */
#include "base.h"
#include "turn.h"

#include <net/af_unix.h>
#include <net/tcp.h>
#include <linux/door.h>

/**
 * door_base_inq - bytes that wait in the socket itself
 * @g: the graft
 * @sk: its socket
 *
 * As SIOCINQ counts them; a snapshot.
 */
u64 door_base_inq(const struct door_graft *g, struct sock *sk)
{
	return max(g->is_unix ? (int)door_unix_inq(sk) : tcp_inq(sk), 0);
}

/*
 * The same as positions count them: with an urgent byte, which SIOCINQ stops at
 * and a receive passes over.
 */
static u64 door_base_waiting(const struct door_graft *g, struct sock *sk)
{
	if (g->is_unix || !READ_ONCE(tcp_sk(sk)->urg_data))
		return door_base_inq(g, sk);
	return READ_ONCE(tcp_sk(sk)->rcv_nxt) - READ_ONCE(tcp_sk(sk)->copied_seq);
}

/**
 * door_base_left - bytes of the socket's own that are still to come
 * @g: the graft
 * @sk: its socket
 * @turn: a closed turn that ends after them
 */
u64 door_base_left(const struct door_graft *g, const struct sock *sk,
		   const struct door_turn *turn)
{
	s32 left;

	if (g->is_unix)
		return max_t(s64, turn->base_end - READ_ONCE(g->base_rcvd), 0);
	left = (u32)turn->base_end - READ_ONCE(tcp_sk(sk)->copied_seq);
	return max(left, 0);
}

/**
 * door_base_at_urgent - does the reader stand before an urgent byte?
 * @sk: a TCP socket
 *
 * A receive stops there.
 */
bool door_base_at_urgent(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return READ_ONCE(tp->urg_data) &&
	       READ_ONCE(tp->urg_seq) == READ_ONCE(tp->copied_seq);
}

/*
 * The urgent byte of an AF_UNIX socket that has not been received, as it lies in the
 * queue: it is also the mark, and stays there as that when it is received by itself.
 * To be compared, not to be followed.
 */
static const void *urgent_skb(const struct sock *sk)
{
#if IS_ENABLED(CONFIG_AF_UNIX_OOB)
	return READ_ONCE(unix_sk(sk)->oob_skb);
#else
	return NULL;
#endif
}

/* Does the reader of an AF_UNIX socket stand at a mark of urgent data? */
static bool at_mark(const struct door_graft *g, struct sock *sk)
{
	const void *next;

	spin_lock(&sk->sk_receive_queue.lock);
	next = skb_peek(&sk->sk_receive_queue);
	spin_unlock(&sk->sk_receive_queue.lock);
	return next && (next == urgent_skb(sk) || next == READ_ONCE(g->mark));
}

/**
 * door_base_recv_urgent - receive the urgent byte, past the order of the rest
 * @g: the graft
 * @sock: its socket
 * @msg: where to put it
 * @len: how much
 * @flags: MSG_OOB and others
 *
 * Return: what the socket itself returns.
 */
int door_base_recv_urgent(struct door_graft *g, struct socket *sock,
			  struct msghdr *msg, size_t len, int flags)
{
	const void *mark = g->is_unix ? urgent_skb(sock->sk) : NULL;
	int n = door_graft_base(sock)->recvmsg(sock, msg, len, flags);

	if (n > 0 && mark && !(flags & MSG_PEEK))
		WRITE_ONCE(g->mark, mark);
	return n;
}

/**
 * door_base_may_mix - may what the socket has next come out of the same call?
 * @g: the graft
 * @sk: its socket
 * @in: the lane it reads
 * @asked: the last bytes were the socket's, too, not the lane's
 *
 * Not behind a mark of urgent data, and not bytes of different senders, to a receiver
 * who asks who they are.
 */
bool door_base_may_mix(const struct door_graft *g, struct sock *sk,
		       const struct door_lane *in, bool asked)
{
	if (!g->is_unix)
		return !door_base_at_urgent(sk);
	if (door_unix_passes_creds(sk))
		return false;
	if (likely(!test_bit(DOOR_DETOUR_URGENT, &in->detour)))
		return true;
	/* It stops at marks, with more behind them; if that has just come, no harm. */
	return asked ? skb_queue_empty_lockless(&sk->sk_receive_queue) :
		       !at_mark(g, sk);
}

/**
 * door_base_recv - receive from the socket itself (reader)
 * @g: the graft
 * @sock: its socket
 * @msg: where to put it
 * @len: how much
 * @flags: MSG_*
 *
 * Return: bytes, 0 at the end, or an error; -EAGAIN if there is nothing.
 */
int door_base_recv(struct door_graft *g, struct socket *sock,
		   struct msghdr *msg, size_t len, int flags)
{
	size_t space = msg->msg_controllen;
	unsigned int mflags = msg->msg_flags;
	void *control = msg->msg_control;
	int n = door_graft_base(sock)->recvmsg(sock, msg, len,
					       flags | MSG_DONTWAIT);

	if (n <= 0)
		return n;
	/* As if it had not told how much is left: tell_inq() in recv.c. */
	if (unlikely(door_base_tells_inq(g, sock->sk))) {
		msg->msg_control = control;
		msg->msg_controllen = space;
		msg->msg_flags = mflags;
	}
	if (g->is_unix && !(flags & MSG_PEEK)) {
		WRITE_ONCE(g->base_rcvd, g->base_rcvd + n);
		/* Passed, if it was next; what is there later may have its address. */
		if (unlikely(READ_ONCE(g->mark)) && !at_mark(g, sock->sk))
			WRITE_ONCE(g->mark, NULL);
	}
	/*
	 * The peer joins us before it can send anything: it has sent, so if it
	 * has not joined us it never will.
	 */
	if (unlikely(READ_ONCE(g->state) == DOOR_GRAFT_MARKED) &&
	    door_graft_seal(g, DOOR_WHY_PEER_UNMARKED))
		door_graft_fallback(DOOR_WHY_PEER_UNMARKED, sock->sk);
	return n;
}

/**
 * door_base_turn_here - door_base_turn() when there may be one (reader)
 * @g: the graft
 * @sk: its socket
 * @in: the lane it reads
 *
 * Those that are over are popped.
 *
 * Return: the turn, or NULL if the next byte is the lane's.
 */
struct door_turn *door_base_turn_here(struct door_graft *g, struct sock *sk,
				      struct door_lane *in)
{
	struct door_turn *turn;

	while (unlikely(turn = door_turn_first(in))) {
		if (!door_turn_is_closed(turn) || door_base_left(g, sk, turn))
			break;
		door_turn_pop(in, turn);
	}
	return turn;
}

/**
 * door_base_recv_turn - receive from the socket what belongs to a turn (reader)
 * @g: the graft
 * @sock: its socket
 * @msg: where to put it
 * @len: how much
 * @flags: MSG_*
 * @turn: the turn; with no stream yet, NULL
 *
 * The snapshot of what waits there is taken before the look at the turn: if the
 * turn is open then, all of it was sent before the writer comes back to the lane,
 * so that one receive cannot run on into the data of a later turn.
 *
 * Return: as door_base_recv().
 */
int door_base_recv_turn(struct door_graft *g, struct socket *sock,
			struct msghdr *msg, size_t len, int flags,
		     struct door_turn *turn)
{
	u64 limit = door_base_waiting(g, sock->sk);

	/* The snapshot before the look: Documentation/models/turn.pml. */
	smp_rmb();
	if (turn && door_turn_is_closed(turn))
		limit = door_base_left(g, sock->sk, turn);
	else if (!turn && door_graft_stream(g))
		return 0;
	else if (!turn && door_graft_is_taken(sock->sk))
		limit = U64_MAX;	/* who has it may have the bytes elsewhere */
	/* A look begins at the offset of SO_PEEK_OFF. */
	limit -= min_t(u64, limit, max(sk_peek_offset(sock->sk, flags), 0));
	if (!limit)
		return -EAGAIN;
	return door_base_recv(g, sock, msg, min_t(u64, len, limit), flags);
}
