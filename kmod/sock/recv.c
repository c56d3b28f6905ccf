// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving on a marked socket: from the socket itself up to the end of a turn,
 * then from the lane, in order, with the waiting done here. Entered from
 * socket operations; takes the graft's receive lock, never the peer's locks.
 *
 * The socket's own receive is only ever asked not to block: a thread asleep in
 * there would not see what arrives through the lane.
 */
#include "graft.h"
#include "handoff.h"

#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <net/af_unix.h>
#include <net/tcp.h>
#include <linux/door.h>

/* Bytes that wait in the socket itself, as SIOCINQ counts them; a snapshot. */
static u64 base_inq(const struct door_graft *g, struct sock *sk)
{
	return max(g->is_unix ? (int)door_unix_inq(sk) : tcp_inq(sk), 0);
}

/*
 * The same as positions count them: with an urgent byte, which SIOCINQ stops at
 * and a receive passes over.
 */
static u64 base_waiting(const struct door_graft *g, struct sock *sk)
{
	if (g->is_unix || !tcp_sk(sk)->urg_data)
		return base_inq(g, sk);
	return READ_ONCE(tcp_sk(sk)->rcv_nxt) - READ_ONCE(tcp_sk(sk)->copied_seq);
}

/* How many bytes of the socket's own are still to come before @turn ends. */
static u64 turn_left(const struct door_graft *g, const struct sock *sk,
		     const struct door_turn *turn)
{
	s32 left;

	if (g->is_unix)
		return max_t(s64, turn->base_end - READ_ONCE(g->base_rcvd), 0);
	left = (u32)turn->base_end - READ_ONCE(tcp_sk(sk)->copied_seq);
	return max(left, 0);
}

/**
 * door_graft_readable - bytes that a receiver would find in the lane
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * Not counted is what lies behind a turn that is not over. A snapshot, for
 * anybody who asks.
 */
u64 door_graft_readable(struct door_graft *g, struct sock *sk,
			struct door_stream *st)
{
	struct door_turn turn;
	u64 n = door_lane_ahead(door_graft_in(g, st), &turn);

	if (unlikely(turn.at != DOOR_NO_TURN) &&
	    (!turn.closed || turn_left(g, sk, &turn)))
		return 0;
	return n;
}

/**
 * door_graft_inq - bytes that have arrived, wherever they lie
 * @g: the graft
 * @sk: its socket
 * @st: its stream, or NULL
 *
 * In the lane counts only what is not kept up by a turn whose bytes are still
 * on their way. A snapshot.
 */
u64 door_graft_inq(struct door_graft *g, struct sock *sk,
		   struct door_stream *st)
{
	u64 base = base_inq(g, sk);
	struct door_turn turn;
	u64 n;

	if (unlikely(!st))
		return base;
	/* An AF_UNIX peer's message is here as soon as it is sent. */
	if (g->is_unix)
		return base + door_lane_used(door_graft_in(g, st));
	n = door_lane_ahead(door_graft_in(g, st), &turn);
	if (unlikely(turn.at != DOOR_NO_TURN) &&
	    (!turn.closed || base < turn_left(g, sk, &turn)))
		n = 0;
	return base + n;
}

/* Nothing can arrive in the socket itself any more, or an error has. */
static bool rx_ended(const struct sock *sk)
{
	int state = READ_ONCE(sk->sk_state);
	bool ended = READ_ONCE(sk->sk_err) ||
		     (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) ||
		     state == TCP_CLOSE || state == TCP_LISTEN;

	/*
	 * The peer puts its last bytes into the lane before it closes. Whoever
	 * sees the close here sees the bytes in a look at the lane after it.
	 */
	smp_rmb();
	return ended;
}

static int recv_base(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	size_t space = msg->msg_controllen;
	unsigned int mflags = msg->msg_flags;
	void *control = msg->msg_control;
	int n = door_graft_base(sock)->recvmsg(sock, msg, len,
					       flags | MSG_DONTWAIT);

	if (n <= 0)
		return n;
	/* As if it had not told how much is left: door_graft_cmsg_inq(). */
	if (unlikely(door_graft_tells_inq(g, sock->sk))) {
		msg->msg_control = control;
		msg->msg_controllen = space;
		msg->msg_flags = mflags;
	}
	if (g->is_unix && !(flags & MSG_PEEK))
		WRITE_ONCE(g->base_rcvd, g->base_rcvd + n);
	/*
	 * The peer joins us before it can send anything: it has sent, so if it
	 * has not joined us it never will.
	 */
	if (unlikely(!READ_ONCE(g->stream)) &&
	    door_graft_seal(g, DOOR_WHY_PEER_UNMARKED))
		door_graft_fallback(DOOR_WHY_PEER_UNMARKED, sock->sk);
	return n;
}

/* The turn that the reader has yet to finish; those that are over are popped. */
static struct door_turn *current_turn(struct door_graft *g, struct sock *sk,
				      struct door_lane *in)
{
	struct door_turn *turn;

	while (unlikely(turn = door_lane_turn(in))) {
		if (!door_turn_is_closed(turn) || turn_left(g, sk, turn))
			break;
		door_lane_turn_pop(in, turn);
	}
	return turn;
}

/*
 * Receive from the socket what belongs to @turn (or, with no stream yet, to no
 * turn at all). The snapshot of what waits there is taken before the look at
 * the turn: if the turn is open then, all of it was sent before the writer comes
 * back to the lane, so that one receive cannot run on into the data of a later
 * turn.
 */
static int recv_turn(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags,
		     struct door_turn *turn)
{
	u64 limit = base_waiting(g, sock->sk);

	/* The snapshot before the look: Documentation/models/turn.pml. */
	smp_rmb();
	if (turn && door_turn_is_closed(turn))
		limit = turn_left(g, sock->sk, turn);
	else if (!turn && door_graft_stream(g))
		return 0;
	/* A look begins at the offset of SO_PEEK_OFF. */
	limit -= min_t(u64, limit, max(sk_peek_offset(sock->sk, flags), 0));
	if (!limit)
		return -EAGAIN;
	return recv_base(g, sock, msg, min_t(u64, len, limit), flags);
}

/* After taking bytes out of the lane: is somebody waiting for the room? */
static void wake_writer(struct door_graft *g, struct door_stream *st,
			struct door_lane *in)
{
	/*
	 * writer: nospace = 1; mb; looks at tail, sleeps if there is no room
	 * reader: tail = ...;  mb; looks at nospace
	 * One of the two sees what the other wrote. Modelled in
	 * Documentation/models/lane.pml.
	 */
	smp_mb();
	if (unlikely(READ_ONCE(in->nospace)) && door_lane_writable(in)) {
		WRITE_ONCE(in->nospace, false);
		door_graft_wake(door_graft_peer(g, st),
				EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND,
				SOCK_WAKE_SPACE, true);
	}
}

/* Did the last receive over the socket bring control data? @space as before it. */
static bool got_control(const struct msghdr *msg, size_t space)
{
	return msg->msg_controllen != space || msg->msg_flags & MSG_CTRUNC;
}

/* The reader stands before an urgent byte, where a receive stops. */
static bool at_urgent(const struct sock *sk)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	return READ_ONCE(tp->urg_data) &&
	       READ_ONCE(tp->urg_seq) == READ_ONCE(tp->copied_seq);
}

/*
 * May bytes of the lane and, behind them, of the socket come out of one call? Not
 * those of different senders, to a receiver who asks who they are.
 */
static bool may_mix(const struct door_graft *g, const struct sock *sk)
{
	return g->is_unix ? !door_unix_passes_creds(sk) : !at_urgent(sk);
}

/*
 * Take what there is, in order, from turns and from the lane, up to where a
 * receive over the socket itself would stop, too. Returns the bytes, 0 or
 * -EAGAIN if there is nothing just now, or another error.
 */
static int take_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags,
		     struct door_stream *st)
{
	bool discard = (flags & MSG_TRUNC) && !g->is_unix;
	struct door_lane *in = door_graft_in(g, st);
	size_t space = msg->msg_controllen;
	struct sock *sk = sock->sk;
	struct door_turn *turn;
	size_t done = 0, lane = 0;
	ssize_t n;

	do {
		turn = current_turn(g, sk, in);
		if (unlikely(turn)) {
			if (done && !may_mix(g, sk))
				break;
			n = recv_turn(g, sock, msg, len - done, flags, turn);
		} else {
			n = door_lane_take(in, discard ? NULL : &msg->msg_iter,
					   len - done);
			lane += max(n, 0);
		}
		if (n <= 0)
			break;
		done += n;
	} while (done < len && !got_control(msg, space) &&
		 (turn || READ_ONCE(in->turn_at) != DOOR_NO_TURN));
	if (lane) {
		wake_writer(g, st, in);
		sk_peek_offset_bwd(sk, lane);
		door_graft_cmsg_fill(g, sock, msg);
	}
	return done ? done : n;
}

static int recv_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct door_stream *st = door_graft_stream(g);
	int n;

	if (unlikely(!st)) {
		n = recv_turn(g, sock, msg, len, flags, NULL);
		/* Unless it was joined between the two looks. */
		st = door_graft_stream(g);
		if (n || !st)
			return n;
	}
	return take_some(g, sock, msg, len, flags, st);
}

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
	ssize_t n = door_lane_peek(in, discard ? NULL : &msg->msg_iter, len, off);
	u64 next = READ_ONCE(in->turn_at);
	int more;

	if (n <= 0)
		return n;
	sk_peek_offset_fwd(sock->sk, n);
	if (!again && n < len && next == in->tail + off + n &&
	    sock->sk->sk_peek_off < 0 && may_mix(g, sock->sk)) {
		more = recv_turn(g, sock, msg, len - n, flags,
				 door_lane_turn_here(in));
		n += max(more, 0);
	}
	door_graft_cmsg_fill(g, sock, msg);
	return n;
}

/*
 * Look at what there is without taking it: the socket's part of a turn and, if
 * the turn is closed and that was all of it, the lane's part behind it.
 */
static int peek_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct door_stream *st = door_graft_stream(g);
	u64 off = max(sk_peek_offset(sock->sk, flags), 0);
	size_t space = msg->msg_controllen;
	struct sock *sk = sock->sk;
	struct door_turn *turn;
	u64 left = 0;
	int got = 0, n;

	if (!st)
		return recv_turn(g, sock, msg, len, flags, NULL);
	turn = current_turn(g, sk, door_graft_in(g, st));
	if (turn) {
		if (!door_turn_is_closed(turn))
			return recv_turn(g, sock, msg, len, flags, turn);
		left = turn_left(g, sk, turn);
	}
	if (off < left) {
		got = recv_turn(g, sock, msg, len, flags, turn);
		if (got <= 0 || got == len || off + got < left ||
		    got_control(msg, space))
			return got;
		left = 0;
		off = 0;
	}
	n = peek_lane(g, sock, msg, len - got, flags, off - left, st, turn);
	if (n > 0)
		got += n;
	return got ? got : n;
}

static bool anything(struct door_graft *g, struct sock *sk)
{
	struct door_stream *st = door_graft_stream(g);

	return base_inq(g, sk) ||
	       (st && door_graft_readable(g, sk, st));
}

/*
 * Has come what ends even a receive that asked for more: descriptors, another
 * sender's bytes next (to one who asks who they are), or an urgent byte next?
 * @space is the control space before it.
 */
static bool stops(struct door_graft *g, struct sock *sk,
		  const struct msghdr *msg, size_t space)
{
	if (!g->is_unix)
		return at_urgent(sk);
	if (likely(!got_control(msg, space)))
		return false;
	return !door_unix_passes_creds(sk) || anything(g, sk) ||
	       space - msg->msg_controllen > CMSG_SPACE(sizeof(struct ucred));
}

/*
 * One attempt at @target bytes or more; @copied counts what earlier attempts of
 * this call got. Looking begins anew each time, and goes on for as long as more
 * may come, except that AF_UNIX is content with what there is.
 */
static int recv_once(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t size, int flags, int target,
		     int *copied)
{
	bool ended = rx_ended(sock->sk);
	int n;

	if (unlikely(!size && anything(g, sock->sk)))
		return 0;
	if (unlikely(flags & MSG_PEEK)) {
		iov_iter_revert(&msg->msg_iter, size - msg_data_left(msg));
		sk_peek_offset_bwd(sock->sk, *copied);
		*copied = 0;
		n = peek_some(g, sock, msg, size, flags);
	} else {
		n = recv_some(g, sock, msg, size - *copied, flags);
	}
	if (!n || n == -EAGAIN) {
		/* Let the socket itself say how it ended, unless there were bytes. */
		if (!ended)
			n = -EAGAIN;
		else
			n = *copied ? 0 : recv_base(g, sock, msg, size, flags);
	}
	if (n <= 0)
		return n;
	*copied += n;
	if (!(flags & MSG_PEEK) || ended || g->is_unix || *copied >= target)
		return n;
	return -EAGAIN;
}

/* False: the receive is over, and *@ret is why. */
static bool may_wait(long timeo, int *ret)
{
	*ret = -EAGAIN;
	if (!timeo)
		return false;
	if (signal_pending(current)) {
		*ret = sock_intr_errno(timeo);
		return false;
	}
	return true;
}

/*
 * Surely nothing to receive at this moment. Without the receive lock: another
 * receiver only makes it truer, and what arrives later wakes whoever is queued.
 */
static bool quiet(const struct door_graft *g, const struct sock *sk)
{
	struct door_stream *st = door_graft_stream(g);
	const struct door_lane *in;

	if (unlikely(!st) || rx_ended(sk))
		return false;
	in = door_graft_in(g, st);
	return !door_lane_used(in) && READ_ONCE(in->turn_at) == DOOR_NO_TURN;
}

/**
 * door_graft_recvmsg - the recvmsg operation of a marked socket
 * @sock: the socket
 * @msg: where to put it
 * @size: how much
 * @flags: MSG_*
 *
 * Return: bytes, 0 at the end, or what the socket itself would return.
 */
int door_graft_recvmsg(struct socket *sock, struct msghdr *msg, size_t size,
		       int flags)
{
	struct sock *sk = sock->sk;
	struct door_graft *g = door_graft_of(sk);
	int target = sock_rcvlowat(sk, flags & MSG_WAITALL, size);
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	size_t space = msg->msg_controllen;
	struct door_waiter w;
	bool queued = false;
	int copied = 0, n;

	if (unlikely(!g || flags & MSG_OOB || door_graft_is_plain(g) ||
		     (flags & MSG_ERRQUEUE && !g->is_unix)))
		return door_graft_base(sock)->recvmsg(sock, msg, size, flags);
	for (;;) {
		n = -EAGAIN;
		if (!quiet(g, sk)) {
			n = -EINTR;
			if (mutex_lock_killable(&g->recv))
				break;
			n = recv_once(g, sock, msg, size, flags, target, &copied);
			mutex_unlock(&g->recv);
		}
		if (n > 0 && copied < target && !(flags & MSG_PEEK) &&
		    !stops(g, sk, msg, space))
			continue;
		if (n != -EAGAIN || copied >= target || !may_wait(timeo, &n))
			break;
		if (queued) {
			/* Who waits here needs no signal. */
			sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
			timeo = wait_woken(&w.wqe, TASK_INTERRUPTIBLE, timeo);
			sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
			continue;
		}
		/* Look once more before sleeping: it may just have come. */
		door_waiter_init(&w, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND |
				     EPOLLRDHUP);
		add_wait_queue(sk_sleep(sk), &w.wqe);
		/* In the queue before the look; pairs with door_graft_wake(). */
		smp_mb();
		queued = true;
	}
	if (queued)
		remove_wait_queue(sk_sleep(sk), &w.wqe);
	if (copied)
		door_graft_cmsg_inq(g, sk, msg);
	return copied ? copied : n;
}
