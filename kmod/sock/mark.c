// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marking sockets, and the question what has become of one. Entered from the
 * front desk with a descriptor of the caller's. What is marked here is joined when
 * it is accepted; until then, and if that never happens, the socket does what it
 * did before.
 */
#include "mark.h"
#include "graft.h"
#include "join.h"
#include "stats.h"

#include <linux/file.h>
#include <linux/inetdevice.h>
#include <linux/uaccess.h>
#include <net/addrconf.h>
#include <net/af_unix.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/tcp_states.h>
#include <linux/door.h>

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
	u8 state;

	arg->state = DOOR_SOCK_PLAIN;
	arg->why = DOOR_WHY_NONE;
	if (door_graft_is_ours(sock))
		g = door_graft_of(sock);
	if (!g) {
		arg->why = door_join_why_not(sock->sk);
		return;
	}
	state = READ_ONCE(g->state);
	if (state == DOOR_GRAFT_JOINED)
		arg->state = DOOR_SOCK_JOINED;
	else if (state == DOOR_GRAFT_MARKED)
		arg->state = DOOR_SOCK_MARKED;
	else
		arg->why = state;
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
 * door_mark_listen - mark a socket that listens or is about to
 * @arg: DOOR_IOC_SOCK_LISTEN; fd in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_mark_listen(struct door_ioc_sock *arg)
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
 * door_mark_connect - mark a socket that is about to connect
 * @arg: DOOR_IOC_SOCK_CONNECT; fd, addr and addrlen in, state and why out
 *
 * Return: 0, -EBADF, -ENOTSOCK, -EINVAL (length) or -EFAULT (address).
 */
int door_mark_connect(struct door_ioc_sock *arg)
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
 * door_mark_info - what has become of a socket
 * @arg: DOOR_IOC_SOCK_INFO; fd in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_mark_info(struct door_ioc_sock *arg)
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
	if (READ_ONCE(unix_peer(a->sk)) != b->sk || READ_ONCE(unix_peer(b->sk)) != a->sk)
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
		why = door_join(ga, a->sk, gb, b->sk, 0);
	if (why) {
		door_graft_seal(ga, why);
		door_graft_seal(gb, why);
	}
	return why;
}

/**
 * door_mark_pair - join the two ends of a socketpair()
 * @arg: DOOR_IOC_SOCK_PAIR; fd and fd2 in, state and why out
 *
 * Return: 0, -EBADF or -ENOTSOCK.
 */
int door_mark_pair(struct door_ioc_sock *arg)
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
