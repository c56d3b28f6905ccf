// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marking sockets: puts a graft on a socket and our operations in front of its
 * own. Entered from the front desk with a descriptor of the caller's. What is
 * marked here is joined in join.c; until then, and if that never happens,
 * the socket does what it did before.
 *
 * Our operations stay until the socket is released, because a thread may be
 * inside one of them at any time and the module must not go away under it: the
 * socket holds a module reference through ops->owner, as if created with us.
 */
#include "graft.h"
#include "stats.h"
#include "trace.h"

#include <linux/file.h>
#include <linux/inetdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/inet_connection_sock.h>
#include <net/ipv6.h>
#include <net/addrconf.h>
#include <net/af_unix.h>
#include <net/route.h>
#include <net/transp_v6.h>
#include <net/tcp.h>
#include <linux/door.h>

/* One a family; base is NULL if the kernel does not speak it. */
static struct door_graft_ops graft_ops[] __ro_after_init = {
	{ .ops.family = PF_INET },
	{ .ops.family = PF_INET6 },
	{ .ops.family = PF_UNIX },
};

/**
 * door_graft_init - learn the families' own operations
 *
 * They are read off sockets made here, before anybody could have changed them.
 *
 * Return: 0 or the error that AF_UNIX gave.
 */
int __init door_graft_init(void)
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
		door_graft_ops_fill(&g->ops);
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
	if (g->ended)
		door_stream_put(g->ended);
	kfree(g);
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
	news = !g->stream && !g->sealed;
	if (news)
		WRITE_ONCE(g->sealed, why);
	spin_unlock(&g->lock);
	return news;
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
	refcount_set(&g->refs, 1);
	mutex_init(&g->recv);
	mutex_init(&g->send);
	spin_lock_init(&g->lock);
	INIT_LIST_HEAD(&g->trim_node);
	g->is_unix = sk->sk_family == AF_UNIX;
	return g;
}

/* Claim sk_user_data, which others use too; we are marked as not for children. */
static bool claim(struct sock *sk, struct door_graft *g)
{
	bool free;

	write_lock_bh(&sk->sk_callback_lock);
	free = !sk->sk_user_data;
	if (free)
		__rcu_assign_sk_user_data_with_flags(sk, g, SK_USER_DATA_NOCOPY);
	write_unlock_bh(&sk->sk_callback_lock);
	return free;
}

/* Under the lock that connecting takes. Return: DOOR_WHY_*, 0 if it is on. */
static int put_on(struct socket *sock, struct door_graft *g, int states)
{
	struct door_graft_ops *ours = ops_of_base(sock->ops);
	int why = unfit(sock, states);

	if (why)
		return why;
	if ((!ours && !door_graft_is_ours(sock)) || !claim(sock->sk, g))
		return DOOR_WHY_BUSY;
	if (ours) {
		/* Core code drops this one after it has called our release. */
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
	kfree(g);
	return NULL;
}

/**
 * door_graft_detach - take the graft off a socket that nobody operates on
 * @sk: the socket, about to be released or not yet known to anybody
 *
 * Return: the graft with the socket's reference, or NULL.
 */
struct door_graft *door_graft_detach(struct sock *sk)
{
	struct door_graft *g;

	write_lock_bh(&sk->sk_callback_lock);
	g = door_graft_of(sk);
	if (g)
		rcu_assign_sk_user_data(sk, NULL);
	write_unlock_bh(&sk->sk_callback_lock);
	if (g)
		door_graft_seal(g, DOOR_WHY_PEER_GONE);
	return g;
}

static struct socket *get_socket(int fd, int *err)
{
	struct socket *sock = sockfd_lookup(fd, err);

	if (sock && !sock->sk) {
		sockfd_put(sock);
		*err = -ENOTSOCK;
		return NULL;
	}
	return sock;
}

/* What DOOR_IOC_SOCK_* reports about a socket. */
static void report(struct socket *sock, struct door_ioc_sock *arg)
{
	struct door_graft *g = NULL;

	arg->state = DOOR_SOCK_PLAIN;
	arg->why = DOOR_WHY_NONE;
	if (door_graft_is_ours(sock))
		g = door_graft_of(sock->sk);
	if (!g) {
		arg->why = door_graft_why_not(sock->sk);
		return;
	}
	spin_lock(&g->lock);
	if (g->stream)
		arg->state = DOOR_SOCK_JOINED;
	else if (g->sealed)
		arg->why = g->sealed;
	else
		arg->state = DOOR_SOCK_MARKED;
	spin_unlock(&g->lock);
}

static void mark(struct socket *sock, struct door_ioc_sock *arg)
{
	int why;

	if (door_graft_is_ours(sock)) {
		report(sock, arg);
		return;
	}
	if (door_graft_attach(sock, TCPF_CLOSE | TCPF_LISTEN, &why))
		door_stat_inc(SOCKS_MARKED);
	else
		door_graft_fallback(why, sock->sk);
	arg->state = why ? DOOR_SOCK_PLAIN : DOOR_SOCK_MARKED;
	arg->why = why;
}

/**
 * door_graft_listen - mark a socket that listens or is about to
 * @arg: DOOR_IOC_SOCK_LISTEN; fd in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_graft_listen(struct door_ioc_sock *arg)
{
	int err;
	struct socket *sock = get_socket(arg->fd, &err);

	if (!sock)
		return err;
	mark(sock, arg);
	sockfd_put(sock);
	return 0;
}

static bool is_local_v4(struct net *net, __be32 addr)
{
	return addr == htonl(INADDR_ANY) ||
	       inet_addr_type(net, addr) == RTN_LOCAL;
}

static bool is_local_v6(struct net *net, const struct in6_addr *addr)
{
	if (ipv6_addr_v4mapped(addr))
		return is_local_v4(net, addr->s6_addr32[3]);
	return ipv6_addr_any(addr) || ipv6_addr_loopback(addr) ||
	       ipv6_chk_addr(net, addr, NULL, 0);
}

/* Why a connection to this address could not be joined, or 0. */
static int unfit_addr(struct net *net, const struct sockaddr_storage *ss, int len)
{
	bool local = true;

	switch (ss->ss_family) {
	case AF_INET:
		if (len < (int)sizeof(struct sockaddr_in))
			return DOOR_WHY_KIND;
		local = is_local_v4(net, ((struct sockaddr_in *)ss)->sin_addr.s_addr);
		break;
	case AF_INET6:
		if (len < SIN6_LEN_RFC2133)
			return DOOR_WHY_KIND;
		local = is_local_v6(net, &((struct sockaddr_in6 *)ss)->sin6_addr);
		break;
	case AF_UNIX:
		break;
	default:
		return DOOR_WHY_KIND;
	}
	return local ? 0 : DOOR_WHY_REMOTE;
}

/**
 * door_graft_connect - mark a socket that is about to connect
 * @arg: DOOR_IOC_SOCK_CONNECT; fd, addr and addrlen in, state and why out
 *
 * Return: 0, -EBADF, -ENOTSOCK, -EINVAL (length) or -EFAULT (address).
 */
int door_graft_connect(struct door_ioc_sock *arg)
{
	struct sockaddr_storage ss = {};
	struct socket *sock;
	int err, why;

	if (arg->addrlen > sizeof(ss) || arg->addrlen < sizeof(sa_family_t))
		return -EINVAL;
	if (copy_from_user(&ss, u64_to_user_ptr(arg->addr), arg->addrlen))
		return -EFAULT;
	sock = get_socket(arg->fd, &err);
	if (!sock)
		return err;
	why = unfit_addr(sock_net(sock->sk), &ss, arg->addrlen);
	if (why) {
		arg->state = DOOR_SOCK_PLAIN;
		arg->why = why;
		door_graft_fallback(why, sock->sk);
	} else {
		mark(sock, arg);
	}
	sockfd_put(sock);
	return 0;
}

/**
 * door_graft_info - what has become of a socket
 * @arg: DOOR_IOC_SOCK_INFO; fd in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_graft_info(struct door_ioc_sock *arg)
{
	int err;
	struct socket *sock = get_socket(arg->fd, &err);

	if (!sock)
		return err;
	report(sock, arg);
	sockfd_put(sock);
	return 0;
}

/* Are these the two fresh ends of one socketpair()? */
static int unfit_pair(struct socket *a, struct socket *b)
{
	if (!sk_is_stream_unix(a->sk) || !sk_is_stream_unix(b->sk))
		return DOOR_WHY_KIND;
	if (door_graft_is_ours(a) || door_graft_is_ours(b))
		return DOOR_WHY_BUSY;
	if (unix_peer(a->sk) != b->sk || unix_peer(b->sk) != a->sk)
		return DOOR_WHY_CONNECTED;
	return 0;
}

static int pair(struct socket *a, struct socket *b)
{
	struct door_graft *ga, *gb;
	int why = unfit_pair(a, b);

	if (why)
		return why;
	ga = door_graft_attach(a, TCPF_ESTABLISHED, &why);
	if (!ga)
		return why;
	gb = door_graft_attach(b, TCPF_ESTABLISHED, &why);
	if (!gb) {
		door_graft_seal(ga, why);
		return why;
	}
	/* Anything sent before the counting began rules out a join. */
	if (door_unix_inq(a->sk) || door_unix_inq(b->sk))
		why = DOOR_WHY_CONNECTED;
	else
		why = door_graft_join(ga, a->sk, gb, b->sk);
	if (why) {
		door_graft_seal(ga, why);
		door_graft_seal(gb, why);
	}
	return why;
}

/**
 * door_graft_pair - join the two ends of a socketpair()
 * @arg: DOOR_IOC_SOCK_PAIR; fd and fd2 in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_graft_pair(struct door_ioc_sock *arg)
{
	struct socket *a, *b;
	int err;

	a = get_socket(arg->fd, &err);
	if (!a)
		return err;
	b = get_socket(arg->fd2, &err);
	if (!b) {
		sockfd_put(a);
		return err;
	}
	arg->why = pair(a, b);
	arg->state = arg->why ? DOOR_SOCK_PLAIN : DOOR_SOCK_JOINED;
	if (arg->why)
		door_graft_fallback(arg->why, a->sk);
	sockfd_put(b);
	sockfd_put(a);
	return 0;
}
