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

/**
 * door_graft_base_inq - bytes that wait in the socket itself; a snapshot
 * @sk: the socket
 * @is_unix: AF_UNIX, not TCP
 */
int door_graft_base_inq(struct sock *sk, bool is_unix)
{
	return is_unix ? door_unix_inq(sk) : tcp_inq(sk);
}

/*
 * Bytes that have arrived in the socket itself, or one more (a FIN). For TCP not
 * tcp_inq(), which ends at urgent data for as long as the reader stands there;
 * a receive stops at it by itself.
 */
static u32 base_arrived(struct sock *sk, bool is_unix)
{
	if (is_unix)
		return max(door_graft_base_inq(sk, true), 0);
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
 * @st: its stream
 *
 * In the lane counts only what is not kept up by a turn whose bytes are still
 * on their way. A snapshot.
 */
u64 door_graft_inq(struct door_graft *g, struct sock *sk,
		   struct door_stream *st)
{
	u64 base = max(door_graft_base_inq(sk, g->is_unix), 0);
	struct door_lane *in = door_graft_in(g, st);
	struct door_turn turn;
	u64 n;

	/* Nothing is ever on its way there. */
	if (g->is_unix)
		return base + door_lane_used(in);
	n = door_lane_ahead(in, &turn);
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
	int n = door_graft_base(sock)->recvmsg(sock, msg, len,
					       flags | MSG_DONTWAIT);

	if (g->is_unix && n > 0 && !(flags & MSG_PEEK))
		WRITE_ONCE(g->base_rcvd, g->base_rcvd + n);
	return n;
}

/* The turn that the reader has yet to finish; those that are over are popped. */
static struct door_turn *current_turn(struct door_graft *g, struct sock *sk,
				      struct door_lane *in)
{
	struct door_turn *turn;

	while (unlikely(turn = door_lane_turn(in))) {
		if (!smp_load_acquire(&turn->closed) || turn_left(g, sk, turn))
			break;
		door_lane_turn_pop(in, turn);
	}
	return turn;
}

/*
 * Receive from the socket what belongs to the turn the reader stands at (or,
 * with no stream yet, to no turn at all). The snapshot of what waits there is
 * taken before the look at the turn: if the turn is open then, all of it was
 * sent before the writer comes back to the lane, so that one receive cannot run
 * on into the data of a later turn. Returns 0 if there is no turn.
 */
static int recv_turn(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct sock *sk = sock->sk;
	u64 limit = base_arrived(sk, g->is_unix);
	struct door_stream *st;
	struct door_turn *turn;

	/* The snapshot before the looks. */
	smp_rmb();
	st = smp_load_acquire(&g->stream);
	if (st) {
		turn = current_turn(g, sk, door_graft_in(g, st));
		if (!turn)
			return 0;
		if (smp_load_acquire(&turn->closed))
			limit = turn_left(g, sk, turn);
	}
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
	 * One of the two sees what the other wrote.
	 */
	smp_mb();
	if (unlikely(READ_ONCE(in->nospace)) && door_lane_writable(in)) {
		WRITE_ONCE(in->nospace, false);
		door_graft_wake(door_graft_peer(g, st),
				EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND,
				SOCK_WAKE_SPACE, true);
	}
}

/* AF_UNIX tells a receiver who asks the peer's address, TCP does not. */
static void fill_name(struct door_graft *g, struct socket *sock,
		      struct msghdr *msg)
{
	int len;

	if (!g->is_unix || !msg->msg_name || msg->msg_namelen)
		return;
	len = door_graft_base(sock)->getname(sock, msg->msg_name, 1);
	if (len > (int)sizeof(sa_family_t))
		msg->msg_namelen = len;
}

/*
 * The credentials that AF_UNIX reports with bytes sent before anybody had asked
 * for credentials: nobody's.
 */
static void fill_creds(struct msghdr *msg)
{
	struct user_namespace *ns = current_user_ns();
	struct ucred nobody = {
		.uid = from_kuid_munged(ns, INVALID_UID),
		.gid = from_kgid_munged(ns, INVALID_GID),
	};

	put_cmsg(msg, SOL_SOCKET, SCM_CREDENTIALS, sizeof(nobody), &nobody);
}

/* What recvmsg() reports beside the bytes, when they came through the lane. */
static void fill_msg(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, struct door_stream *st)
{
	struct sock *sk = sock->sk;
	bool cmsg = !g->is_unix && tcp_sk(sk)->recvmsg_inq && msg->msg_control;
	int inq;

	if (unlikely(msg->msg_name))
		fill_name(g, sock, msg);
	if (unlikely(g->is_unix && door_unix_passes_creds(sk)))
		fill_creds(msg);
	if (likely(!cmsg && !msg->msg_get_inq))
		return;
	inq = min_t(u64, door_graft_readable(g, sk, st), INT_MAX);
	if (msg->msg_get_inq)
		msg->msg_inq = inq;
	if (cmsg)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
}

/*
 * Take what there is: from the socket if the reader stands at a turn, else from
 * the lane. Returns the bytes, 0 or -EAGAIN if there is nothing just now, or
 * another error.
 */
static int recv_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct door_stream *st = smp_load_acquire(&g->stream);
	bool discard = (flags & MSG_TRUNC) && !g->is_unix;
	struct sock *sk = sock->sk;
	struct door_lane *in;
	ssize_t n;

	if (unlikely(!st))
		return recv_turn(g, sock, msg, len, flags);
	in = door_graft_in(g, st);
	if (unlikely(current_turn(g, sk, in))) {
		n = recv_turn(g, sock, msg, len, flags);
		if (n)
			return n;
	}
	n = door_lane_take(in, discard ? NULL : &msg->msg_iter, len);
	if (n > 0) {
		wake_writer(g, st, in);
		sk_peek_offset_bwd(sk, n);
		fill_msg(g, sock, msg, st);
	}
	return n;
}

/*
 * Look at the socket's part of the turn behind the lane's bytes, all of which have
 * been looked at. The snapshot comes first, as in recv_turn().
 */
static int peek_behind(struct door_graft *g, struct socket *sock,
		       struct msghdr *msg, size_t len, int flags,
		       struct door_lane *in, u64 pos)
{
	struct sock *sk = sock->sk;
	u64 limit = base_arrived(sk, g->is_unix);
	struct door_turn turn;

	/* The snapshot before the look. */
	smp_rmb();
	if (!door_lane_turn_at(in, pos, &turn) ||
	    READ_ONCE(sk->sk_peek_off) >= 0 ||
	    (!g->is_unix && READ_ONCE(tcp_sk(sk)->urg_data)))
		return 0;
	if (turn.closed)
		limit = turn_left(g, sk, &turn);
	if (!limit)
		return 0;
	return max(recv_base(g, sock, msg, min_t(u64, len, limit), flags), 0);
}

/*
 * Look at what there is without taking it: the socket's part of a turn and, if
 * the turn is closed and that was all of it, the lane's part behind it; or the
 * lane's part and the socket's behind it.
 */
static int peek_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct door_stream *st = smp_load_acquire(&g->stream);
	u64 off = max(sk_peek_offset(sock->sk, flags), 0);
	bool discard = (flags & MSG_TRUNC) && !g->is_unix;
	struct sock *sk = sock->sk;
	struct door_turn *turn;
	struct door_lane *in;
	u64 left = 0;
	int got = 0;
	ssize_t n;

	if (!st)
		return recv_turn(g, sock, msg, len, flags);
	in = door_graft_in(g, st);
	turn = current_turn(g, sk, in);
	if (turn) {
		if (!smp_load_acquire(&turn->closed))
			return recv_turn(g, sock, msg, len, flags);
		left = turn_left(g, sk, turn);
	}
	if (off < left) {
		got = recv_turn(g, sock, msg, len, flags);
		if (got <= 0 || got == len || off + got < left)
			return got;
		left = off = 0;
	}
	n = door_lane_peek(in, discard ? NULL : &msg->msg_iter,
			   len - got, off - left);
	if (n > 0) {
		sk_peek_offset_fwd(sk, n);
		fill_msg(g, sock, msg, st);
		got += n;
		if (unlikely(got < len && !turn))
			got += peek_behind(g, sock, msg, len - got, flags, in,
					   in->tail + off + n);
	}
	return got ? got : n;
}

static bool anything(struct door_graft *g, struct sock *sk)
{
	struct door_stream *st = smp_load_acquire(&g->stream);

	return door_graft_base_inq(sk, g->is_unix) > 0 ||
	       (st && door_graft_readable(g, sk, st));
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

/*
 * The bytes just taken ended at a turn, behind which more may follow at once; no
 * control message is joined with what comes after it.
 */
static bool goes_on(const struct door_graft *g, const struct sock *sk,
		    const struct msghdr *msg, size_t control)
{
	struct door_stream *st = READ_ONCE(g->stream);
	const struct door_lane *in;

	if (unlikely(!st))
		return false;
	in = door_graft_in(g, st);
	if (likely(READ_ONCE(in->turn_at) != READ_ONCE(in->tail)))
		return false;
	/* Urgent data ends a receive, too. */
	if (!g->is_unix && READ_ONCE(tcp_sk(sk)->urg_data))
		return false;
	return msg->msg_controllen == control && !(msg->msg_flags & MSG_CTRUNC);
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
	struct door_stream *st = smp_load_acquire(&g->stream);
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
	size_t control = msg->msg_controllen;
	struct door_waiter w;
	bool queued = false;
	int copied = 0, n;

	if (unlikely(!g || flags & (MSG_OOB | MSG_ERRQUEUE)))
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
		if (n > 0 && !(flags & MSG_PEEK) &&
		    (copied < target ||
		     (copied < size && goes_on(g, sk, msg, control))))
			continue;
		if (n != -EAGAIN || copied >= target || !may_wait(timeo, &n))
			break;
		if (queued) {
			timeo = wait_woken(&w.wqe, TASK_INTERRUPTIBLE, timeo);
			continue;
		}
		/* Look once more before sleeping: it may just have come. */
		door_waiter_init(&w, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND |
				     EPOLLRDHUP);
		add_wait_queue(sk_sleep(sk), &w.wqe);
		queued = true;
	}
	if (queued)
		remove_wait_queue(sk_sleep(sk), &w.wqe);
	return copied ? copied : n;
}
