// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending on a marked socket: into the lane once the socket is joined, and over
 * the socket itself, as a turn of the lane, whatever a lane of bytes cannot
 * express. Entered from socket operations; takes the graft's send lock, never
 * the peer's locks.
 */
#include "send.h"
#include "connect.h"
#include "graft.h"
#include "handoff.h"
#include "ready.h"
#include "stats.h"
#include "turn.h"

#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <net/tcp.h>
#include <linux/door.h>

/* A write this large fills caches anyway: let the reader run elsewhere. */
#define BULK	(32 * 1024)

/* Where the socket's own data ends, as the receiver counts it. */
static u64 base_end(const struct door_graft *g, const struct sock *sk)
{
	return g->is_unix ? g->base_sent : READ_ONCE(tcp_sk(sk)->write_seq);
}

/*
 * Send over the socket itself. Blocks only with MSG_ZEROCOPY, which would be
 * reported in pieces otherwise.
 */
static int send_base(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len)
{
	int flags = msg->msg_flags;
	int n;

	if (!(flags & MSG_ZEROCOPY))
		msg->msg_flags |= MSG_DONTWAIT;
	n = door_graft_base(sock)->sendmsg(sock, msg, len);
	msg->msg_flags = flags;
	if (n <= 0)
		return n;
	g->base_sent += n;
	/* Descriptors and credentials went with the first byte. */
	if (n < len && msg->msg_controllen) {
		msg->msg_control = NULL;
		msg->msg_controllen = 0;
	}
	return n;
}

/*
 * A reader that has gone with bytes unread resets the connection. On a busy machine
 * the reset may not have come through the network's queues yet, and TCP would take
 * what is sent before: the connection ends here at once.
 */
static void take_reset(const struct door_graft *g, struct sock *sk,
		       const struct door_lane *out)
{
	if (unlikely(test_bit(DOOR_DETOUR_LOST, &out->detour)) && !g->is_unix &&
	    READ_ONCE(sk->sk_state) != TCP_CLOSE)
		tcp_abort(sk, ECONNRESET);
}

/* Send over the socket as a turn of the lane. */
static int send_turn(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, struct door_lane *out)
{
	int err;

	take_reset(g, sock->sk, out);
	err = door_turn_open(out);
	if (err)
		return err;
	/*
	 * Urgent data is counted neither here nor there as other bytes are: a
	 * lane that has seen some never takes over again.
	 */
	if (msg->msg_flags & MSG_OOB &&
	    !test_and_set_bit(DOOR_DETOUR_URGENT, &out->detour))
		door_graft_fallback(DOOR_WHY_OOB, sock->sk);
	door_stat_inc(BASE_MESSAGES);
	return send_base(g, sock, msg, len);
}

/* Must this message go over the socket? */
static bool exotic(const struct door_graft *g, const struct msghdr *msg)
{
	return msg->msg_flags & (MSG_OOB | MSG_ZEROCOPY | MSG_FASTOPEN) ||
	       msg->msg_controllen || msg->msg_ubuf ||
	       (g->is_unix && msg->msg_namelen);
}

/*
 * As much as the socket itself would have buffered, and a little more: programs
 * may rely on what they get away with. AF_UNIX counts its overhead too, but lets
 * the last message overshoot; TCP grows its buffers up to tcp_wmem.
 */
static u64 lane_limit(const struct door_graft *g, const struct sock *sk,
		      const struct sock *peer)
{
	u64 limit = READ_ONCE(sk->sk_sndbuf);
	u64 wmem;

	if (g->is_unix)
		return min_t(u64, limit + limit / 4, DOOR_LANE_MAX);
	limit += READ_ONCE(peer->sk_rcvbuf);
	if (!(sk->sk_userlocks & SOCK_SNDBUF_LOCK) &&
	    !(peer->sk_userlocks & SOCK_RCVBUF_LOCK)) {
		wmem = READ_ONCE(sock_net(sk)->ipv4.sysctl_tcp_wmem[2]);
		limit = max(limit, wmem - wmem / 16);
	}
	return min_t(u64, limit, DOOR_LANE_MAX);
}

/*
 * Of @n bytes just put, those that nobody will read because the reader had gone:
 * they have not been sent.
 */
static size_t taken_back(const struct door_lane *out, size_t n)
{
	/*
	 * writer: head = ...; mb; looks whether the reader is gone
	 * reader: gone;       mb; looks at head: unread bytes are a reset
	 * One of the two notices: door_lane_leave() is the other half. If it is the
	 * writer, what has not been read by now will not be, and the socket gives
	 * the answer that a closed peer gives. The bytes stay where they are: nothing
	 * in a lane moves back. Modelled in Documentation/models/lane.pml.
	 */
	smp_mb();
	if (likely(!door_lane_is_left(out)))
		return 0;
	return min_t(u64, n, door_lane_used(out));
}

static int send_lane(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, struct door_stream *st)
{
	struct door_lane *out = door_graft_out(g, st);
	struct sock *peer = door_graft_peer(g, st);
	size_t unread;
	ssize_t n;

	if (unlikely(door_lane_in_turn(out))) {
		WRITE_ONCE(out->limit, lane_limit(g, sock->sk, peer));
		door_turn_close(out, base_end(g, sock->sk));
	}
	n = door_lane_put(out, &msg->msg_iter, len);
	if (unlikely(n <= 0))
		return n == -ENOMEM ? send_turn(g, sock, msg, len, out) : n;
	unread = taken_back(out, n);
	if (unlikely(unread)) {
		iov_iter_revert(&msg->msg_iter, unread);
		n -= unread;
		if (!n)
			return send_turn(g, sock, msg, len, out);
	}
	door_stat_add(STREAM_BYTES, n);
	door_ready_wake(peer, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND,
			SOCK_WAKE_WAITD, len < BULK);
	return n;
}

static int send_some(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len)
{
	struct door_stream *st = door_graft_stream(g);
	struct door_lane *out;

	if (unlikely(!st && msg->msg_flags & MSG_OOB)) {
		/* No join from here on; one that came first has set the stream. */
		door_graft_seal(g, DOOR_WHY_OOB);
		st = door_graft_stream(g);
	}
	/* No bytes have no place: the socket says what it says of them. */
	if (!st || !len)
		return send_base(g, sock, msg, len);
	out = door_graft_out(g, st);
	if (unlikely(door_ready_detours(g, sock->sk, st)))
		return send_turn(g, sock, msg, len, out);
	if (likely(!exotic(g, msg)))
		return send_lane(g, sock, msg, len, st);
	/* What must go over the socket fills the same buffer as the rest. */
	if (!door_lane_in_turn(out) && door_lane_used(out) >= out->limit)
		return -EAGAIN;
	return send_turn(g, sock, msg, len, out);
}

/* Ask the reader to wake us when there is room; true if there is already. */
static bool room_now(struct door_graft *g, struct sock *sk)
{
	struct door_stream *st = door_graft_stream(g);
	struct door_lane *out;

	if (!st)
		return false;
	out = door_graft_out(g, st);
	if (door_lane_in_turn(out))
		return false;
	sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
	WRITE_ONCE(out->nospace, true);
	/* Pairs with the barrier in wake_writer(). */
	smp_mb();
	return door_lane_used(out) < out->limit || door_lane_is_left(out);
}

/*
 * What an attempt is told that is not the first of its call. AF_UNIX: of an error
 * before the end, and no signal is raised. TCP: only that the part that has gone
 * is all; the error is for the next call, the signal too.
 */
static int later_error(const struct door_graft *g, struct sock *sk, int sent)
{
	bool shut = READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN;

	if (likely(!READ_ONCE(sk->sk_err) && !shut))
		return 0;
	if (!g->is_unix)
		return sent ? -EPIPE : 0;
	return sock_error(sk) ?: (shut ? -EPIPE : 0);
}

/* One attempt, and if it did not get rid of everything, a request for room. */
static int send_once(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t size, int *sent, bool later)
{
	int n;

	do {
		if (unlikely(later)) {
			n = later_error(g, sock->sk, *sent);
			if (n)
				return n;
		}
		n = send_some(g, sock, msg, size - *sent);
		if (n > 0)
			*sent += n;
		if (*sent >= size || (n < 0 && n != -EAGAIN))
			return n;
		if (*sent)
			msg->msg_flags |= MSG_NOSIGNAL;
		later = true;
	} while (room_now(g, sock->sk));
	return -EAGAIN;
}

/* One attempt as the only sender. */
static int send_locked(struct door_graft *g, struct socket *sock,
		       struct msghdr *msg, size_t size, int *sent, bool later)
{
	int n;

	if (mutex_lock_killable(&g->send))
		return -EINTR;
	n = send_once(g, sock, msg, size, sent, later);
	mutex_unlock(&g->send);
	return n;
}

/* Attempts, with sleep in between, until everything is sent or cannot be. */
static int send_waiting(struct door_graft *g, struct socket *sock,
			struct msghdr *msg, size_t size, int *sent, long timeo)
{
	struct sock *sk = sock->sk;
	struct door_waiter w;
	bool queued = false;
	int n;

	for (;;) {
		n = send_locked(g, sock, msg, size, sent, queued);
		if (n != -EAGAIN || *sent >= size || !timeo)
			break;
		if (signal_pending(current)) {
			n = sock_intr_errno(timeo);
			break;
		}
		if (queued) {
			timeo = wait_woken(&w.wqe, TASK_INTERRUPTIBLE, timeo);
			continue;
		}
		/* Try once more before sleeping: there may just be room. */
		door_waiter_init(&w, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
		add_wait_queue(sk_sleep(sk), &w.wqe);
		/* In the queue before the look; pairs with door_ready_wake(). */
		smp_mb();
		queued = true;
	}
	if (unlikely(queued))
		remove_wait_queue(sk_sleep(sk), &w.wqe);
	return n;
}

/* Would the socket's own sendmsg connect, or disconnect, it? */
static bool connects(const struct door_graft *g, const struct sock *sk,
		     const struct msghdr *msg)
{
	return !g->is_unix &&
	       (msg->msg_flags & MSG_FASTOPEN || door_tcp_defers(sk));
}

/*
 * The first attempt of a send that connects, and the wait for the connection.
 * Return: whether that was all; *@ret is the outcome then.
 */
static bool send_connecting(struct door_graft *g, struct socket *sock,
			    struct msghdr *msg, size_t size, int *sent,
			    long *timeo, int *ret)
{
	int n, err;

	*ret = -EINTR;
	if (door_connect_begin(g, sock))
		return true;
	n = send_locked(g, sock, msg, size, sent, false);
	door_connect_end(g, sock);
	*ret = n;
	/* What follows is sent as on any connection. */
	msg->msg_flags &= ~MSG_FASTOPEN;
	if (!*timeo || (!*sent && n != -EINPROGRESS))
		return !*timeo || n != -EAGAIN;
	err = door_connect_wait(g, sock, n, timeo);
	if (!err)
		return *sent >= size;
	*ret = sk_stream_error(sock->sk, msg->msg_flags, err);
	return true;
}

/**
 * door_send_msg - the sendmsg operation of a marked socket
 * @sock: the socket
 * @msg: what to send
 * @size: how much
 *
 * Return: bytes, or what the socket itself would return.
 */
int door_send_msg(struct socket *sock, struct msghdr *msg, size_t size)
{
	struct door_graft *g = door_graft_of(sock);
	long timeo = sock_sndtimeo(sock->sk, msg->msg_flags & MSG_DONTWAIT);
	int sent = 0, n;

	if (unlikely(!g || door_graft_is_plain(g)))
		return door_graft_base(sock)->sendmsg(sock, msg, size);
	if (unlikely(connects(g, sock->sk, msg)) &&
	    send_connecting(g, sock, msg, size, &sent, &timeo, &n))
		return sent ? sent : n;
	n = send_waiting(g, sock, msg, size, &sent, timeo);
	return sent ? sent : n;
}
