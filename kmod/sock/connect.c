// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connecting and disconnecting TCP sockets that are marked. The socket's own
 * connect() disconnects if it is given no address, and if it is asked how an earlier
 * one went, and that had succeeded and was cut since; so does a send with
 * MSG_FASTOPEN, which connects inside. Whoever does one of these holds the graft's
 * connect lock: a stream is left before the socket can be connected to somebody
 * else, and no byte for one peer gets to another.
 *
 *   holder of the connect lock        the next one
 *   the socket's own connect()        (waits)
 *   unconnected? cut the graft,
 *   leave the stream
 *   unlock                            the socket's own connect(), to elsewhere
 *
 * Under the lock, the socket is only ever asked not to block; the waiting for a
 * handshake is done here, as the socket itself does it.
 */
#include "connect.h"
#include "graft.h"
#include "leave.h"

#include <linux/sched/signal.h>
#include <linux/wait.h>
#include <net/tcp_states.h>

/*
 * Is the socket found unconnected? Then its stream, if it has one, is over, and so are
 * the calls that wait on it: they compare the graft's attempt under the locks that are
 * taken here, so that none of them goes on to send to, or receive from, the next peer.
 * Return: 0, or -EINTR: killed before all were out; who comes next tries again.
 */
static int settle(struct door_graft *g, struct socket *sock, bool meant)
{
	lockdep_assert_held(&g->connect);
	if (READ_ONCE(sock->state) != SS_UNCONNECTED)
		return 0;
	return door_graft_cut(g, meant) ? door_leave(g) : door_leave_calls(g);
}

/**
 * door_connect_begin - keep others from connecting or disconnecting a TCP socket
 * @g: the graft
 * @sock: its socket
 *
 * Return: 0 or -EINTR (killed).
 */
int door_connect_begin(struct door_graft *g, struct socket *sock)
{
	int err = mutex_lock_killable(&g->connect);

	if (err)
		return err;
	err = settle(g, sock, false);
	if (err)
		mutex_unlock(&g->connect);
	return err;
}

/**
 * door_connect_end - let others connect or disconnect the socket again
 * @g: the graft
 * @sock: its socket, which the caller may have connected or disconnected
 */
void door_connect_end(struct door_graft *g, struct socket *sock)
{
	settle(g, sock, false);
	mutex_unlock(&g->connect);
}

/* One question to the socket itself; without an address, how an earlier one went. */
static int ask(struct door_graft *g, struct socket *sock,
	       struct sockaddr_unsized *addr, int len, int flags)
{
	int err;

	lockdep_assert_held(&g->connect);
	err = door_graft_base(sock)->connect(sock, addr, len, flags | O_NONBLOCK);
	/* An attempt that failed leaves the socket free to be joined after the next. */
	settle(g, sock, !err);
	return err;
}

static bool shaking_hands(const struct sock *sk)
{
	return (1 << READ_ONCE(sk->sk_state)) & (TCPF_SYN_SENT | TCPF_SYN_RECV);
}

/* Until the handshake is over, a signal comes, or time is up; returns what is left. */
static long sleep_on(struct sock *sk, long timeo)
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);

	add_wait_queue(sk_sleep(sk), &wait);
	/* In the queue before the look; pairs with skwq_has_sleeper(). */
	smp_mb();
	while (shaking_hands(sk) && timeo && !signal_pending(current))
		timeo = wait_woken(&wait, TASK_INTERRUPTIBLE, timeo);
	remove_wait_queue(sk_sleep(sk), &wait);
	return timeo;
}

/* The second half of a connect(): @err is what it returns if time is up. */
static int finish(struct door_graft *g, struct socket *sock, int err, int dis,
		  long *timeo)
{
	struct sock *sk = sock->sk;

	if (shaking_hands(sk)) {
		*timeo = sleep_on(sk, *timeo);
		if (!*timeo)
			return err;
		if (signal_pending(current))
			return sock_intr_errno(*timeo);
	}
	if (mutex_lock_killable(&g->connect))
		return -EINTR;
	if (dis != READ_ONCE(sk->sk_disconnects))
		err = -EPIPE;	/* by another thread: this connect() is over */
	else if (READ_ONCE(sock->state) == SS_CONNECTED)
		err = 0;	/* another thread has been told already */
	else if (READ_ONCE(sock->state) == SS_UNCONNECTED)
		err = sock_error(sk) ?: -ECONNABORTED;	/* shut down meanwhile */
	else
		err = ask(g, sock, NULL, 0, 0);
	/* It was being shut down: there was no attempt any more to ask about. */
	if (err == -EINVAL)
		err = dis != READ_ONCE(sk->sk_disconnects) ? -EPIPE : -ECONNABORTED;
	mutex_unlock(&g->connect);
	return err;
}

/* Would the socket's own connect() wait, having said this? */
static bool under_way(struct socket *sock, int err)
{
	if (err == -EISCONN)	/* a connect() that waits for the first send */
		return READ_ONCE(sock->state) == SS_CONNECTING;
	return err == -EINPROGRESS || err == -EALREADY;
}

/**
 * door_connect - the connect operation of a marked socket
 * @sock: the socket
 * @addr: where to
 * @len: its length
 * @flags: O_NONBLOCK or 0
 *
 * Return: what the socket itself would return.
 */
int door_connect(struct socket *sock, struct sockaddr_unsized *addr, int len,
		 int flags)
{
	struct door_graft *g = door_graft_of(sock);
	struct sock *sk = sock->sk;
	long timeo = sock_sndtimeo(sk, flags & O_NONBLOCK);
	int err, dis;

	if (!g || g->is_unix)
		return door_graft_base(sock)->connect(sock, addr, len, flags);
	if (door_connect_begin(g, sock))
		return -EINTR;
	err = ask(g, sock, addr, len, flags);
	dis = READ_ONCE(sk->sk_disconnects);
	mutex_unlock(&g->connect);
	if (!timeo || !under_way(sock, err))
		return err;
	return finish(g, sock, err, dis, &timeo);
}

/**
 * door_connect_wait - wait for a connection that a send has begun
 * @g: the graft
 * @sock: its socket
 * @err: what the send returns if time is up
 * @timeo: how long; receives what is left
 *
 * Return: 0 once it is connected, or what the send returns.
 */
int door_connect_wait(struct door_graft *g, struct socket *sock, int err,
		      long *timeo)
{
	int dis = READ_ONCE(sock->sk->sk_disconnects);

	if (READ_ONCE(sock->state) != SS_CONNECTING)
		return 0;
	return finish(g, sock, err, dis, timeo);
}
