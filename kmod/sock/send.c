// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending on a marked socket: into the lane once the socket is joined, and over
 * the socket itself, as a turn of the lane, whatever a lane of bytes cannot
 * express. Entered from socket operations; takes the graft's send lock, never
 * the peer's locks.
 */
#include "send.h"
#include "connect.h"
#include "end.h"
#include "graft.h"
#include "handoff.h"
#include "ready.h"
#include "stats.h"
#include "turn.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/tcp.h>
#include <linux/door.h>

/* A write this large fills caches anyway: let the reader run elsewhere. */
#define BULK	(32 * 1024)

/* What an attempt under the send lock returns if it goes on without. */
#define DIRECT	(-MAX_ERRNO)

/* Where the socket's own data ends, as the receiver counts it. */
static u64 base_end(const struct door_graft *g, const struct sock *sk)
{
	return g->is_unix ? g->base_sent : READ_ONCE(tcp_sk(sk)->write_seq);
}

/* Would the socket's own sendmsg connect, or disconnect, it? */
static bool connects(const struct door_graft *g, const struct sock *sk,
		     const struct msghdr *msg)
{
	return !g->is_unix && (msg->msg_flags & MSG_FASTOPEN || door_tcp_defers(sk));
}

/* Will the sender be told when its memory is not in use any more? */
static bool zerocopy(const struct door_graft *g, const struct sock *sk,
		     const struct msghdr *msg)
{
	return unlikely(msg->msg_flags & MSG_ZEROCOPY) && !g->is_unix &&
	       (msg->msg_ubuf || sock_flag(sk, SOCK_ZEROCOPY));
}

/* The socket's own send. */
static int pass_on(struct socket *sock, struct msghdr *msg, size_t len, int flags)
{
	struct iov_iter from = msg->msg_iter;
	int before = msg->msg_flags, n;

	msg->msg_flags |= flags;
	n = door_graft_base(sock)->sendmsg(sock, msg, len);
	msg->msg_flags = before;
	/* Where a copy failed it may stand anywhere; what follows is sent from here. */
	msg->msg_iter = from;
	iov_iter_advance(&msg->msg_iter, max(n, 0));
	return n;
}

/*
 * Send over the socket itself, without blocking. Zero-copy, which would be reported in
 * pieces then, is left for when the send lock is free: send_direct().
 */
static int send_base(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len)
{
	int n;

	if (zerocopy(g, sock->sk, msg) && !connects(g, sock->sk, msg)) {
		atomic_inc(&g->direct);
		return DIRECT;
	}
	n = pass_on(sock, msg, len, MSG_DONTWAIT);
	if (n <= 0)
		return n;
	g->base_sent += n;
	/* Descriptors and credentials went with the first byte. */
	if (n < len)
		msg->msg_controllen = 0;
	return n;
}

/* Send over the socket as a turn of the lane. */
static noinline int send_turn(struct door_graft *g, struct socket *sock,
			      struct msghdr *msg, size_t len, struct door_stream *st)
{
	struct door_lane *out = door_graft_out(g, st);
	int err;

	door_end_take_reset(g, sock->sk, st);
	err = door_turn_open(out, sock->sk->sk_allocation);
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
	err = send_base(g, sock, msg, len);
	if (err > 0)
		door_end_take_answer(g, sock->sk, st);
	return err;
}

/* Must this message go over the socket? */
static bool exotic(const struct door_graft *g, const struct sock *sk,
		   const struct msghdr *msg)
{
	return msg->msg_flags & (MSG_OOB | MSG_FASTOPEN) || zerocopy(g, sk, msg) ||
	       msg->msg_controllen || msg->msg_ubuf ||
	       (g->is_unix && msg->msg_namelen);
}

/*
 * As much as the socket itself would have buffered: programs may rely on what they
 * get away with. AF_UNIX lets the last message overshoot. Of TCP, what the peer's buffer
 * takes has been sent; the rest has not, and may be limited by itself.
 */
static u64 lane_limit(const struct door_graft *g, const struct sock *sk,
		      const struct sock *peer)
{
	u64 limit = READ_ONCE(sk->sk_sndbuf);

	if (!g->is_unix) {
		limit = min_t(u64, limit, tcp_notsent_lowat(tcp_sk(sk)));
		limit += READ_ONCE(peer->sk_rcvbuf);
	}
	return min_t(u64, limit, DOOR_LANE_MAX);
}

/* The most that AF_UNIX puts into one message, as unix_stream_sendmsg() has it. */
static size_t record_size(const struct sock *sk)
{
	size_t most = SKB_MAX_HEAD(0) + (PAGE_SIZE << get_order(32768));

	/* Two messages fill the buffer. */
	return min_t(size_t, most, (READ_ONCE(sk->sk_sndbuf) >> 1) - 64);
}

/*
 * How much of a write goes into the lane as one. On AF_UNIX, a message, whole, for as
 * long as the buffer is not full before it; TCP takes what fits. No buffer is so small
 * that the least would not, and nobody has to say when it was changed.
 */
static size_t portion(const struct door_graft *g, const struct sock *sk,
		      const struct sock *peer, struct door_lane *out, size_t len)
{
	u64 used = door_lane_used(out);

	if (used + len > SOCK_MIN_SNDBUF)
		WRITE_ONCE(out->limit, lane_limit(g, sk, peer));
	if (used >= out->limit)
		return 0;
	if (g->is_unix)
		return min(len, record_size(sk));
	return min_t(u64, len, out->limit - used);
}

/*
 * Bytes have just been put at @pos: will nobody read them, because the reader had gone
 * before? Then they have not been sent.
 */
static bool taken_back(const struct door_lane *out, u64 pos)
{
	/*
	 * writer: head = ...; mb; looks whether the reader is gone
	 * reader: gone;       mb; looks at head: unread bytes are a reset
	 * One of the two notices: door_lane_leave() is the other half. If the reader
	 * has taken any of them, it has noticed. If not, the socket gives the answer
	 * that a closed peer gives. The bytes stay where they are: nothing in a lane
	 * moves back. Modelled in Documentation/models/lane.pml.
	 */
	smp_mb();
	return unlikely(door_lane_is_left(out)) && door_lane_tail(out) <= pos;
}

static int send_lane(struct door_graft *g, struct socket *sock,
		     struct msghdr *msg, size_t len, struct door_stream *st)
{
	struct door_lane *out = door_graft_out(g, st);
	struct sock *peer = door_graft_peer(g, st), *sk = sock->sk;
	u64 pos = out->head;
	ssize_t n;

	n = portion(g, sk, peer, out, len);
	if (unlikely(!n))
		return -EAGAIN;
	if (unlikely(door_lane_in_turn(out))) {
		/* Pairs with send_direct(): its bytes before the end of the turn. */
		if (atomic_read_acquire(&g->direct) ||
		    door_lane_reserve(out, n, sk->sk_allocation))
			return send_turn(g, sock, msg, len, st);
		door_turn_close(out, base_end(g, sk));
	}
	n = door_lane_put(out, &msg->msg_iter, n, g->is_unix, sk->sk_allocation);
	if (unlikely(n < 0)) {
		/* Without memory, it is the socket's, which has its own limits. */
		return n == -ENOMEM ? send_turn(g, sock, msg, len, st) : n;
	}
	if (taken_back(out, pos)) {
		iov_iter_revert(&msg->msg_iter, n);
		return send_turn(g, sock, msg, len, st);
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
		return send_turn(g, sock, msg, len, st);
	if (likely(!exotic(g, sock->sk, msg)))
		return send_lane(g, sock, msg, len, st);
	/* What must go over the socket fills the same buffer as the rest. */
	if (!door_lane_in_turn(out) && door_lane_used(out) >= out->limit)
		return -EAGAIN;
	return send_turn(g, sock, msg, len, st);
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

/**
 * struct sending - one call of sendmsg
 * @g: the graft
 * @sock: its socket
 * @msg: what to send; its iterator stands behind what was sent
 * @size: how much, in all
 * @sent: how much of it so far
 * @timeo: how long it may still wait
 * @later: not the first attempt
 * @attempt: the graft's, at the first
 */
struct sending {
	struct door_graft *g;
	struct socket *sock;
	struct msghdr *msg;
	size_t size;
	size_t sent;
	long timeo;
	bool later;
	u32 attempt;
};

/*
 * Has the socket been disconnected since the first attempt? Then what is left is
 * nobody's, whoever it is connected to by now: settle() in connect.c is the other half.
 */
static int cut_since(const struct sending *s)
{
	if (likely(s->attempt == READ_ONCE(s->g->attempt)))
		return 0;
	return s->sent ? -EPIPE :
			 sk_stream_error(s->sock->sk, s->msg->msg_flags, -EPIPE);
}

/* One attempt, and if it did not get rid of everything, a request for room. */
static __always_inline int send_once(struct sending *s)
{
	int n;

	if (likely(!s->later && !s->sent))
		s->attempt = READ_ONCE(s->g->attempt);
	do {
		/* Whoever learns that a part has gone learns of no error by signal. */
		if (unlikely(s->sent))
			s->msg->msg_flags |= MSG_NOSIGNAL;
		if (unlikely(s->later || s->sent)) {
			n = cut_since(s) ?: later_error(s->g, s->sock->sk, s->sent);
			if (n)
				return n;
		}
		n = send_some(s->g, s->sock, s->msg, s->size - s->sent);
		if (n > 0)
			s->sent += n;
		if (s->sent >= s->size || (n < 0 && n != -EAGAIN))
			return n;
		s->later = true;
	} while (room_now(s->g, s->sock->sk));
	return -EAGAIN;
}

/*
 * Over the socket itself with no lock held, and as long as that takes: others come in
 * between as they do there, but only over the socket, which keeps the turn open. What
 * this returns is the outcome.
 */
static noinline int send_direct(struct sending *s)
{
	int n = pass_on(s->sock, s->msg, s->size - s->sent, 0);

	/* What was sent before the word that it was: send_lane() is the other half. */
	smp_mb__before_atomic();
	atomic_dec(&s->g->direct);
	s->timeo = 0;
	if (n <= 0)
		return n;
	s->sent += n;
	return s->sent < s->size ? -EAGAIN : n;
}

/*
 * One attempt as the only sender. A page of an AF_UNIX sender that is not there is
 * not waited for with the others kept out: send_fetched() is the other half.
 */
static __always_inline int send_locked(struct sending *s)
{
	int n;

	if (mutex_lock_killable(&s->g->send))
		return -EINTR;
	if (s->g->is_unix)
		pagefault_disable();
	n = send_once(s);
	if (s->g->is_unix)
		pagefault_enable();
	mutex_unlock(&s->g->send);
	return unlikely(n == DIRECT) ? send_direct(s) : n;
}

/* Attempts, with sleep in between, until everything is sent or cannot be. */
static int send_waiting(struct sending *s)
{
	struct sock *sk = s->sock->sk;
	struct door_waiter w;
	bool queued = false;
	int n;

	for (;;) {
		n = send_locked(s);
		if (n != -EAGAIN || s->sent >= s->size || !s->timeo)
			break;
		if (signal_pending(current)) {
			n = sock_intr_errno(s->timeo);
			break;
		}
		if (queued) {
			s->timeo = wait_woken(&w.wqe, TASK_INTERRUPTIBLE, s->timeo);
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

/*
 * A page of an AF_UNIX sender is not there: a message's worth is fetched, however long
 * that takes, with no lock held, and sent from the kernel's memory.
 */
static noinline int send_fetched(struct sending *s)
{
	size_t left = s->size - s->sent, n = min(left, record_size(s->sock->sk));
	unsigned int urgent = n < left ? s->msg->msg_flags & MSG_OOB : 0;
	struct iov_iter *from = &s->msg->msg_iter, user;
	struct kvec kv = { .iov_len = n };
	size_t size = s->size;
	int err = -EFAULT;

	kv.iov_base = kvmalloc(n, s->sock->sk->sk_allocation | __GFP_ACCOUNT);
	if (!kv.iov_base)
		return -ENOBUFS;
	if (copy_from_iter_full(kv.iov_base, n, from)) {
		user = *from;
		iov_iter_kvec(from, ITER_SOURCE, &kv, 1, n);
		/* The urgent byte is the last one. */
		s->msg->msg_flags &= ~urgent;
		s->size = s->sent + n;
		err = send_waiting(s);
		s->size = size;
		s->msg->msg_flags |= urgent;
		n = msg_data_left(s->msg);
		*from = user;
		iov_iter_revert(from, n);
	}
	kvfree(kv.iov_base);
	return err;
}

/*
 * The first attempt of a send that connects, and the wait for the connection.
 * Return: whether that was all; *@ret is the outcome then.
 */
static noinline bool send_connecting(struct sending *s, int *ret)
{
	int err;

	*ret = -EINTR;
	if (door_connect_begin(s->g, s->sock))
		return true;
	*ret = send_locked(s);
	door_connect_end(s->g, s->sock);
	/* What follows is sent as on any connection. */
	s->msg->msg_flags &= ~MSG_FASTOPEN;
	if (!s->timeo || (!s->sent && *ret != -EINPROGRESS))
		return !s->timeo || *ret != -EAGAIN;
	err = door_connect_wait(s->g, s->sock, *ret, &s->timeo);
	if (!err)
		return s->sent >= s->size;
	*ret = sk_stream_error(s->sock->sk, s->msg->msg_flags, err);
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
	struct sending s = {
		.g = door_graft_of(sock),
		.sock = sock,
		.msg = msg,
		.size = size,
		.timeo = sock_sndtimeo(sock->sk, msg->msg_flags & MSG_DONTWAIT),
	};
	int n;

	if (unlikely(!s.g || door_graft_is_plain(s.g)))
		return door_graft_base(sock)->sendmsg(sock, msg, size);
	if (unlikely(connects(s.g, sock->sk, msg)) && send_connecting(&s, &n))
		return s.sent ? s.sent : n;
	do {
		n = send_waiting(&s);
		if (unlikely(n == -EFAULT) && s.g->is_unix &&
		    user_backed_iter(&msg->msg_iter))
			n = send_fetched(&s);
	} while (n >= 0 && s.sent < size);
	return s.sent ? s.sent : n;
}
