// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a TCP stream: told through the lane, in order behind the bytes, so that it
 * gets there whatever becomes of packets: a firewall forgets a connection on which it
 * sees nothing. The socket's own FIN or reset says the same once more. AF_UNIX has
 * no packets, and ends by itself.
 *
 * Written with the send lock held, by whoever shuts down, disconnects or releases the
 * writing socket; seen by anybody who uses the other one.
 */
#include "end.h"
#include "ready.h"

#include <linux/poll.h>
#include <net/tcp.h>

/**
 * door_end_resets - would closing the socket now reset the connection?
 * @g: the graft
 * @sk: a TCP socket
 *
 * Because it is not to linger, or has unread bytes of its own; those in the lane are
 * for others to look at.
 */
bool door_end_resets(const struct door_graft *g, struct sock *sk)
{
	return (sock_flag(sk, SOCK_LINGER) && !sk->sk_lingertime) ||
	       door_base_inq(g, sk);
}

/**
 * door_end_place - where a socket's own data ends, for good
 * @sk: a TCP socket that is about to be shut down for sending (send lock)
 *
 * There are senders without the send lock: zero-copy, and whoever in the kernel has the
 * socket. One that has the socket's lock goes on until there is no room, and looks for
 * this when it has the lock again. The FIN, which counts as a byte, is not sent yet.
 *
 * Return: the place, for door_end_write().
 */
u32 door_end_place(struct sock *sk)
{
	u32 end;

	lock_sock(sk);
	if ((1 << sk->sk_state) & (TCPF_ESTABLISHED | TCPF_CLOSE_WAIT))
		WRITE_ONCE(sk->sk_shutdown, sk->sk_shutdown | SEND_SHUTDOWN);
	end = tcp_sk(sk)->write_seq;
	release_sock(sk);
	return end;
}

/**
 * door_end_write - nothing comes behind what has been sent (writer)
 * @g: the graft of a TCP socket with a stream
 * @at: where its own data ends, as the receiver counts it
 * @reset: the connection is over, for both
 */
void door_end_write(struct door_graft *g, u32 at, bool reset)
{
	struct door_lane *out = door_graft_out(g, g->stream);

	lockdep_assert_held(&g->send);
	if (!test_bit(DOOR_DETOUR_ENDED, &out->detour)) {
		out->end = at;
		if (!reset)
			set_bit(DOOR_DETOUR_FIN, &out->detour);
	}
	if (reset)
		set_bit(DOOR_DETOUR_RESET, &out->detour);
	/* Bytes, place and reason before the word; pairs with door_end_has_come(). */
	smp_mb__before_atomic();
	set_bit(DOOR_DETOUR_ENDED, &out->detour);
}

/**
 * door_end_wake - wake who waits for the end that has been written
 * @g: the graft of the writer
 */
void door_end_wake(const struct door_graft *g)
{
	bool reset = test_bit(DOOR_DETOUR_RESET, &door_graft_out(g, g->stream)->detour);

	door_ready_wake(door_graft_peer(g, g->stream),
			EPOLLIN | EPOLLRDNORM | EPOLLRDHUP |
			(reset ? EPOLLERR | EPOLLHUP | EPOLLOUT | EPOLLWRNORM : 0),
			SOCK_WAKE_WAITD, false);
}

/* Has the socket all that was sent over it before the end? */
static bool arrived(const struct sock *sk, const struct door_lane *in)
{
	return (s32)(in->end - READ_ONCE(tcp_sk(sk)->rcv_nxt)) <= 0;
}

/**
 * door_end_is_fin - has the stream ended as it should, whatever came then?
 * @g: the graft of a socket to which door_end_has_come()
 * @sk: the socket
 * @st: its stream
 *
 * Then a receiver is told of nothing else.
 */
bool door_end_is_fin(const struct door_graft *g, const struct sock *sk,
		     struct door_stream *st)
{
	const struct door_lane *in = door_graft_in(g, st);

	return test_bit(DOOR_DETOUR_FIN, &in->detour) && arrived(sk, in);
}

/* As tcp_reset() has it; or what has not been told of yet. */
static int reset_error(const struct door_graft *g, const struct sock *sk,
		       struct door_stream *st)
{
	return READ_ONCE(sk->sk_err) ?: door_end_is_fin(g, sk, st) ? EPIPE : ECONNRESET;
}

/*
 * Lets the socket know of a reset that may not get here by itself, or of what else has
 * ended the connection. Not on a later one: that comes after door_graft_cut(). Return:
 * whether that was news.
 */
static bool notice(struct door_graft *g, struct sock *sk, int err)
{
	bool news;

	spin_lock(&g->lock);
	news = g->state == DOOR_GRAFT_JOINED && !g->reset_told;
	if (news) {
		WRITE_ONCE(g->reset_told, true);
		news = READ_ONCE(sk->sk_state) != TCP_CLOSE;
		if (news && !READ_ONCE(sk->sk_err))
			WRITE_ONCE(sk->sk_err, err);
	}
	spin_unlock(&g->lock);
	return news;
}

/**
 * door_end_seen - door_end_has_come() when the end has been written
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 */
bool door_end_seen(struct door_graft *g, struct sock *sk, struct door_stream *st)
{
	if (!door_end_is_reset(g, st))
		return arrived(sk, door_graft_in(g, st));
	if (!READ_ONCE(g->reset_told))
		notice(g, sk, reset_error(g, sk, st));
	return true;
}

/**
 * door_end_take_reset - let a reset that is known of end the connection (writer, reader)
 * @g: the graft, about to send over the socket itself, or to be told of the end
 * @sk: the socket
 * @st: its stream
 *
 * A peer that goes with bytes unread resets the connection. On a busy machine the reset
 * may not have come through the network's queues yet, or never come, and TCP would take
 * what is sent before, and tell of it once more when it comes. Modelled in
 * Documentation/models/end.pml.
 */
void door_end_take_reset(struct door_graft *g, struct sock *sk, struct door_stream *st)
{
	bool told = READ_ONCE(g->reset_told) && !READ_ONCE(sk->sk_err);

	if (g->is_unix || READ_ONCE(sk->sk_state) == TCP_CLOSE ||
	    (!test_bit(DOOR_DETOUR_LOST, &door_graft_out(g, st)->detour) &&
	     !door_end_is_reset(g, st)))
		return;
	tcp_abort(sk, reset_error(g, sk, st));
	/* Of which it has been told already. */
	if (told)
		sock_error(sk);
}

/* Does the peer take nothing any more, after it has sent its last? */
static bool has_closed(struct door_graft *g, struct sock *sk,
		       struct door_stream *st)
{
	return door_end_has_come(g, sk, st) &&
	       (door_lane_is_left(door_graft_out(g, st)) ||
		READ_ONCE(door_graft_peer(g, st)->sk_shutdown) == SHUTDOWN_MASK);
}

/**
 * door_end_take_answer - end a connection on which nobody can be sent anything (writer)
 * @g: the graft, which has just sent over the socket itself
 * @sk: the socket
 * @st: its stream
 *
 * A peer that has closed, or shut down both ways, answers whatever is sent then with a
 * reset. Should that not come, the connection ends all the same, for both.
 */
void door_end_take_answer(struct door_graft *g, struct sock *sk, struct door_stream *st)
{
	if (g->is_unix || !has_closed(g, sk, st) || READ_ONCE(sk->sk_state) == TCP_CLOSE)
		return;
	tcp_abort(sk, EPIPE);
	door_end_write(g, 0, true);
	door_end_wake(g);
}

/*
 * Has the peer taken nothing for as long as the socket is to wait for it? What fits the
 * peer's buffer has been sent and acknowledged; what does not waits, and TCP probes. Of
 * a peer that has gone, there is other news.
 */
static bool timed_out(struct door_graft *g, struct sock *sk, bool moved)
{
	struct door_lane *out = door_graft_out(g, g->stream);
	u32 limit = READ_ONCE(inet_csk(sk)->icsk_user_timeout);
	u64 theirs = READ_ONCE(door_graft_peer(g, g->stream)->sk_rcvbuf);

	if (moved || !limit || door_lane_is_left(out) || door_lane_used(out) <= theirs) {
		g->stalled = 0;
		return false;
	}
	if (!g->stalled)
		g->stalled = jiffies ?: 1;
	return time_after_eq(jiffies, g->stalled + msecs_to_jiffies(limit));
}

/*
 * Ends the connection for both. Not by the socket itself, whose lock its program may
 * hold for as long as it likes: whoever uses either end next does that.
 */
static void give_up(struct door_graft *g, struct sock *sk)
{
	struct door_lane *in = door_graft_in(g, g->stream);

	if (!notice(g, sk, ETIMEDOUT))
		return;
	set_bit(DOOR_DETOUR_RESET, &in->detour);
	/* As in door_end_write(). */
	smp_mb__before_atomic();
	set_bit(DOOR_DETOUR_ENDED, &in->detour);
	door_ready_wake(sk, EPOLLIN | EPOLLRDNORM | EPOLLRDHUP | EPOLLERR | EPOLLHUP |
			    EPOLLOUT | EPOLLWRNORM, SOCK_WAKE_WAITD, false);
	door_end_write(g, 0, true);
	door_end_wake(g);
}

/**
 * door_end_tend - what TCP's own timers would see if its packets carried the bytes
 * @g: the graft of a joined socket; now and then, by the trimming worker alone
 *
 * Who takes what is sent here is alive (SO_KEEPALIVE); who takes nothing for too long
 * is not waited for (TCP_USER_TIMEOUT).
 */
void door_end_tend(struct door_graft *g)
{
	struct door_stream *st = g->stream;
	u64 tail = door_lane_tail(door_graft_out(g, st));
	bool moved = tail != g->tend_tail;
	struct sock *sk = st->sk[g->side];

	if (g->is_unix)
		return;
	g->tend_tail = tail;
	if (moved && sock_flag(sk, SOCK_KEEPOPEN))
		WRITE_ONCE(tcp_sk(sk)->rcv_tstamp, tcp_jiffies32);
	if (!timed_out(g, sk, moved) || !mutex_trylock(&g->send))
		return;
	give_up(g, sk);
	mutex_unlock(&g->send);
}
