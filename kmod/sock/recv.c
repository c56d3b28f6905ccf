// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving on a marked socket: from the socket itself up to the end of a turn,
 * then from the lane, in order, with what recvmsg() reports beside the bytes and
 * with the waiting. Entered from socket operations; takes the graft's receive lock,
 * never the peer's locks.
 */
#include "recv.h"
#include "end.h"
#include "handoff.h"
#include "peek.h"
#include "ready.h"
#include "turn.h"

#include <linux/cred.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>
#include <linux/uidgid.h>
#include <net/af_unix.h>
#include <net/tcp.h>

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
 * The bytes of a lane have no sender to name to a receiver who asks for
 * credentials: they were sent before it asked.
 */
static void fill_creds(struct msghdr *msg)
{
	struct ucred nobody = {
		.uid = from_kuid_munged(current_user_ns(), INVALID_UID),
		.gid = from_kgid_munged(current_user_ns(), INVALID_GID),
	};

	if (msg->msg_control)
		put_cmsg(msg, SOL_SOCKET, SCM_CREDENTIALS, sizeof(nobody), &nobody);
	else
		msg->msg_flags |= MSG_CTRUNC;
}

/* Bytes from the lane have just been received: report what the socket reports. */
static __always_inline void fill(struct door_graft *g, struct socket *sock, struct msghdr *msg)
{
	if (unlikely(msg->msg_name))
		fill_name(g, sock, msg);
	if (g->is_unix && unlikely(door_unix_passcred(sock->sk)))
		fill_creds(msg);
}

/* Report how much is left after a receive. */
static void tell_inq(struct door_graft *g, struct sock *sk, struct msghdr *msg)
{
	struct door_stream *st = door_graft_stream(g);
	bool cmsg = door_base_tells_inq(g, sk);
	u64 n;

	if (likely(!cmsg && !msg->msg_get_inq))
		return;
	n = door_ready_inq(g, sk, st);
	/* TCP counts the end, so that the receiver comes back for it. */
	if (!g->is_unix && (sock_flag(sk, SOCK_DONE) || (st && door_end_has_come(g, sk, st))))
		n++;
	msg->msg_inq = min_t(u64, n, INT_MAX);
	if (cmsg)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(msg->msg_inq),
			 &msg->msg_inq);
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
		door_ready_wake(door_graft_peer(g, st),
				EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND,
				SOCK_WAKE_SPACE, true);
	}
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
	struct door_turn *turn = NULL;
	size_t done = 0, lane = 0;
	bool asked;
	ssize_t n;

	do {
		asked = turn;
		turn = door_base_turn(g, sk, in);
		if (unlikely(turn)) {
			if (done && !door_base_may_mix(g, sk, in, asked))
				break;
			n = door_base_recv_turn(g, sock, msg, len - done, flags, turn);
		} else {
			n = door_lane_take(in, discard ? NULL : &msg->msg_iter,
					   len - done);
			lane += max(n, 0);
		}
		if (n <= 0)
			break;
		done += n;
	} while (done < len && !door_base_told(msg, space) &&
		 (turn || READ_ONCE(in->turn_at) != DOOR_NO_TURN));
	if (lane) {
		/* Who sends here is alive, whatever the socket itself has heard. */
		if (unlikely(sock_flag(sk, SOCK_KEEPOPEN)) && !g->is_unix)
			WRITE_ONCE(tcp_sk(sk)->rcv_tstamp, tcp_jiffies32);
		wake_writer(g, st, in);
		sk_peek_offset_bwd(sk, lane);
		fill(g, sock, msg);
	}
	return done ? done : n;
}

static int recv_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, int flags)
{
	struct door_stream *st = door_graft_stream(g);
	int n;

	if (unlikely(!st)) {
		n = door_base_recv_turn(g, sock, msg, len, flags, NULL);
		/* Unless it was joined between the two looks. */
		st = door_graft_stream(g);
		if (n || !st)
			return n;
	}
	return take_some(g, sock, msg, len, flags, st);
}

static bool anything(struct door_graft *g, struct sock *sk)
{
	struct door_stream *st = door_graft_stream(g);

	return door_base_inq(g, sk) ||
	       (st && door_ready_lane(g, sk, st));
}

/*
 * Has come what ends even a receive that asked for more: descriptors, another
 * sender's bytes next (to one who asks who they are), or an urgent byte next?
 * @space is the control space before it.
 */
static bool stops(struct door_graft *g, struct sock *sk,
		  const struct msghdr *msg, size_t space)
{
	struct door_stream *st = door_graft_stream(g);

	if (!g->is_unix)
		return door_base_at_urgent(sk);
	if (st && !door_base_may_mix(g, sk, door_graft_in(g, st), true) &&
	    !door_unix_passes_creds(sk))
		return true;
	if (likely(!door_base_told(msg, space)))
		return false;
	return !door_unix_passes_creds(sk) || anything(g, sk) ||
	       space - msg->msg_controllen > CMSG_SPACE(sizeof(struct ucred));
}

/* Nothing arrives any more, or there is an error to report. */
static bool has_ended(struct door_graft *g, struct sock *sk)
{
	struct door_stream *st = door_graft_stream(g);

	return (st && door_end_has_come(g, sk, st)) || door_base_ended(sk);
}

/* How a receiver is told of the end: by the socket, unless that does not know yet. */
static int tell_end(struct door_graft *g, struct socket *sock, struct msghdr *msg,
		    size_t size, int flags)
{
	struct door_stream *st = door_graft_stream(g);
	int n;

	if (st && door_end_has_come(g, sock->sk, st)) {
		door_end_take_reset(g, sock->sk, st);
		if (door_end_is_fin(g, sock->sk, st)) {
			tell_inq(g, sock->sk, msg);
			return 0;
		}
	}
	n = door_base_recv(g, sock, msg, size, flags);
	return n == -EAGAIN && has_ended(g, sock->sk) ? 0 : n;
}

/* Looks at what there is, from the beginning. */
static noinline int look(struct door_graft *g, struct socket *sock, struct msghdr *msg,
			 size_t size, int flags, int *copied)
{
	bool lane = false;
	int n;

	iov_iter_revert(&msg->msg_iter, size - msg_data_left(msg));
	sk_peek_offset_bwd(sock->sk, *copied);
	*copied = 0;
	n = door_peek(g, sock, msg, size, flags, &lane);
	if (lane)
		fill(g, sock, msg);
	return n;
}

static __always_inline int recv_try(struct door_graft *g, struct socket *sock,
				    struct msghdr *msg, size_t size, int flags,
				    int *copied)
{
	if (unlikely(flags & MSG_PEEK))
		return look(g, sock, msg, size, flags, copied);
	return recv_some(g, sock, msg, size - *copied, flags);
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
	bool ended = false;
	int n;

	if (unlikely(!size && anything(g, sock->sk)))
		return 0;
	for (;;) {
		n = recv_try(g, sock, msg, size, flags, copied);
		if (likely(n && n != -EAGAIN))
			break;
		if (ended) {
			n = *copied ? 0 : tell_end(g, sock, msg, size, flags);
			break;
		}
		ended = has_ended(g, sock->sk);
		if (!ended)
			return -EAGAIN;
		/* Once more: what came before the end is there now. */
	}
	if (n <= 0)
		return n;
	*copied += n;
	if (likely(!(flags & MSG_PEEK)) || g->is_unix || *copied >= target ||
	    has_ended(g, sock->sk))
		return n;
	return -EAGAIN;
}

/*
 * May a receiver be frozen as it sleeps, and never notice? As AF_UNIX has it and TCP
 * has not. A splice, into memory of the kernel's, holds the pipe meanwhile, whose other
 * users could not be frozen then.
 */
static unsigned int wait_state(const struct door_graft *g, const struct msghdr *msg)
{
	bool freezable = g->is_unix && user_backed_iter(&msg->msg_iter);

	return TASK_INTERRUPTIBLE | (freezable ? TASK_FREEZABLE : 0);
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
 * Whoever looks again before it sleeps, or gives up, need not ask for the end.
 */
static bool quiet(struct door_graft *g, struct sock *sk, bool again)
{
	struct door_stream *st = door_graft_stream(g);
	const struct door_lane *in;

	if (unlikely(!st))
		return false;
	in = door_graft_in(g, st);
	return !door_lane_used(in) && READ_ONCE(in->turn_at) == DOOR_NO_TURN &&
	       (again || !has_ended(g, sk));
}

/*
 * Waits, if it may, until there are @target bytes. All of one connection: who has some
 * gets none of the next one, and who has none is told of a disconnect that he slept
 * through, as sk_wait_event() has it. settle() in connect.c is the other half.
 */
static int receive(struct door_graft *g, struct socket *sock, struct msghdr *msg,
		   size_t size, int flags, int target)
{
	struct sock *sk = sock->sk;
	long timeo = sock_rcvtimeo(sk, flags & MSG_DONTWAIT);
	int dis = READ_ONCE(sk->sk_disconnects), copied = 0, n;
	size_t space = msg->msg_controllen;
	struct door_waiter w;
	bool queued = false;
	u32 attempt = 0;

	for (;;) {
		n = -EAGAIN;
		if (!quiet(g, sk, timeo && !queued)) {
			n = -EINTR;
			if (mutex_lock_killable(&g->recv))
				break;
			n = -EPIPE;
			if (likely(copied ? attempt == READ_ONCE(g->attempt) :
					    dis == READ_ONCE(sk->sk_disconnects))) {
				attempt = READ_ONCE(g->attempt);
				n = recv_once(g, sock, msg, size, flags, target, &copied);
			}
			mutex_unlock(&g->recv);
		}
		if (n > 0 && copied < target && !(flags & MSG_PEEK) &&
		    !stops(g, sk, msg, space))
			continue;
		if (n != -EAGAIN || copied >= target)
			break;
		if (queued || !timeo) {
			if (!may_wait(timeo, &n))
				break;
			/* Who waits here needs no signal. */
			sk_set_bit(SOCKWQ_ASYNC_WAITDATA, sk);
			timeo = wait_woken(&w.wqe, wait_state(g, msg), timeo);
			sk_clear_bit(SOCKWQ_ASYNC_WAITDATA, sk);
			continue;
		}
		/* Look once more before sleeping: it may just have come. */
		door_waiter_init(&w, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND |
				     EPOLLRDHUP);
		add_wait_queue(sk_sleep(sk), &w.wqe);
		/* In the queue before the look; pairs with door_ready_wake(). */
		smp_mb();
		queued = true;
	}
	if (queued)
		remove_wait_queue(sk_sleep(sk), &w.wqe);
	if (copied)
		tell_inq(g, sk, msg);
	return copied ? copied : n;
}

/**
 * door_recv_msg - the recvmsg operation of a marked socket
 * @sock: the socket
 * @msg: where to put it
 * @size: how much
 * @flags: MSG_*
 *
 * Return: bytes, 0 at the end, or what the socket itself would return.
 */
int door_recv_msg(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct door_graft *g = door_graft_of(sock);

	if (unlikely(!g || door_graft_is_plain(g) ||
		     (flags & MSG_ERRQUEUE && !g->is_unix)))
		return door_graft_base(sock)->recvmsg(sock, msg, size, flags);
	if (unlikely(flags & MSG_OOB))
		return door_base_recv_urgent(g, sock, msg, size, flags);
	return receive(g, sock, msg, size, flags,
		       sock_rcvlowat(sock->sk, flags & MSG_WAITALL, size));
}

/**
 * door_recv_spliced - receive into pages for a pipe
 * @sock: the socket, with a graft
 * @msg: the pages
 * @size: how much they hold
 * @flags: MSG_DONTWAIT or 0
 *
 * Return: as door_recv_msg().
 */
int door_recv_spliced(struct socket *sock, struct msghdr *msg, size_t size, int flags)
{
	struct door_graft *g = door_graft_of(sock);

	/* TCP's own splice does not ask how much must have come (SO_RCVLOWAT). */
	return receive(g, sock, msg, size, flags,
		       g->is_unix ? sock_rcvlowat(sock->sk, 0, size) : 1);
}
