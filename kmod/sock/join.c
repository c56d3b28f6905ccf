// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joining: an accepted socket looks for the socket at its other end, and if
 * that is marked, both get a stream. The only place where streams are made for
 * connections; entered from the accept operation of a marked listener.
 */
#include "join.h"
#include "graft.h"
#include "stats.h"
#include "trace.h"
#include "trim.h"

#include <linux/module.h>
#include <linux/slab.h>
#include <net/af_unix.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <linux/door.h>

/*
 * The TCP socket of this netns that has our addresses the other way round. RCU
 * keeps those that the lookup passes by.
 */
static struct sock *find_tcp_peer(struct sock *sk)
{
	struct net *net = sock_net(sk);
	struct sock *peer;

	rcu_read_lock();
	if (sk->sk_family == AF_INET ||
	    ipv6_addr_v4mapped(&sk->sk_v6_daddr))
		peer = door_inet_lookup(net, sk->sk_rcv_saddr,
					htons(sk->sk_num), sk->sk_daddr,
					ntohs(sk->sk_dport));
	else
		peer = door_inet6_lookup(net, &sk->sk_v6_rcv_saddr,
					 htons(sk->sk_num), &sk->sk_v6_daddr,
					 ntohs(sk->sk_dport));
	rcu_read_unlock();
	if (peer && !sk_fullsock(peer)) {
		sock_gen_put(peer);
		peer = NULL;
	}
	return peer;
}

/*
 * Same addresses the other way round is proof enough, unless somebody rewrites
 * addresses: then another connection may look like ours. Each end must have
 * received up to a byte that the other has sent. Read in this order, as each of
 * these only grows.
 */
static bool same_connection(const struct sock *a, const struct sock *b)
{
	u32 una = READ_ONCE(tcp_sk(a)->snd_una);
	u32 rcv, end;

	/* What b has received by now is no less than what it had acknowledged. */
	smp_rmb();
	rcv = READ_ONCE(tcp_sk(b)->rcv_nxt);
	/* What a has sent by now is no less than what b had received. */
	smp_rmb();
	end = READ_ONCE(tcp_sk(a)->write_seq);
	return between(rcv, una, end);
}

static bool tcp_connected(const struct sock *sk)
{
	return (1 << READ_ONCE(sk->sk_state)) &
	       (TCPF_ESTABLISHED | TCPF_FIN_WAIT1 | TCPF_FIN_WAIT2 |
		TCPF_CLOSE_WAIT);
}

static struct sock *find_unix_peer(struct sock *sk)
{
	struct sock *peer;

	unix_state_lock(sk);
	peer = unix_peer(sk);
	if (peer && peer != sk)
		sock_hold(peer);
	else
		peer = NULL;
	unix_state_unlock(sk);
	return peer;
}

/* The accepted socket's peer with a reference, or NULL and *@why. */
static struct sock *find_peer(struct sock *sk, int *why)
{
	struct sock *peer;

	*why = DOOR_WHY_PEER_GONE;
	if (sk->sk_family == AF_UNIX)
		return find_unix_peer(sk);
	peer = find_tcp_peer(sk);
	/* One that has closed or reset is not found, but its end has come in here. */
	if (!peer && READ_ONCE(sk->sk_state) == TCP_ESTABLISHED)
		*why = DOOR_WHY_PEER_UNKNOWN;
	if (!peer || (tcp_connected(peer) && same_connection(peer, sk) &&
		      same_connection(sk, peer)))
		return peer;
	if (tcp_connected(peer))
		*why = DOOR_WHY_PEER_UNKNOWN;
	sock_put(peer);
	return NULL;
}

/*
 * The graft of another's socket, with a reference. Being released takes the graft
 * off the socket, and then orphans that, under the same lock.
 */
static struct door_graft *peer_graft(struct sock *peer, int *why)
{
	struct door_graft *g = NULL;

	*why = DOOR_WHY_PEER_GONE;
	read_lock_bh(&peer->sk_callback_lock);
	if (peer->sk_socket) {
		*why = DOOR_WHY_PEER_UNMARKED;
		if (door_graft_is_ours(peer->sk_socket))
			g = door_graft_of(peer->sk_socket);
		if (g)
			refcount_inc(&g->refs);
	}
	read_unlock_bh(&peer->sk_callback_lock);
	return g;
}

static int claim_and_join(struct door_graft *a, struct door_graft *b, u32 attempt,
			  struct door_stream *st)
{
	int why = DOOR_WHY_BUSY;

	if (!door_graft_claim_sock(st->sk[0]))
		return why;
	if (door_graft_claim_sock(st->sk[1])) {
		why = door_graft_join(a, b, attempt, st);
		if (!why)
			return 0;
		door_graft_unclaim_sock(st->sk[1]);
	}
	door_graft_unclaim_sock(st->sk[0]);
	return why;
}

/**
 * door_join - give two connected sockets a stream
 * @a: graft of one end; the caller keeps it from being released
 * @ask: its socket
 * @b: graft of the other end; the caller has a reference
 * @bsk: its socket
 * @attempt: @b's, from before the two were seen to be connected
 *
 * Return: 0, or DOOR_WHY_*: then neither has changed.
 */
int door_join(struct door_graft *a, struct sock *ask, struct door_graft *b,
	      struct sock *bsk, u32 attempt)
{
	struct door_stream *st = door_stream_create(ask, a->budget,
						    bsk, b->budget);
	int why;

	if (!st)
		return DOOR_WHY_MEMORY;
	why = claim_and_join(a, b, attempt, st);
	if (why) {
		door_stream_free(st);
		return why;
	}
	door_trim_add(a);
	door_trim_add(b);
	door_stat_inc(STREAMS_JOINED);
	trace_door_join(ask->sk_family);
	return 0;
}

/**
 * door_join_why_not - why a socket without a graft would not be joined now
 * @sk: the socket
 *
 * An accepted socket that could not be joined keeps no trace of it, so the
 * question is put anew.
 *
 * Return: DOOR_WHY_*; DOOR_WHY_NONE if only this end is not marked.
 */
int door_join_why_not(struct sock *sk)
{
	struct door_graft *g;
	struct sock *peer;
	int why;

	if (!sk_is_stream_unix(sk) && !sk_is_tcp(sk))
		return DOOR_WHY_KIND;
	if (sk_is_tcp(sk) ? !tcp_connected(sk) : READ_ONCE(sk->sk_state) != TCP_ESTABLISHED)
		return DOOR_WHY_NONE;
	peer = find_peer(sk, &why);
	if (!peer)
		return why;
	g = peer_graft(peer, &why);
	if (g) {
		door_graft_put(g);
		why = DOOR_WHY_NONE;
	}
	sock_put(peer);
	return why;
}

/* Are the two still connected? The way is the same as the first time. */
static bool still_connected(struct sock *sk, const struct sock *peer)
{
	int why;
	struct sock *again = find_peer(sk, &why);

	if (again)
		sock_put(again);
	return again == peer;
}

/*
 * Join a socket fresh from accept(), which nobody else can see yet. The peer's owner
 * may disconnect it at any time, and connect it to somebody else: that is noticed by
 * its graft's attempt, which is read before the last look at the connection.
 */
static int join_to(struct socket *newsock, struct sock *peer, struct door_graft *pg)
{
	/* The attempt before the look; door_graft_join() compares it under the lock. */
	u32 attempt = smp_load_acquire(&pg->attempt);
	struct sock *sk = newsock->sk;
	struct door_graft *g;
	int why;

	if (!still_connected(sk, peer))
		return DOOR_WHY_PEER_GONE;
	g = door_graft_attach(newsock, ~0, &why);
	if (!g)
		return why;
	why = door_join(g, sk, pg, peer, attempt);
	if (why)
		door_graft_put(door_graft_detach(newsock));
	else
		/* Its release drops this: it was made with our operations. */
		__module_get(door_graft_base(newsock)->owner);
	return why;
}

static int join_accepted(struct socket *newsock)
{
	struct door_graft *pg;
	struct sock *peer;
	int why;

	peer = find_peer(newsock->sk, &why);
	if (!peer)
		return why;
	pg = peer_graft(peer, &why);
	if (pg) {
		why = join_to(newsock, peer, pg);
		door_graft_put(pg);
	}
	sock_put(peer);
	return why;
}

/*
 * Give a socket that only the running accept() knows its own operations back.
 * Core code took a reference on our module for it when it copied the listener's
 * operations, and drops one on that of the operations when it is released; ours is
 * held by the listener, whose accept this is.
 */
static void plain_again(struct socket *newsock)
{
	if (!door_graft_is_ours(newsock) || door_graft_of(newsock))
		return;
	newsock->ops = door_graft_base(newsock);
	__module_get(newsock->ops->owner);
	module_put(THIS_MODULE);
}

/**
 * door_join_accept - the accept operation of a marked socket
 * @sock: the listener
 * @newsock: the socket to be
 * @arg: as in proto_ops
 *
 * A kernel user's socket gets its operations, the listener's, afterwards: it has
 * ours without a graft.
 *
 * Return: what the socket's own accept returns.
 */
int door_join_accept(struct socket *sock, struct socket *newsock,
		     struct proto_accept_arg *arg)
{
	int err = door_base_accept(door_graft_base(sock), sock, newsock, arg);
	int why;

	if (arg->kern)
		return err;
	if (!err) {
		why = join_accepted(newsock);
		if (why)
			door_graft_fallback(why, newsock->sk);
	}
	plain_again(newsock);
	return err;
}
