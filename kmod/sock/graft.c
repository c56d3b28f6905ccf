// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grafts: what hangs on a marked socket, and our operations in front of the
 * socket's own. Put on by whoever marks a socket or joins an accepted one, taken
 * off when it is released.
 *
 * Our operations stay until then, because a thread may be inside one of them at
 * any time and the module must not go away under it: the socket holds a module
 * reference through ops->owner, as if created with us.
 */
#include "graft.h"
#include "budget.h"
#include "stats.h"
#include "trace.h"

#include <linux/module.h>
#include <linux/slab.h>
#include <net/inet_connection_sock.h>
#include <net/af_unix.h>
#include <net/transp_v6.h>
#include <net/tcp.h>
#include <linux/door.h>

/* sk_user_data of a joined socket: its address, so that others find it taken. */
u64 door_graft_claim;

/* One a family; base is NULL if the kernel does not speak it. */
static struct door_graft_ops graft_ops[] __ro_after_init = {
	{ .ops.family = PF_INET },
	{ .ops.family = PF_INET6 },
	{ .ops.family = PF_UNIX },
};

/**
 * door_graft_init - learn the families' own operations
 * @fill: puts our operations over a copy of a family's
 *
 * They are read off sockets made here, before anybody could have changed them.
 *
 * Return: 0 or the error that AF_UNIX gave.
 */
int __init door_graft_init(void (*fill)(struct proto_ops *ops))
{
	struct socket *sock;
	int i, err = 0;

	for (i = 0; i < ARRAY_SIZE(graft_ops); i++) {
		struct door_graft_ops *g = &graft_ops[i];

		err = sock_create_kern(&init_net, g->ops.family, SOCK_STREAM, 0,
				       &sock);
		if (err)
			continue;
		g->base = sock->ops;
		g->ops = *g->base;
		g->ops.owner = THIS_MODULE;
		fill(&g->ops);
		sock_release(sock);
	}
	return err;
}

/**
 * door_graft_is_ours - do our operations stand in front of this socket?
 * @sock: the socket
 */
bool door_graft_is_ours(const struct socket *sock)
{
	const struct proto_ops *ops = READ_ONCE(sock->ops);

	/* A socket that the kernel itself accepts gets its operations last. */
	return ops && ops->owner == THIS_MODULE;
}

/**
 * door_graft_fallback - a connection that might have been joined is not
 * @why: DOOR_WHY_*
 * @sk: the socket concerned
 */
void door_graft_fallback(int why, const struct sock *sk)
{
	door_stat_fallback(why);
	trace_door_fallback(why, sk->sk_family);
}

static void destroy_graft(struct door_graft *g)
{
	door_budget_put(g->budget);
	kfree(g);
}

/**
 * door_graft_put - drop a reference; the last one frees the graft
 * @g: the graft
 */
void door_graft_put(struct door_graft *g)
{
	if (!refcount_dec_and_test(&g->refs))
		return;
	if (g->stream)
		door_stream_put(g->stream);
	destroy_graft(g);
}

/**
 * door_graft_claim_sock - let others in the kernel find a socket taken
 * @sk: a socket that is about to be joined
 *
 * One that is only marked is anybody's. The claim is not copied to children.
 *
 * Return: false if it is taken already.
 */
bool door_graft_claim_sock(struct sock *sk)
{
	bool free;

	write_lock_bh(&sk->sk_callback_lock);
	free = !sk->sk_user_data;
	if (free)
		__rcu_assign_sk_user_data_with_flags(sk, &door_graft_claim,
						     SK_USER_DATA_NOCOPY);
	write_unlock_bh(&sk->sk_callback_lock);
	return free;
}

/**
 * door_graft_unclaim_sock - a socket has not been joined after all
 * @sk: a socket with our claim, or another's in its place
 */
void door_graft_unclaim_sock(struct sock *sk)
{
	write_lock_bh(&sk->sk_callback_lock);
	if (!door_graft_lost_claim(sk))
		rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
}

/**
 * door_graft_join - give two marked sockets a stream
 * @a: graft of end 0; its socket is claimed
 * @b: graft of end 1; likewise
 * @attempt: @b's, from before the two were seen to be connected
 * @st: the stream; the grafts' from now on if this succeeds
 *
 * Nobody else ever takes the locks of two grafts.
 *
 * Return: 0 or DOOR_WHY_*: then neither has changed.
 */
int door_graft_join(struct door_graft *a, struct door_graft *b, u32 attempt,
		    struct door_stream *st)
{
	int why;

	spin_lock(&a->lock);
	spin_lock_nested(&b->lock, SINGLE_DEPTH_NESTING);
	why = b->state == DOOR_GRAFT_JOINED ? DOOR_WHY_BUSY : b->state ?: a->state;
	/* It may be connected to somebody else by now. */
	if (!why && b->attempt != attempt)
		why = DOOR_WHY_PEER_GONE;
	if (!why) {
		a->side = 0;
		b->side = 1;
		a->stream = st;
		b->stream = st;
		/* Pairs with door_graft_stream(): who finds it finds all of it. */
		smp_store_release(&a->state, DOOR_GRAFT_JOINED);
		/* Of the other end, too: pairs with door_graft_stream(). */
		smp_store_release(&b->state, DOOR_GRAFT_JOINED);
	}
	spin_unlock(&b->lock);
	spin_unlock(&a->lock);
	return why;
}

/**
 * door_graft_seal - the socket shall not be joined any more
 * @g: its graft; one that is joined stays so
 * @why: DOOR_WHY_*
 *
 * Return: whether that is news.
 */
bool door_graft_seal(struct door_graft *g, int why)
{
	bool news;

	spin_lock(&g->lock);
	news = g->state == DOOR_GRAFT_MARKED;
	if (news)
		WRITE_ONCE(g->state, why);
	spin_unlock(&g->lock);
	return news;
}

/**
 * door_graft_cut - the socket is not connected (any more)
 * @g: its graft
 * @meant: the program wanted that; it is not joined by a later connection
 *
 * From here on no operation of this end that begins goes into the lanes, and a join
 * that found the socket connected before this finds its state or @attempt changed.
 *
 * Return: whether it was joined, so that its stream is to be left.
 */
bool door_graft_cut(struct door_graft *g, bool meant)
{
	bool joined;

	spin_lock(&g->lock);
	joined = g->state == DOOR_GRAFT_JOINED;
	WRITE_ONCE(g->attempt, g->attempt + 1);
	if (joined || (meant && g->state == DOOR_GRAFT_MARKED))
		WRITE_ONCE(g->state, DOOR_WHY_DISCONNECT);
	spin_unlock(&g->lock);
	return joined;
}

/*
 * Why this socket cannot carry a graft, or 0. @states: those that it may be in,
 * TCPF_*.
 */
static int unfit(const struct socket *sock, int states)
{
	const struct sock *sk = sock->sk;

	if (!sk_is_stream_unix(sk) &&
	    (!sk_is_tcp(sk) || sk->sk_protocol != IPPROTO_TCP))
		return DOOR_WHY_KIND;
	if (!(1 << sk->sk_state & states))
		return DOOR_WHY_CONNECTED;
	if (sk_is_stream_unix(sk))
		return 0;
	if ((sk->sk_prot != &tcp_prot && sk->sk_prot != &tcpv6_prot) ||
	    inet_csk(sk)->icsk_ulp_ops || tcp_sk(sk)->repair)
		return DOOR_WHY_BUSY;
	return 0;
}

static struct door_graft_ops *ops_of_base(const struct proto_ops *base)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(graft_ops); i++)
		if (graft_ops[i].base == base)
			return &graft_ops[i];
	return NULL;
}

static struct door_graft *create_graft(const struct sock *sk)
{
	struct door_graft *g = kzalloc(sizeof(*g), GFP_KERNEL_ACCOUNT);

	if (!g)
		return NULL;
	g->budget = door_budget_get();
	if (!g->budget) {
		kfree(g);
		return NULL;
	}
	refcount_set(&g->refs, 1);
	mutex_init(&g->connect);
	mutex_init(&g->recv);
	mutex_init(&g->send);
	spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->trim_node);
	g->is_unix = sk->sk_family == AF_UNIX;
	return g;
}

/* Under the lock that connecting takes. Return: DOOR_WHY_*, 0 if it is on. */
static int put_on(struct socket *sock, struct door_graft *g, int states)
{
	struct door_graft_ops *ours = ops_of_base(sock->ops);
	int why = unfit(sock, states);

	if (why)
		return why;
	if ((!ours && !door_graft_is_ours(sock)) || door_graft_of(sock) ||
	    READ_ONCE(sock->sk->sk_user_data))
		return DOOR_WHY_BUSY;
	/* Pairs with the release below, or nobody knows the socket yet. */
	WRITE_ONCE(SOCK_INODE(sock)->i_private, g);
	if (ours) {
		/*
		 * Core code drops this one after it has called our release; that
		 * of the family's module, which the socket was made with, is then
		 * dropped there.
		 */
		__module_get(THIS_MODULE);
		/* The graft is complete before anybody gets to our operations. */
		smp_store_release(&sock->ops, &ours->ops);
	}
	return 0;
}

/**
 * door_graft_attach - put a graft on a socket
 * @sock: a socket with its family's own operations, or an accepted one that has
 *	ours but no graft
 * @states: those that the socket may be in, TCPF_*
 * @why: receives DOOR_WHY_* if NULL is returned
 *
 * The caller holds a reference on the socket's file or is the only one who
 * knows the socket. The graft's reference belongs to the socket and is dropped
 * when it is released.
 *
 * Return: the graft, or NULL.
 */
struct door_graft *door_graft_attach(struct socket *sock, int states, int *why)
{
	struct sock *sk = sock->sk;
	struct door_graft *g = create_graft(sk);

	*why = DOOR_WHY_MEMORY;
	if (!g)
		return NULL;
	/*
	 * No connection is made meanwhile. So whoever connects a socket that was
	 * marked unconnected, and sends after that, finds our operations.
	 */
	if (sk->sk_family == AF_UNIX) {
		unix_state_lock(sk);
		*why = put_on(sock, g, states);
		unix_state_unlock(sk);
	} else {
		lock_sock(sk);
		*why = put_on(sock, g, states);
		release_sock(sk);
	}
	if (!*why)
		return g;
	destroy_graft(g);
	return NULL;
}

/**
 * door_graft_detach - take the graft off a socket that nobody operates on
 * @sock: the socket, about to be released or not yet known to anybody
 *
 * An accept() that wants to join it looks for it under the same lock.
 *
 * Return: the graft with the socket's reference, or NULL.
 */
struct door_graft *door_graft_detach(struct socket *sock)
{
	struct sock *sk = sock->sk;
	struct door_graft *g;

	/* Without a socket: an accept() that failed. */
	if (!sk)
		return NULL;
	write_lock_bh(&sk->sk_callback_lock);
	g = door_graft_of(sock);
	WRITE_ONCE(SOCK_INODE(sock)->i_private, NULL);
	if (g && !door_graft_lost_claim(sk))
		rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	return g;
}
