// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options, names and metadata: what getsockopt() and friends say about a socket
 * is what they say about an untouched twin, and nothing that is set breaks the
 * stream.
 */
#include "sock_test.h"

#include <linux/bpf.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/stat.h>

#define K (&variant->k)
#define TCP (variant->k.family != AF_UNIX)

static void expect_flows(struct __test_metadata *_metadata, int a, int b)
{
	ASSERT_TRUE(send_all(a, 0, 20000));
	EXPECT_TRUE(recv_all(b, 0, 20000));
	ASSERT_TRUE(send_all(b, 5, 20000));
	EXPECT_TRUE(recv_all(a, 5, 20000));
}

struct option {
	int level;
	int name;
	int set; /* -1: only read */
};

static const struct option options[] = {
	{SOL_SOCKET, SO_TYPE, -1},
	{SOL_SOCKET, SO_DOMAIN, -1},
	{SOL_SOCKET, SO_PROTOCOL, -1},
	{SOL_SOCKET, SO_ACCEPTCONN, -1},
	{SOL_SOCKET, SO_ERROR, -1},
	{SOL_SOCKET, SO_SNDBUF, -1},
	{SOL_SOCKET, SO_RCVBUF, -1},
	{SOL_SOCKET, SO_SNDLOWAT, -1},
	{SOL_SOCKET, SO_SNDBUF, 100000},
	{SOL_SOCKET, SO_RCVBUF, 100000},
	{SOL_SOCKET, SO_KEEPALIVE, 1},
	{SOL_SOCKET, SO_REUSEADDR, 1},
	{SOL_SOCKET, SO_OOBINLINE, 0},
	{SOL_SOCKET, SO_PRIORITY, 3},
	{SOL_SOCKET, SO_PASSCRED, 0},
	{SOL_SOCKET, SO_RCVLOWAT, 1},
	{SOL_SOCKET, SO_TIMESTAMP, 0},
	{SOL_SOCKET, SO_SNDLOWAT, 5},
	{SOL_SOCKET, 9999, 1},
	{IPPROTO_TCP, TCP_NODELAY, 1},
	{IPPROTO_TCP, TCP_CORK, 0},
	{IPPROTO_TCP, TCP_QUICKACK, 1},
	{IPPROTO_TCP, TCP_KEEPIDLE, 77},
	{IPPROTO_TCP, TCP_KEEPINTVL, 7},
	{IPPROTO_TCP, TCP_KEEPCNT, 3},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, 5000},
	{IPPROTO_TCP, TCP_LINGER2, 9},
	{IPPROTO_TCP, TCP_MAXSEG, -1},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 40000},
	{IPPROTO_TCP, 9999, 1},
	{IPPROTO_IP, IP_TOS, 8},
	{IPPROTO_IP, IP_TTL, 33},
	{IPPROTO_IPV6, IPV6_V6ONLY, -1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, 12},
};

TEST_F(link, options_as_on_a_twin)
{
	struct kind plain = {.family = K->family, .pair = K->pair};
	struct pair twin;

	pair_open(_metadata, &plain, &twin);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		int fd[2] = {self->cli, self->srv};
		int tw[2] = {twin.cli, twin.srv};

		for (int j = 0; j < 2; j++) {
			if (o->set >= 0) {
				EXPECT_EQ(neg(setopt_int(tw[j], o->level,
							 o->name, o->set)),
					  neg(setopt_int(fd[j], o->level,
							 o->name, o->set)))
				{
					TH_LOG("set %d/%d", o->level, o->name);
				}
			}
			EXPECT_EQ(getopt_int(tw[j], o->level, o->name),
				  getopt_int(fd[j], o->level, o->name))
			{
				TH_LOG("get %d/%d", o->level, o->name);
			}
		}
	}
	expect_flows(_metadata, self->cli, self->srv);
	close(twin.cli);
	close(twin.srv);
}

TEST_F(link, it_is_a_socket)
{
	struct stat st;
	char path[64], to[64] = "";

	ASSERT_EQ(0, fstat(self->srv, &st));
	EXPECT_TRUE(S_ISSOCK(st.st_mode));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->srv);
	ASSERT_LT(0, readlink(path, to, sizeof(to) - 1));
	EXPECT_EQ(0, strncmp(to, "socket:[", 8));
	EXPECT_ERR(ENXIO, open(path, O_RDWR));
	EXPECT_ERR(EINVAL, fsync(self->srv));
	EXPECT_ERR(EINVAL, ftruncate(self->srv, 0));
	EXPECT_ERR(ENOTTY, ioctl(self->srv, TCGETS, &st));
	EXPECT_EQ(O_RDWR, fcntl(self->srv, F_GETFL));
}

TEST_F(link, small_buffers)
{
	static const int sizes[] = {1, 4096, 20000};

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_SNDBUF,
					sizes[i]));
		ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVBUF,
					sizes[i]));
		ASSERT_TRUE(send_all(self->cli, 0, 1000));
		EXPECT_TRUE(recv_all(self->srv, 0, 1000));
		ASSERT_TRUE(send_all(self->srv, 0, 20000));
		EXPECT_TRUE(recv_all(self->cli, 0, 20000));
	}
}

TEST_F(port, small_buffers_before_connect)
{
	int cli = client_socket(_metadata, K, &self->addr), srv;
	size_t n;

	ASSERT_EQ(0, setopt_int(self->lis, SOL_SOCKET, SO_RCVBUF, 4096));
	ASSERT_EQ(0, setopt_int(cli, SOL_SOCKET, SO_SNDBUF, 8192));
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	srv = server_accept(_metadata, K, self->lis, cli);
	n = send_full(cli, 0);
	/* Whatever carries the bytes, a small buffer does not become huge. */
	EXPECT_GT(n, 0U);
	EXPECT_LE(n, 512U << 10);
	EXPECT_TRUE(recv_all(srv, 0, n));
	ASSERT_TRUE(send_all(cli, n, 1000));
	EXPECT_TRUE(recv_all(srv, n, 1000));
}

TEST_F(link, buffering_is_bounded)
{
	EXPECT_LE(send_full(self->cli, 0), 16U << 20);
	EXPECT_LE(send_full(self->srv, 0), 16U << 20);
}

static int tcp_state(int fd)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) ? -errno
								: ti.tcpi_state;
}

TEST_F(link_tcp, tcp_info_states)
{
	EXPECT_EQ(TCP_ESTABLISHED, tcp_state(self->cli));
	EXPECT_EQ(TCP_ESTABLISHED, tcp_state(self->srv));
	expect_flows(_metadata, self->cli, self->srv);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(wait_for(tcp_state(self->srv) == TCP_CLOSE_WAIT));
	EXPECT_TRUE(wait_for(tcp_state(self->cli) == TCP_FIN_WAIT2));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_TRUE(wait_for(tcp_state(self->srv) == TCP_CLOSE));
}

TEST_F(link_tcp, ulp_tls)
{
	struct kind plain = {.family = K->family};
	struct pair twin;
	long r = neg(setsockopt(self->cli, IPPROTO_TCP, TCP_ULP, "tls", 4));

	if (kind_plain(K))
		EXPECT_TRUE(r == 0 || r == -ENOENT);
	/* Refused or not, without keys the bytes pass as they are. */
	expect_flows(_metadata, self->cli, self->srv);

	/* And an untouched socket's TLS is not affected. */
	pair_open(_metadata, &plain, &twin);
	r = neg(setsockopt(twin.cli, IPPROTO_TCP, TCP_ULP, "tls", 4));
	EXPECT_TRUE(r == 0 || r == -ENOENT);
	expect_flows(_metadata, twin.cli, twin.srv);
	close(twin.cli);
	close(twin.srv);
	expect_flows(_metadata, self->cli, self->srv);
}

TEST_F(port, ulp_tls_before_accept)
{
	int cli, srv;

	if (!TCP)
		return;
	cli = client_open(_metadata, K, &self->addr);
	setsockopt(cli, IPPROTO_TCP, TCP_ULP, "tls", 4);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	expect_flows(_metadata, cli, srv);
	close(cli);
	EXPECT_EQ(0, recv(srv, &(char){0}, 1, 0));
}

TEST_F(port, addrform)
{
	struct addr a = {.in6 = {.sin6_family = AF_INET6},
			 .len = sizeof(a.in6)};
	int lis, cli, srv;
	long r;

	if (K->family != AF_INET6)
		return;
	ASSERT_EQ(1, inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.in6.sin6_addr));
	lis = socket(AF_INET6, SOCK_STREAM, 0);
	ASSERT_EQ(0, setopt_int(lis, IPPROTO_IPV6, IPV6_V6ONLY, 0));
	ASSERT_EQ(0, bind(lis, &a.sa, a.len));
	ASSERT_EQ(0, getsockname(lis, &a.sa, &a.len));
	if (K->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(lis));
	ASSERT_EQ(0, listen(lis, 8));
	cli = client_open(_metadata, K, &a);
	srv = server_accept(_metadata, K, lis, cli);
	r = neg(setopt_int(cli, IPPROTO_IPV6, IPV6_ADDRFORM, AF_INET));
	EXPECT_TRUE(r == 0 || (!kind_plain(K) && r == -EBUSY));
	expect_flows(_metadata, cli, srv);
	close(cli);
	EXPECT_EQ(0, recv(srv, &(char){0}, 1, 0));
}

TEST_F(link_tcp, repair_on_and_off)
{
	ASSERT_TRUE(send_all(self->cli, 0, 100));
	ASSERT_TRUE(wait_for(inq(self->srv) == 100));
	if (!setopt_int(self->srv, IPPROTO_TCP, TCP_REPAIR, 1))
		EXPECT_EQ(0,
			  setopt_int(self->srv, IPPROTO_TCP, TCP_REPAIR, -1));
	EXPECT_TRUE(recv_all(self->srv, 0, 100));
	expect_flows(_metadata, self->cli, self->srv);
}

/* Whoever takes a socket apart has it as it was. */
TEST_F(port, repair_before_connect)
{
	int cli, srv, why;

	if (!TCP)
		return;
	cli = client_socket(_metadata, K, &self->addr);
	ASSERT_EQ(0, setopt_int(cli, IPPROTO_TCP, TCP_REPAIR, 1));
	ASSERT_EQ(0, setopt_int(cli, IPPROTO_TCP, TCP_REPAIR, 0));
	ASSERT_EQ(0, neg(connect(cli, &self->addr.sa, self->addr.len)));
	srv = accept(self->lis, NULL, NULL);
	ASSERT_LE(0, srv);
	EXPECT_NE(DOOR_SOCK_JOINED, sock_info(srv, &why));
	if (K->cli) {
		EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(cli, &why));
		EXPECT_EQ(DOOR_WHY_OPTION, why);
	}
	expect_flows(_metadata, cli, srv);
	close(cli);
	close(srv);
}

static long bpf(int cmd, union bpf_attr *a)
{
	return syscall(SYS_bpf, cmd, a, sizeof(*a));
}

TEST_F(link_tcp, sockmap)
{
	union bpf_attr a = {.map_type = BPF_MAP_TYPE_SOCKMAP,
			    .key_size = 4,
			    .value_size = 4,
			    .max_entries = 2};
	uint32_t key = 0, val = self->cli;
	int map = bpf(BPF_MAP_CREATE, &a);

	if (map < 0)
		SKIP(return, "no sockmap: %s", strerror(errno));
	memset(&a, 0, sizeof(a));
	a.map_fd = map;
	a.key = (uintptr_t)&key;
	a.value = (uintptr_t)&val;
	if (bpf(BPF_MAP_UPDATE_ELEM, &a) < 0)
		EXPECT_FALSE(kind_plain(K));
	expect_flows(_metadata, self->cli, self->srv);
	bpf(BPF_MAP_DELETE_ELEM, &a);
	expect_flows(_metadata, self->cli, self->srv);
	close(map);
}

/* Reaps zero-copy completions up to number last; false on anything else. */
static bool completed(int fd, unsigned int last)
{
	for (;;) {
		struct sock_extended_err *e;
		char ctl[128];
		struct msghdr m = {.msg_control = ctl,
				   .msg_controllen = sizeof(ctl)};

		if (!wait_for(poll_mask(fd, 0, 0) & POLLERR) ||
		    recvmsg(fd, &m, MSG_ERRQUEUE) < 0 || !CMSG_FIRSTHDR(&m))
			return false;
		e = (void *)CMSG_DATA(CMSG_FIRSTHDR(&m));
		if (e->ee_origin != SO_EE_ORIGIN_ZEROCOPY || e->ee_errno)
			return false;
		if (e->ee_data == last)
			return true;
	}
}

TEST_F(link_tcp, zerocopy)
{
	EXPECT_ERR(EAGAIN, recv(self->cli, &(char){0}, 1, MSG_ERRQUEUE));
	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(10000, send(self->cli, pattern(i * 10000), 10000,
				      MSG_ZEROCOPY));
		EXPECT_TRUE(recv_all(self->srv, i * 10000, 10000));
	}
	EXPECT_TRUE(completed(self->cli, 2));
	expect_flows(_metadata, self->cli, self->srv);
}

TEST_F(port, zerocopy_before_accept)
{
	int cli, srv;

	if (!TCP)
		return;
	cli = client_socket(_metadata, K, &self->addr);
	ASSERT_EQ(0, setopt_int(cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	ASSERT_EQ(10000, send(cli, pattern(0), 10000, MSG_ZEROCOPY));
	srv = accept(self->lis, NULL, NULL);
	ASSERT_EQ(10000, send(cli, pattern(10000), 10000, MSG_ZEROCOPY));
	EXPECT_TRUE(recv_all(srv, 0, 20000));
	EXPECT_TRUE(completed(cli, 1));
	expect_flows(_metadata, cli, srv);
}

/* The type of the first control message of a receive, or -1. */
static int cmsg_of(int fd, void *buf, size_t len)
{
	char ctl[256];
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};

	if (recvmsg(fd, &m, 0) < 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	return CMSG_FIRSTHDR(&m)->cmsg_type;
}

/*
 * Held by the harness, so that the kernel does not begin and cease to stamp
 * packets, which rewrites its code, with every test.
 */
__attribute__((constructor)) static void keep_stamping(void)
{
	setopt_int(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), SOL_SOCKET,
		   SO_TIMESTAMP, 1);
}

/* The kernel begins to stamp a while after the first socket has asked. */
static bool stamped(int from, int to)
{
	char buf[16];

	return write(from, "t", 1) == 1 &&
	       cmsg_of(to, buf, sizeof(buf)) == SCM_TIMESTAMP;
}

TEST_F(link_tcp, timestamps)
{
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_TIMESTAMP, 1));
	EXPECT_TRUE(wait_for(stamped(self->cli, self->srv)));
	EXPECT_TRUE(stamped(self->cli, self->srv));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_TIMESTAMP, 0));
	expect_flows(_metadata, self->cli, self->srv);
}

TEST_F(port, timestamps_before_accept)
{
	int cli, srv;

	if (!TCP)
		return;
	ASSERT_EQ(0, setopt_int(self->lis, SOL_SOCKET, SO_TIMESTAMP, 1));
	cli = client_open(_metadata, K, &self->addr);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	EXPECT_TRUE(wait_for(stamped(cli, srv)));
	EXPECT_TRUE(stamped(cli, srv));
	expect_flows(_metadata, srv, cli);
}

TEST_F(link_tcp, stamping)
{
	int want = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	char buf[16];

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_TIMESTAMPING, want));
	EXPECT_TRUE(wait_for(write(self->cli, "t", 1) == 1 &&
			     cmsg_of(self->srv, buf, sizeof(buf)) ==
				     SCM_TIMESTAMPING));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_TIMESTAMPING, 0));
	expect_flows(_metadata, self->cli, self->srv);
}

/* Receives exactly len bytes; what the one message about the rest says, or -1.
 */
static int left_after(int fd, size_t len, int flags)
{
	char ctl[256], buf[64];
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};
	struct cmsghdr *c;
	int left;

	if (recvmsg(fd, &m, flags) != (ssize_t)len)
		return -1;
	c = CMSG_FIRSTHDR(&m);
	if (!c || c->cmsg_type != TCP_CM_INQ || CMSG_NXTHDR(&m, c))
		return -1;
	memcpy(&left, CMSG_DATA(c), sizeof(left));
	return left;
}

static ssize_t bg_left(struct bg *bg)
{
	return left_after(bg->fd, bg->len, bg->flags);
}

TEST_F(port, inq_message)
{
	int cli, srv;

	if (!TCP)
		return;
	cli = client_open(_metadata, K, &self->addr);
	ASSERT_EQ(10, write(cli, pattern(0), 10));
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_EQ(0, setopt_int(srv, IPPROTO_TCP, TCP_INQ, 1));
	ASSERT_EQ(30, write(cli, pattern(10), 30));
	ASSERT_TRUE(wait_for(inq(srv) == 40));
	EXPECT_EQ(35, left_after(srv, 5, 0));
	EXPECT_EQ(35, left_after(srv, 5, MSG_PEEK));
	EXPECT_EQ(25, left_after(srv, 10, 0));
	/* The end counts, so that one who has read all comes back for it. */
	close(cli);
	ASSERT_TRUE(wait_for(poll_mask(srv, POLLRDHUP, 0) == POLLRDHUP));
	EXPECT_EQ(21, left_after(srv, 5, 0));
	EXPECT_EQ(1, left_after(srv, 20, 0));
	EXPECT_EQ(1, left_after(srv, 0, 0));
	close(srv);
}

TEST_F(link_tcp, inq_message_of_pieces)
{
	struct bg bg = {.fn = bg_left,
			.fd = self->srv,
			.len = 20,
			.flags = MSG_WAITALL};

	ASSERT_EQ(0, setopt_int(self->srv, IPPROTO_TCP, TCP_INQ, 1));
	ASSERT_EQ(10, write(self->cli, pattern(0), 10));
	bg_start_asleep(&bg);
	ASSERT_EQ(15, write(self->cli, pattern(10), 15));
	bg_join(&bg);
	EXPECT_EQ(5, bg.ret);
}

SOCK_TEST_MAIN
