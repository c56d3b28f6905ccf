// SPDX-License-Identifier: GPL-2.0-only
/*
 * The marking ioctls' own rules, and the stranger ways in which two TCP sockets
 * meet: disconnect, self-connect, dual stack, options set before the
 * connection.
 */
#include "sock_test.h"

#define K (&variant->k)
#define TCP (variant->k.family != AF_UNIX)

static bool addr_text(struct addr *a, const char *v4, const char *v6)
{
	return a->sa.sa_family == AF_INET
		       ? inet_pton(AF_INET, v4, &a->in.sin_addr) == 1
		       : inet_pton(AF_INET6, v6, &a->in6.sin6_addr) == 1;
}

static void expect_bytes(struct __test_metadata *_metadata, int a, int b)
{
	ASSERT_TRUE(send_all(a, 0, 1000));
	EXPECT_TRUE(recv_all(b, 0, 1000));
	ASSERT_TRUE(send_all(b, 0, 1000));
	EXPECT_TRUE(recv_all(a, 0, 1000));
}

/* A connection works and is what the kind says. */
static void expect_works(struct __test_metadata *_metadata,
			 const struct kind *k, int cli, int srv)
{
	expect_state(_metadata, k, srv, cli);
	expect_bytes(_metadata, cli, srv);
}

TEST_F(port, disconnect_and_again)
{
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	int cli = client_open(_metadata, K, &self->addr), srv;

	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 0, 10));
	ASSERT_TRUE(wait_for(inq(srv) == 10));
	if (!TCP) {
		EXPECT_ERR(EINVAL, connect(cli, &un, sizeof(un)));
		EXPECT_TRUE(recv_all(srv, 0, 10));
		return;
	}
	ASSERT_EQ(0, connect(cli, &un, sizeof(un)));
	ASSERT_TRUE(wait_for(poll_mask(srv, 0, 0) & POLLERR));
	EXPECT_TRUE(recv_all(srv, 0, 10));
	EXPECT_ERR(ECONNRESET, recv(srv, &(char){0}, 1, 0));
	/* The one who disconnects is told of a reset, too, once. */
	EXPECT_ERR(ECONNRESET, recv(cli, &(char){0}, 1, 0));
	EXPECT_ERR(ENOTCONN, recv(cli, &(char){0}, 1, 0));
	EXPECT_ERR(EPIPE, send(cli, "a", 1, MSG_NOSIGNAL));
	close(srv);
	/* What it once was does not matter; joined or not, it works. */
	if (K->cli) {
		ASSERT_LE(0, mark_connect(cli, &self->addr.sa, self->addr.len,
					  NULL));
	}
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	expect_bytes(_metadata, cli, srv);
}

TEST_F(port, disconnect_wakes_peer)
{
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	int cli = client_open(_metadata, K, &self->addr), srv;
	struct bg bg = {.fn = bg_recv, .buf = &(char){0}, .len = 1};

	if (!TCP)
		return;
	srv = server_accept(_metadata, K, self->lis, cli);
	bg.fd = srv;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, connect(cli, &un, sizeof(un)));
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(port, listen_after_disconnect)
{
	struct sockaddr un = {.sa_family = AF_UNSPEC};
	int cli = client_open(_metadata, K, &self->addr), srv, again;
	struct addr a;

	if (!TCP)
		return;
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_EQ(0, connect(cli, &un, sizeof(un)));
	close(srv);
	addr_any(&a, K->family);
	ASSERT_EQ(0, bind(cli, &a.sa, a.len));
	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getsockname(cli, &a.sa, &a.len));
	if (K->srv)
		ASSERT_LE(0, mark_listen(cli));
	ASSERT_EQ(0, listen(cli, 8));
	again = client_open(_metadata, K, &a);
	srv = accept(cli, NULL, NULL);
	ASSERT_GE(srv, 0);
	expect_bytes(_metadata, again, srv);
}

/* A socket bound to the port it connects to: TCP's simultaneous open. */
TEST_F(port, self_connect)
{
	int fd, one = 1;
	struct addr a;

	if (!TCP)
		return;
	fd = socket(K->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0,
		  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	addr_any(&a, K->family);
	ASSERT_EQ(0, bind(fd, &a.sa, a.len));
	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getsockname(fd, &a.sa, &a.len));
	if (K->cli)
		ASSERT_LE(0, mark_connect(fd, &a.sa, a.len, NULL));
	ASSERT_EQ(0, connect(fd, &a.sa, a.len));
	ASSERT_TRUE(send_all(fd, 0, 10000));
	EXPECT_TRUE(recv_all(fd, 0, 10000));
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	EXPECT_EQ(0, recv(fd, &(char){0}, 1, 0));
	close(fd);
}

TEST_F(port, dual_stack)
{
	struct addr a = {.in6 = {.sin6_family = AF_INET6},
			 .len = sizeof(a.in6)};
	struct addr b = {.in = {.sin_family = AF_INET}, .len = sizeof(b.in)};
	struct kind k4 = variant->k;
	int lis, cli, srv;

	if (K->family != AF_INET6)
		return;
	lis = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, setopt_int(lis, IPPROTO_IPV6, IPV6_V6ONLY, 0));
	ASSERT_EQ(0, bind(lis, &a.sa, a.len));
	ASSERT_EQ(0, getsockname(lis, &a.sa, &a.len));
	if (K->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(lis));
	ASSERT_EQ(0, listen(lis, 8));

	/* An IPv4 client on the IPv6 listener. */
	b.in.sin_port = a.in6.sin6_port;
	b.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	k4.family = AF_INET;
	cli = client_open(_metadata, &k4, &b);
	srv = server_accept(_metadata, K, lis, cli);
	expect_works(_metadata, K, cli, srv);
	close(cli);
	close(srv);

	/* An IPv6 socket that names the IPv4 address. */
	ASSERT_EQ(1, inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.in6.sin6_addr));
	cli = client_open(_metadata, K, &a);
	srv = server_accept(_metadata, K, lis, cli);
	expect_works(_metadata, K, cli, srv);
	close(cli);

	/* The same address as AF_INET listener sees it. */
	close(srv);
	close(lis);
}

TEST_F(port, any_address)
{
	struct addr a = self->addr;
	int cli, srv;

	if (!TCP)
		return;
	/* Connecting to the unspecified address means this machine. */
	if (K->family == AF_INET)
		a.in.sin_addr.s_addr = htonl(INADDR_ANY);
	else
		a.in6.sin6_addr = in6addr_any;
	cli = client_open(_metadata, K, &a);
	srv = server_accept(_metadata, K, self->lis, cli);
	expect_works(_metadata, K, cli, srv);
}

TEST_F(port, reuseport)
{
	struct addr a;
	int lis[2], one = 1, cli;

	if (!TCP)
		return;
	addr_any(&a, K->family);
	for (int i = 0; i < 2; i++) {
		lis[i] = socket(K->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ASSERT_EQ(0, setsockopt(lis[i], SOL_SOCKET, SO_REUSEPORT, &one,
					sizeof(one)));
		ASSERT_EQ(0, bind(lis[i], &a.sa, a.len));
		a.len = sizeof(a.ss);
		ASSERT_EQ(0, getsockname(lis[i], &a.sa, &a.len));
		if (K->srv)
			ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(lis[i]));
		ASSERT_EQ(0, listen(lis[i], 64));
	}
	for (int i = 0; i < 16; i++) {
		struct pollfd p[2] = {{.fd = lis[0], .events = POLLIN},
				      {.fd = lis[1], .events = POLLIN}};
		int srv;

		cli = client_open(_metadata, K, &a);
		ASSERT_EQ(1, poll(p, 2, WAIT_MS));
		srv = accept(p[1].revents ? lis[1] : lis[0], NULL, NULL);
		ASSERT_GE(srv, 0);
		expect_works(_metadata, K, cli, srv);
		close(cli);
		close(srv);
	}
}

TEST_F(port, bound_to_device)
{
	int cli, srv;

	if (!TCP)
		return;
	cli = client_socket(_metadata, K, &self->addr);
	if (setsockopt(cli, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))
		SKIP(return, "SO_BINDTODEVICE: %s", strerror(errno));
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	srv = server_accept(_metadata, K, self->lis, cli);
	expect_works(_metadata, K, cli, srv);
}

TEST_F(port, deferred_accept)
{
	int cli, srv;

	if (!TCP)
		return;
	ASSERT_EQ(0, setopt_int(self->lis, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30));
	ASSERT_TRUE(set_nonblock(self->lis, true));
	cli = client_open(_metadata, K, &self->addr);
	EXPECT_ERR(EAGAIN, accept(self->lis, NULL, NULL));
	ASSERT_TRUE(send_all(cli, 0, 100));
	ASSERT_EQ(POLLIN, poll_mask(self->lis, POLLIN, WAIT_MS));
	srv = server_accept(_metadata, K, self->lis, cli);
	EXPECT_TRUE(recv_all(srv, 0, 100));
	expect_works(_metadata, K, cli, srv);
}

/* An answer that takes its time is waited for. */
TEST_F(port, slow_handshake)
{
	struct bg c = {
		.fn = bg_connect, .buf = &self->addr.sa, .len = self->addr.len};
	int srv;

	if (!TCP)
		return;
	ASSERT_TRUE(cut_off(self->lis));
	c.fd = client_socket(_metadata, K, &self->addr);
	bg_start_asleep(&c);
	ASSERT_EQ(0, setopt_int(self->lis, SOL_SOCKET, SO_DETACH_FILTER, 0));
	bg_join(&c);
	ASSERT_EQ(0, c.ret);
	srv = server_accept(_metadata, K, self->lis, c.fd);
	expect_works(_metadata, K, c.fd, srv);
}

TEST_F(port, fast_open)
{
	int cli, srv;
	ssize_t n;

	if (!TCP)
		return;
	setopt_int(self->lis, IPPROTO_TCP, TCP_FASTOPEN, 8);
	/* The second connection may carry its data in the SYN. */
	for (int i = 0; i < 2; i++) {
		cli = client_socket(_metadata, K, &self->addr);
		n = neg(sendto(cli, pattern(0), 100, MSG_FASTOPEN,
			       &self->addr.sa, self->addr.len));
		if (n == -EOPNOTSUPP)
			SKIP(return, "no TCP fast open");
		ASSERT_EQ(100, n);
		srv = accept(self->lis, NULL, NULL);
		ASSERT_GE(srv, 0);
		EXPECT_TRUE(recv_all(srv, 0, 100));
		ASSERT_TRUE(send_all(srv, 0, 5000));
		EXPECT_TRUE(recv_all(cli, 0, 5000));
		ASSERT_TRUE(send_all(cli, 100, 5000));
		EXPECT_TRUE(recv_all(srv, 100, 5000));
		close(cli);
		EXPECT_EQ(0, recv(srv, &(char){0}, 1, 0));
		close(srv);
	}
}

TEST_F(port, fast_open_connect)
{
	int cli, srv;

	if (!TCP)
		return;
	for (int i = 0; i < 2; i++) {
		cli = client_socket(_metadata, K, &self->addr);
		ASSERT_EQ(0, setopt_int(cli, IPPROTO_TCP, TCP_FASTOPEN_CONNECT,
					1));
		ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
		ASSERT_TRUE(send_all(cli, 0, 100));
		srv = accept(self->lis, NULL, NULL);
		ASSERT_GE(srv, 0);
		EXPECT_TRUE(recv_all(srv, 0, 100));
		ASSERT_TRUE(send_all(srv, 0, 100));
		EXPECT_TRUE(recv_all(cli, 0, 100));
		close(cli);
		close(srv);
	}
}

TEST_F(port, own_address_of_another_interface)
{
	struct addr a;
	int lis, cli, srv, udp;

	if (!TCP)
		return;
	if (unshare(CLONE_NEWNET))
		SKIP(return, "unshare: %s", strerror(errno));
	ASSERT_EQ(0,
		  system("ip link set lo up && ip addr add 10.9.8.7/24 dev lo"
			 " && ip addr add fd00:9::7/64 dev lo nodad"));
	addr_any(&a, K->family);
	ASSERT_TRUE(addr_text(&a, "10.9.8.7", "fd00:9::7"));
	udp = socket(K->family, SOCK_DGRAM, 0);
	a.in.sin_port = htons(9);
	/* Until then the new address cannot be a source yet. */
	ASSERT_TRUE(wait_for(!connect(udp, &a.sa, a.len)));
	a.in.sin_port = 0;
	lis = socket(K->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(lis, &a.sa, a.len));
	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getsockname(lis, &a.sa, &a.len));
	if (K->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(lis));
	ASSERT_EQ(0, listen(lis, 8));
	cli = client_open(_metadata, K, &a);
	srv = server_accept(_metadata, K, lis, cli);
	expect_works(_metadata, K, cli, srv);
}

TEST_F(port, marking_is_idempotent)
{
	int cli, srv;

	if (kind_plain(K))
		return;
	if (K->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(self->lis));
	ASSERT_EQ(0, listen(self->lis, 64));
	cli = client_socket(_metadata, K, &self->addr);
	if (K->cli) {
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_connect(cli, &self->addr.sa,
							 self->addr.len, NULL));
		EXPECT_EQ(DOOR_SOCK_MARKED, sock_info(cli, NULL));
	}
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	srv = server_accept(_metadata, K, self->lis, cli);
	if (K->cli)
		mark_connect(cli, &self->addr.sa, self->addr.len, NULL);
	expect_works(_metadata, K, cli, srv);
}

TEST_F(port, marking_too_late)
{
	struct kind plain = {.family = K->family};
	int cli, why;

	if (kind_plain(K))
		return;
	cli = client_open(_metadata, &plain, &self->addr);
	EXPECT_EQ(DOOR_SOCK_PLAIN,
		  mark_connect(cli, &self->addr.sa, self->addr.len, &why));
	EXPECT_EQ(DOOR_WHY_CONNECTED, why);
}

TEST_F(port, marking_remote_address)
{
	struct addr a = self->addr;
	int fd, why = 0xcc;

	if (kind_plain(K) || !TCP)
		return;
	ASSERT_TRUE(addr_text(&a, "192.0.2.1", "2001:db8::1"));
	fd = socket(K->family, SOCK_STREAM, 0);
	EXPECT_EQ(DOOR_SOCK_PLAIN, mark_connect(fd, &a.sa, a.len, &why));
	EXPECT_EQ(DOOR_WHY_REMOTE, why);
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(fd, NULL));
}

TEST_F(port, marking_wrong_kinds)
{
	int fd[4], why;

	if (kind_plain(K))
		return;
	fd[0] = socket(K->family, SOCK_DGRAM, 0);
	fd[1] = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	fd[2] = socket(AF_NETLINK, SOCK_RAW, 0);
	fd[3] = socket(AF_UNIX, SOCK_DGRAM, 0);
	for (int i = 0; i < 4; i++) {
		ASSERT_GE(fd[i], 0);
		EXPECT_EQ(DOOR_SOCK_PLAIN, mark_listen(fd[i]));
		why = 0xcc;
		EXPECT_EQ(DOOR_SOCK_PLAIN, mark_connect(fd[i], &self->addr.sa,
							self->addr.len, &why));
		EXPECT_EQ(DOOR_WHY_KIND, why);
	}
}

TEST_F(port, marking_errors)
{
	struct door_ioc_sock a, good = {.fd = self->lis,
					.fd2 = self->lis,
					.addr = (uintptr_t)&self->addr.sa,
					.addrlen = self->addr.len};
	static const unsigned long cmds[] = {
		DOOR_IOC_SOCK_LISTEN, DOOR_IOC_SOCK_CONNECT, DOOR_IOC_SOCK_PAIR,
		DOOR_IOC_SOCK_INFO};
	int null = open("/dev/null", O_RDWR), dev;

	if (kind_plain(K))
		return;
	for (int i = 0; i < 4; i++) {
		a = good;
		a.flags = 1;
		EXPECT_EQ(-EINVAL, sock_ioctl(cmds[i], &a));
		a = good;
		a.fd = -1;
		EXPECT_EQ(-EBADF, sock_ioctl(cmds[i], &a));
		a.fd = null;
		EXPECT_EQ(-ENOTSOCK, sock_ioctl(cmds[i], &a));
	}
	a = (struct door_ioc_sock){.fd = socket(K->family, SOCK_STREAM, 0),
				   .addr = 8,
				   .addrlen = 16};
	EXPECT_EQ(-EFAULT, sock_ioctl(DOOR_IOC_SOCK_CONNECT, &a));
	a.addrlen = 4096;
	EXPECT_EQ(-EINVAL, sock_ioctl(DOOR_IOC_SOCK_CONNECT, &a));
	dev = open("/dev/door", O_RDWR);
	EXPECT_ERR(EFAULT, ioctl(dev, DOOR_IOC_SOCK_INFO, 8));
	a.fd2 = null;
	EXPECT_EQ(-ENOTSOCK, sock_ioctl(DOOR_IOC_SOCK_PAIR, &a));
	a.fd2 = a.fd;
	EXPECT_EQ(0, sock_ioctl(DOOR_IOC_SOCK_PAIR, &a));
	EXPECT_EQ(DOOR_SOCK_PLAIN, (int)a.state);
}

SOCK_TEST_MAIN
