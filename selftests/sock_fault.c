// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets whose allocations and accesses to user memory fail, one after the
 * other. Whatever fails, a connection is made or not as without us, no byte
 * that send() has taken is lost, and none comes twice.
 */
#include "sock_test.h"
#include "fault_test.h"

FIXTURE(fault)
{
	struct addr addr;
	int lis;
};

FIXTURE_VARIANT(fault)
{
	struct kind k;
};

#define FAULT_KIND(name, fam)                                     \
	FIXTURE_VARIANT_ADD(fault, name)                          \
	{                                                         \
		.k = {.family = (fam), .srv = true, .cli = true } \
	}

FAULT_KIND(tcp4, AF_INET);
FAULT_KIND(tcp6, AF_INET6);
FAULT_KIND(unix, AF_UNIX);

FIXTURE_SETUP(fault)
{
	ASSERT_EQ(0, faults_ready());
	self->lis = port_open(_metadata, &variant->k, &self->addr);
}

FIXTURE_TEARDOWN(fault)
{
	close(self->lis);
}

static int open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* Everything that has been sent so far comes out, once. Then they are closed.
 */
static void expect_bytes(struct __test_metadata *_metadata, int srv, int cli,
			 size_t sent, size_t got)
{
	EXPECT_TRUE(recv_all(srv, got, sent - got));
	EXPECT_ERR(EAGAIN, recv(srv, &(char){0}, 1, MSG_DONTWAIT));
	EXPECT_TRUE(send_all(cli, sent, 100));
	EXPECT_TRUE(recv_all(srv, sent, 100));
	EXPECT_TRUE(send_all(srv, 7, 5000));
	EXPECT_TRUE(recv_all(cli, 7, 5000));
	close(srv);
	close(cli);
}

static int errno_fits(int err)
{
	return err == ENOMEM || err == EFAULT || err == ENOBUFS ||
	       err == EAGAIN;
}

/* Marking: an error or a reason, and then an ordinary socket. */
TEST_F(fault, mark)
{
	for (each_fault(n, hit)) {
		struct door_ioc_sock a = {.addr = (uintptr_t)&self->addr.sa,
					  .addrlen = self->addr.len};
		int dev = open("/dev/door", O_RDWR | O_CLOEXEC);
		int srv;
		long ret;

		a.fd = socket(variant->k.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ASSERT_GE(a.fd, 0);
		ASSERT_EQ(0, fault_arm(fault_self(), n));
		ret = neg(ioctl(dev, DOOR_IOC_SOCK_CONNECT, &a));
		hit = fault_disarm(fault_self());
		close(dev);
		EXPECT_TRUE(ret ? hit && errno_fits(-ret)
				: a.state == DOOR_SOCK_MARKED ||
					    a.why == DOOR_WHY_MEMORY)
		{
			TH_LOG("fault %d: %s, state %u, reason %u", n,
			       errname(ret), a.state, a.why);
		}
		ASSERT_EQ(0,
			  neg(connect(a.fd, &self->addr.sa, self->addr.len)));
		srv = accept4(self->lis, NULL, NULL, SOCK_CLOEXEC);
		ASSERT_GE(srv, 0);
		expect_bytes(_metadata, srv, a.fd, 0, 0);
		EXPECT_TRUE(hit || n > 3);
	}
}

/* Joining: both or neither. */
TEST_F(fault, accept)
{
	for (each_fault(n, hit)) {
		int cli = client_open(_metadata, &variant->k, &self->addr);
		int fds = open_fds(), srv, why = 0;

		ASSERT_EQ(0, fault_arm(fault_self(), n));
		srv = accept4(self->lis, NULL, NULL, SOCK_CLOEXEC);
		hit = fault_disarm(fault_self());
		EXPECT_EQ(fds + (srv >= 0), open_fds());
		if (srv < 0) {
			EXPECT_TRUE(hit);
			close(cli);
			continue;
		}
		if (sock_info(srv, &why) == DOOR_SOCK_JOINED) {
			EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(cli, NULL));
		} else {
			EXPECT_TRUE(hit);
			EXPECT_NE(DOOR_SOCK_JOINED, sock_info(cli, NULL));
		}
		expect_bytes(_metadata, srv, cli, 0, 0);
		EXPECT_TRUE(hit || n > 2);
	}
}

/* One attempt to send; the bytes that were taken, or -errno. */
typedef long (*send_fn)(int fd, size_t off);

static long send_one(int fd, size_t off)
{
	return neg(send(fd, pattern(off), 1, MSG_DONTWAIT | MSG_NOSIGNAL));
}

static long send_much(int fd, size_t off)
{
	return neg(send(fd, pattern(off), PATTERN_PERIOD,
			MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Makes the lane grow more than once, if it can. */
static long send_more(int fd, size_t off)
{
	long done = 0, n = 1;

	for (int i = 0; i < 8 && n > 0; i++) {
		n = neg(send(fd, pattern(off + done), 30000,
			     MSG_DONTWAIT | MSG_NOSIGNAL));
		done += n > 0 ? n : 0;
	}
	return done ? done : n;
}

static long send_pieces(int fd, size_t off)
{
	struct iovec iov[3] = {{(void *)pattern(off), 10},
			       {(void *)pattern(off + 10), 6000},
			       {(void *)pattern(off + 6010), 1}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 3};

	return neg(sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL));
}

/* Over the socket itself, then through the lane again. */
static long send_turns(int fd, size_t off)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(void *)pattern(off), 50};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	long n, m;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &(int){0}, sizeof(int));
	n = neg(sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (n < 0)
		return n;
	m = neg(send(fd, pattern(off + n), 70, MSG_DONTWAIT | MSG_NOSIGNAL));
	return m < 0 ? n : n + m;
}

static const struct {
	const char *what;
	send_fn send;
} sends[] = {{"one byte", send_one},
	     {"much", send_much},
	     {"more", send_more},
	     {"pieces", send_pieces},
	     {"turns", send_turns}};

/* Sending: what was taken arrives, and nothing else. */
TEST_F(fault, send)
{
	int chances = 0;

	for (size_t i = 0; i < sizeof(sends) / sizeof(sends[0]); i++) {
		for (each_fault(n, hit)) {
			int cli = client_open(_metadata, &variant->k,
					      &self->addr);
			int srv = server_accept(_metadata, &variant->k,
						self->lis, cli);
			long ret;

			ASSERT_EQ(0, fault_arm(fault_self(), n));
			ret = sends[i].send(cli, 0);
			hit = fault_disarm(fault_self());
			EXPECT_TRUE(ret > 0 || (hit && errno_fits(-ret)))
			{
				TH_LOG("%s, fault %d: %s", sends[i].what, n,
				       errname(ret));
			}
			expect_bytes(_metadata, srv, cli, ret > 0 ? ret : 0, 0);
			chances += hit;
		}
	}
	TH_LOG("%d faults", chances);
	EXPECT_GT(chances, 10);
}

/* One attempt to receive; bytes that are gone from the socket, or -errno. */
typedef long (*recv_fn)(int fd, uint8_t *buf, size_t len);

static long recv_plain(int fd, uint8_t *buf, size_t len)
{
	return neg(recv(fd, buf, len, MSG_DONTWAIT));
}

static long recv_little(int fd, uint8_t *buf, size_t len)
{
	return neg(recv(fd, buf, len < 3000 ? len : 3000, MSG_DONTWAIT));
}

/* Looks, and takes nothing. */
static long recv_look(int fd, uint8_t *buf, size_t len)
{
	long n = neg(recv(fd, buf, len, MSG_DONTWAIT | MSG_PEEK));

	if (n > 0 && !check(buf, 0, n))
		return -EILSEQ;
	n = inq(fd);
	if (n < 0)
		return n;
	n = neg(poll_mask(fd, POLLIN | POLLOUT, 0));
	return n < 0 ? n : 0;
}

static long recv_spliced(int fd, uint8_t *buf, size_t len)
{
	int p[2];
	long n;

	if (pipe2(p, O_CLOEXEC))
		return -errno;
	n = neg(splice(fd, NULL, p[1], NULL, len < 65536 ? len : 65536,
		       SPLICE_F_NONBLOCK));
	if (n > 0 && read(p[0], buf, n) != n)
		n = -EILSEQ;
	close(p[0]);
	close(p[1]);
	return n;
}

static const struct {
	const char *what;
	recv_fn recv;
} recvs[] = {{"all", recv_plain},
	     {"little", recv_little},
	     {"a look", recv_look},
	     {"splice", recv_spliced}};

/* Before the join over the socket, in the lane, over it again, and again. */
static size_t send_mixture(struct __test_metadata *_metadata,
			   const struct kind *k, int lis,
			   const struct addr *addr, int *cli, int *srv)
{
	size_t sent = 40;

	*cli = client_open(_metadata, k, addr);
	EXPECT_TRUE(send_all(*cli, 0, sent));
	*srv = server_accept(_metadata, k, lis, *cli);
	EXPECT_TRUE(send_all(*cli, sent, 9000));
	sent += 9000;
	EXPECT_EQ(120, send_turns(*cli, sent));
	return sent + 120;
}

/* Receiving: what was not received still comes. */
TEST_F(fault, recv)
{
	static uint8_t buf[65536];
	int chances = 0;

	for (size_t i = 0; i < sizeof(recvs) / sizeof(recvs[0]); i++) {
		for (each_fault(n, hit)) {
			int cli, srv;
			size_t sent =
				send_mixture(_metadata, &variant->k, self->lis,
					     &self->addr, &cli, &srv);
			long ret;

			ASSERT_EQ(0, fault_arm(fault_self(), n));
			ret = recvs[i].recv(srv, buf, sizeof(buf));
			hit = fault_disarm(fault_self());
			EXPECT_TRUE(ret >= 0 || (hit && errno_fits(-ret)))
			{
				TH_LOG("%s, fault %d: %s", recvs[i].what, n,
				       errname(ret));
			}
			ret = ret < 0 ? 0 : ret;
			EXPECT_TRUE(check(buf, 0, ret));
			expect_bytes(_metadata, srv, cli, sent, ret);
			chances += hit;
		}
	}
	TH_LOG("%d faults", chances);
	EXPECT_GT(chances, 4);
}

/* A socketpair: joined or ordinary. */
TEST(pair)
{
	ASSERT_EQ(0, faults_ready());
	for (each_fault(n, hit)) {
		struct door_ioc_sock a = {0};
		int dev = open("/dev/door", O_RDWR | O_CLOEXEC);
		int sv[2];
		long ret;

		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					sv));
		a.fd = sv[0];
		a.fd2 = sv[1];
		ASSERT_EQ(0, fault_arm(fault_self(), n));
		ret = neg(ioctl(dev, DOOR_IOC_SOCK_PAIR, &a));
		hit = fault_disarm(fault_self());
		close(dev);
		EXPECT_TRUE(ret ? hit && errno_fits(-ret)
				: a.state == DOOR_SOCK_JOINED ||
					    a.why == DOOR_WHY_MEMORY);
		EXPECT_EQ(sock_info(sv[0], NULL), sock_info(sv[1], NULL));
		expect_bytes(_metadata, sv[0], sv[1], 0, 0);
		EXPECT_TRUE(hit || n > 3);
	}
}

SOCK_TEST_MAIN
