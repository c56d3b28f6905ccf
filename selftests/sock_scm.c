// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX control messages: descriptors and credentials keep their place in the
 * byte stream, whichever way the bytes around them travel.
 */
#include "sock_test.h"

#include <sys/stat.h>

/* Sends these bytes with n descriptors. */
static ssize_t send_with_fds(int sock, void *buf, size_t len, const int *fd,
			     int n)
{
	char ctl[CMSG_SPACE(sizeof(int) * 253)] = {0};
	struct iovec iov = {.iov_base = buf, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = CMSG_SPACE(sizeof(int) * n)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fd, sizeof(int) * n);
	return sendmsg(sock, &m, MSG_NOSIGNAL);
}

/* Sends len stream bytes from off with n descriptors. */
static ssize_t send_fds(int sock, size_t off, size_t len, const int *fd, int n)
{
	return send_with_fds(sock, (void *)pattern(off), len, fd, n);
}

struct got {
	uint8_t data[4096];
	ssize_t len;
	int flags;
	int nfd;
	int fd[253];
	struct ucred cred;
	bool has_cred;
};

/* One recvmsg() with room for ctl_fds descriptors and, always, credentials. */
static void recv_ctl(int sock, struct got *g, size_t len, int ctl_fds,
		     int flags)
{
	char ctl[CMSG_SPACE(sizeof(int) * 253) +
		 CMSG_SPACE(sizeof(struct ucred))];
	struct iovec iov = {.iov_base = g->data, .iov_len = len};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = CMSG_LEN(sizeof(int) * ctl_fds)};

	if (ctl_fds == 0)
		m.msg_controllen = sizeof(ctl);
	g->nfd = 0;
	g->has_cred = false;
	g->len = recvmsg(sock, &m, flags);
	g->flags = m.msg_flags;
	if (g->len < 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		if (c->cmsg_type == SCM_RIGHTS) {
			g->nfd = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(g->fd, CMSG_DATA(c), sizeof(int) * g->nfd);
		} else if (c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&g->cred, CMSG_DATA(c), sizeof(g->cred));
			g->has_cred = true;
		}
	}
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_ino == y.st_ino &&
	       x.st_dev == y.st_dev;
}

static int nr_fds(void)
{
	int n = 0;

	for (int i = 0; i < 1024; i++)
		n += fcntl(i, F_GETFD) >= 0;
	return n;
}

TEST_F(link_unix, rights_arrive_and_work)
{
	int p[2];

	for (int dir = 0; dir < 2; dir++) {
		int from = dir ? self->srv : self->cli;
		int to = dir ? self->cli : self->srv;
		struct got g;
		char c = 0;

		ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
		ASSERT_EQ(1, send_fds(from, 0, 1, &p[1], 1));
		close(p[1]);
		recv_ctl(to, &g, 10, 0, 0);
		ASSERT_EQ(1, g.len);
		ASSERT_EQ(1, g.nfd);
		EXPECT_EQ(0, g.flags & MSG_CTRUNC);
		EXPECT_EQ(0, fcntl(g.fd[0], F_GETFD));
		EXPECT_EQ(1, write(g.fd[0], "w", 1));
		EXPECT_EQ(1, read(p[0], &c, 1));
		close(g.fd[0]);
		EXPECT_EQ(0, read(p[0], &c, 1));
		close(p[0]);
	}
}

TEST_F(link_unix, rights_keep_their_place)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t off = 0;

	for (int dir = 0; dir < 2; dir++) {
		int from = dir ? self->srv : self->cli;
		int to = dir ? self->cli : self->srv;
		struct got g;

		/* Plain, with a descriptor, plain: 5 + 3 + 4 bytes. */
		for (int i = 0; i < 20; i++) {
			ASSERT_EQ(5, write(from, pattern(off), 5));
			ASSERT_EQ(3, send_fds(from, off + 5, 3, &fd, 1));
			ASSERT_EQ(4, write(from, pattern(off + 8), 4));
			recv_ctl(to, &g, sizeof(g.data), 0, 0);
			/* A read ends after the bytes a descriptor came with.
			 */
			ASSERT_EQ(8, g.len);
			ASSERT_TRUE(check(g.data, off, 8));
			ASSERT_EQ(1, g.nfd);
			ASSERT_TRUE(same_file(fd, g.fd[0]));
			close(g.fd[0]);
			recv_ctl(to, &g, sizeof(g.data), 0, 0);
			ASSERT_EQ(4, g.len);
			ASSERT_TRUE(check(g.data, off + 8, 4));
			ASSERT_EQ(0, g.nfd);
			off += 12;
		}
	}
	close(fd);
}

TEST_F(link_unix, rights_behind_queued_data)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct got g;
	size_t n;

	/* More plain bytes than one read takes, then one with a descriptor. */
	ASSERT_TRUE(send_all(self->cli, 0, 10000));
	ASSERT_EQ(1, send_fds(self->cli, 10000, 1, &fd, 1));
	ASSERT_TRUE(send_all(self->cli, 10001, 10000));
	ASSERT_EQ(20001, inq(self->srv));
	for (n = 0; n < 20001; n += g.len) {
		recv_ctl(self->srv, &g, sizeof(g.data), 0, 0);
		ASSERT_GT(g.len, 0);
		ASSERT_TRUE(check(g.data, n, g.len));
		if (g.nfd) {
			EXPECT_EQ(10001, (long)n + g.len);
			close(g.fd[0]);
			break;
		}
		EXPECT_LT((long)n + g.len, 10001);
	}
	EXPECT_TRUE(recv_all(self->srv, 10001, 10000));
	close(fd);
}

TEST_F(link_unix, rights_dropped_by_plain_read)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), before = nr_fds();

	ASSERT_EQ(2, write(self->cli, pattern(0), 2));
	ASSERT_EQ(2, send_fds(self->cli, 2, 2, &fd, 1));
	ASSERT_EQ(2, write(self->cli, pattern(4), 2));
	EXPECT_TRUE(recv_all(self->srv, 0, 6));
	EXPECT_EQ(before, nr_fds());
	close(fd);
}

TEST_F(link_unix, rights_too_many_for_the_room)
{
	int fd[4], before;
	struct got g;

	for (int i = 0; i < 4; i++)
		fd[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
	before = nr_fds();
	ASSERT_EQ(1, send_fds(self->cli, 0, 1, fd, 4));
	recv_ctl(self->srv, &g, 10, 2, 0);
	EXPECT_EQ(1, g.len);
	EXPECT_EQ(2, g.nfd);
	EXPECT_EQ(MSG_CTRUNC, g.flags & MSG_CTRUNC);
	EXPECT_EQ(before + 2, nr_fds());
}

TEST_F(link_unix, rights_cloexec)
{
	int fd = open("/dev/null", O_RDWR);
	struct got g;

	ASSERT_EQ(1, send_fds(self->cli, 0, 1, &fd, 1));
	recv_ctl(self->srv, &g, 10, 0, MSG_CMSG_CLOEXEC);
	ASSERT_EQ(1, g.nfd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(g.fd[0], F_GETFD));
	EXPECT_EQ(MSG_CMSG_CLOEXEC, g.flags & MSG_CMSG_CLOEXEC);
}

TEST_F(link_unix, rights_many_and_bad)
{
	int fd[253], bad = 999;
	struct got g;

	EXPECT_ERR(EBADF, send_fds(self->cli, 0, 1, &bad, 1));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
	fd[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 1; i < 253; i++)
		fd[i] = fd[0];
	ASSERT_EQ(1, send_fds(self->cli, 0, 1, fd, 253));
	recv_ctl(self->srv, &g, 10, 0, MSG_CMSG_CLOEXEC);
	EXPECT_EQ(1, g.len);
	ASSERT_EQ(253, g.nfd);
	EXPECT_TRUE(same_file(g.fd[252], fd[0]));
}

TEST_F(link_unix, rights_with_much_data)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t len = 40000, n = 0;
	struct got g;

	ASSERT_EQ((ssize_t)len, send_fds(self->cli, 0, len, &fd, 1));
	while (n < len) {
		recv_ctl(self->srv, &g, sizeof(g.data), 0, 0);
		ASSERT_GT(g.len, 0);
		ASSERT_TRUE(check(g.data, n, g.len));
		EXPECT_EQ(n == 0, g.nfd);
		n += g.len;
	}
	EXPECT_EQ(len, n);
}

static ssize_t bg_send_itself(struct bg *bg)
{
	return send_with_fds(bg->fd, bg->buf, bg->len, &bg->fd, 1);
}

/* Of what does not fit, a part goes first: with that, and never again. */
TEST_F(link_unix, rights_with_more_than_fits)
{
	static char much[1 << 20];
	struct bg bg = {.fn = bg_send_itself,
			.fd = self->cli,
			.buf = much,
			.len = sizeof(much)};
	struct got g;

	fill(much, 0, sizeof(much));
	bg_start_asleep(&bg);
	for (size_t n = 0; n < sizeof(much); n += g.len) {
		recv_ctl(self->srv, &g, sizeof(g.data), 0, 0);
		ASSERT_GT(g.len, 0);
		ASSERT_TRUE(check(g.data, n, g.len));
		EXPECT_EQ(n == 0, g.nfd);
	}
	bg_join(&bg);
	EXPECT_EQ((ssize_t)sizeof(much), bg.ret);
}

TEST_F(link_unix, rights_peeked)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct got g;

	ASSERT_EQ(2, write(self->cli, pattern(0), 2));
	ASSERT_EQ(2, send_fds(self->cli, 2, 2, &fd, 1));
	for (int i = 0; i < 2; i++) {
		recv_ctl(self->srv, &g, sizeof(g.data), 0, MSG_PEEK);
		EXPECT_EQ(4, g.len);
		EXPECT_EQ(1, g.nfd);
	}
	recv_ctl(self->srv, &g, sizeof(g.data), 0, 0);
	EXPECT_EQ(4, g.len);
	EXPECT_EQ(1, g.nfd);
	EXPECT_TRUE(same_file(fd, g.fd[0]));
}

TEST_F(link_unix, rights_without_data)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_EQ(0, send_fds(self->cli, 0, 0, &fd, 1));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
}

TEST_F(link_unix, rights_to_a_full_socket)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t n = send_full(self->cli, 0);
	struct got g;

	/* It has no more room for that than for other bytes. */
	ASSERT_TRUE(set_nonblock(self->cli, true));
	EXPECT_ERR(EAGAIN, send_fds(self->cli, n, 1, &fd, 1));
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_EQ(1, send_fds(self->cli, n, 1, &fd, 1));
	recv_ctl(self->srv, &g, 10, 0, 0);
	EXPECT_EQ(1, g.len);
	EXPECT_EQ(1, g.nfd);
}

/* The socket itself travels through itself; only the collector frees it. */
TEST_F(link_unix, rights_of_itself)
{
	ASSERT_EQ(1, send_fds(self->cli, 0, 1, &self->cli, 1));
	ASSERT_EQ(1, send_fds(self->cli, 1, 1, &self->srv, 1));
	ASSERT_EQ(1, send_fds(self->srv, 0, 1, &self->srv, 1));
}

static void send_from_child(struct __test_metadata *_metadata, int fd,
			    const char *s, pid_t *pid)
{
	int status;

	*pid = fork();
	if (!*pid)
		_exit(write(fd, s, strlen(s)) != (ssize_t)strlen(s));
	ASSERT_GT(*pid, 0);
	ASSERT_EQ(*pid, waitpid(*pid, &status, 0));
	ASSERT_EQ(0, status);
}

TEST_F(link_unix, passcred)
{
	struct got g;
	pid_t kid;

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PASSCRED, 1));
	EXPECT_EQ(1, getopt_int(self->srv, SOL_SOCKET, SO_PASSCRED));
	ASSERT_EQ(3, write(self->cli, "own", 3));
	send_from_child(_metadata, self->cli, "kid", &kid);
	ASSERT_EQ(4, write(self->cli, "last", 4));

	/* Two writers' bytes never come out of one call. */
	recv_ctl(self->srv, &g, 100, 0, 0);
	EXPECT_EQ(3, g.len);
	ASSERT_TRUE(g.has_cred);
	EXPECT_EQ(getpid(), g.cred.pid);
	EXPECT_EQ(getuid(), g.cred.uid);
	EXPECT_EQ(getgid(), g.cred.gid);
	recv_ctl(self->srv, &g, 100, 0, 0);
	EXPECT_EQ(3, g.len);
	ASSERT_TRUE(g.has_cred);
	EXPECT_EQ(kid, g.cred.pid);
	recv_ctl(self->srv, &g, 100, 0, 0);
	EXPECT_EQ(4, g.len);
	EXPECT_EQ(getpid(), g.cred.pid);
}

TEST_F(link_unix, passcred_in_mid_stream)
{
	struct got g;

	ASSERT_TRUE(send_all(self->cli, 0, 100));
	EXPECT_TRUE(recv_all(self->srv, 0, 50));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PASSCRED, 1));
	recv_ctl(self->srv, &g, 50, 0, 0);
	EXPECT_EQ(50, g.len);
	EXPECT_TRUE(g.has_cred);
	ASSERT_TRUE(send_all(self->cli, 100, 100));
	recv_ctl(self->srv, &g, 100, 0, 0);
	EXPECT_EQ(100, g.len);
	EXPECT_TRUE(check(g.data, 100, 100));
	ASSERT_TRUE(g.has_cred);
	EXPECT_EQ(getpid(), g.cred.pid);
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PASSCRED, 0));
	ASSERT_TRUE(send_all(self->cli, 200, 100));
	recv_ctl(self->srv, &g, 100, 0, 0);
	EXPECT_FALSE(g.has_cred);
}

TEST_F(link_unix, explicit_credentials)
{
	char ctl[CMSG_SPACE(sizeof(struct ucred))] = {0};
	struct iovec iov = {.iov_base = (void *)"c", .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	struct ucred u = {.pid = getpid(), .uid = getuid(), .gid = getgid()};
	struct got g;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(u));
	memcpy(CMSG_DATA(c), &u, sizeof(u));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PASSCRED, 1));
	ASSERT_EQ(1, write(self->cli, "b", 1));
	ASSERT_EQ(1, sendmsg(self->cli, &m, 0));
	ASSERT_EQ(1, write(self->cli, "d", 1));
	for (size_t n = 0; n < 3; n += g.len) {
		recv_ctl(self->srv, &g, 10, 0, 0);
		ASSERT_GT(g.len, 0);
		ASSERT_EQ(0, memcmp(g.data, "bcd" + n, g.len));
		ASSERT_TRUE(g.has_cred);
		EXPECT_EQ(getpid(), g.cred.pid);
	}
}

TEST_F(port, passcred_before_accept)
{
	int cli, srv;
	struct got g;

	if (variant->k.family != AF_UNIX)
		return;
	ASSERT_EQ(0, setopt_int(self->lis, SOL_SOCKET, SO_PASSCRED, 1));
	cli = client_open(_metadata, &variant->k, &self->addr);
	ASSERT_EQ(5, write(cli, "early", 5));
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	ASSERT_EQ(4, write(cli, "late", 4));
	for (size_t n = 0; n < 9; n += g.len) {
		recv_ctl(srv, &g, 100, 0, 0);
		ASSERT_GT(g.len, 0);
		ASSERT_EQ(0, memcmp(g.data, "earlylate" + n, g.len));
		ASSERT_TRUE(g.has_cred);
		EXPECT_EQ(getpid(), g.cred.pid);
	}
	close(cli);
	close(srv);
}

/* A look that begins inside one part of the stream stays within it. */
TEST_F(port, rights_behind_a_peek_offset)
{
	int cli, srv, null = open("/dev/null", O_RDONLY);
	char buf[16];
	ssize_t n;

	if (variant->k.family != AF_UNIX)
		return;
	cli = client_open(_metadata, &variant->k, &self->addr);
	ASSERT_TRUE(send_all(cli, 0, 5));
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 5, 2));
	ASSERT_EQ(3, send_fds(cli, 7, 3, &null, 1));
	ASSERT_EQ(0, setopt_int(srv, SOL_SOCKET, SO_PEEK_OFF, 3));
	n = recv(srv, buf, sizeof(buf), MSG_PEEK);
	EXPECT_LE(2, n);
	EXPECT_TRUE(check(buf, 3, n));
	ASSERT_EQ(0, setopt_int(srv, SOL_SOCKET, SO_PEEK_OFF, -1));
	EXPECT_TRUE(recv_all(srv, 0, 10));
	close(null);
	close(cli);
	close(srv);
}

/*
 * Messages that do not fit, and bytes that are not there, in turn: they cost
 * nothing, and leave no more room than there was.
 */
TEST_F(link_unix, rights_and_nothing_in_turn)
{
	int null = open("/dev/null", O_RDONLY), n = 0;

	ASSERT_TRUE(set_nonblock(self->cli, true));
	while (send_fds(self->cli, n, 1, &null, 1) == 1)
		n++;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(0, poll_mask(self->cli, POLLOUT, 0));
	for (int i = 0; i < 1000; i++) {
		ASSERT_EQ(-1, send(self->cli, (void *)8, 1, 0));
		ASSERT_EQ(-1, send_fds(self->cli, n, 1, &null, 1));
	}
	EXPECT_ERR(EAGAIN, send(self->cli, pattern(n), 1, 0));
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	ASSERT_TRUE(send_all(self->cli, 0, 1000));
	EXPECT_TRUE(recv_all(self->srv, 0, 1000));
	close(null);
}

SOCK_TEST_MAIN
