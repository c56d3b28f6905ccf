// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing: every call, every length, blocking and not. */
#include "sock_test.h"

static ssize_t put(int how, int fd, const void *buf, size_t len)
{
	struct iovec iov[2] = {
		{.iov_base = (void *)buf, .iov_len = len / 2},
		{.iov_base = (char *)buf + len / 2, .iov_len = len - len / 2}};
	struct mmsghdr mm = {.msg_hdr = {.msg_iov = iov, .msg_iovlen = 2}};

	switch (how) {
	case 0:
		return write(fd, buf, len);
	case 1:
		return writev(fd, iov, 2);
	case 2:
		return send(fd, buf, len, 0);
	case 3:
		return sendto(fd, buf, len, MSG_NOSIGNAL, NULL, 0);
	case 4:
		return sendmsg(fd, &mm.msg_hdr, 0);
	case 5:
		return sendmmsg(fd, &mm, 1, 0) == 1 ? (ssize_t)mm.msg_len : -1;
	case 6:
		return pwritev2(fd, iov, 2, -1, 0);
	}
	return -1;
}

static ssize_t get(int how, int fd, void *buf, size_t len)
{
	struct iovec iov[2] = {
		{.iov_base = buf, .iov_len = len / 3},
		{.iov_base = (char *)buf + len / 3, .iov_len = len - len / 3}};
	struct mmsghdr mm = {.msg_hdr = {.msg_iov = iov, .msg_iovlen = 2}};

	switch (how) {
	case 0:
		return read(fd, buf, len);
	case 1:
		return readv(fd, iov, 2);
	case 2:
		return recv(fd, buf, len, 0);
	case 3:
		return recvfrom(fd, buf, len, MSG_DONTWAIT, NULL, NULL);
	case 4:
		return recvmsg(fd, &mm.msg_hdr, 0);
	case 5:
		return recvmmsg(fd, &mm, 1, 0, NULL) == 1 ? (ssize_t)mm.msg_len
							  : -1;
	case 6:
		return preadv2(fd, iov, 2, -1, 0);
	}
	return -1;
}

TEST_F(link, every_call_both_ways)
{
	uint8_t buf[300];
	size_t off = 0;

	for (int w = 0; w < 7; w++) {
		for (int r = 0; r < 7; r++) {
			for (int dir = 0; dir < 2; dir++) {
				int from = dir ? self->srv : self->cli;
				int to = dir ? self->cli : self->srv;
				size_t n = 1 + off % 251;

				ASSERT_EQ((ssize_t)n,
					  put(w, from, pattern(off), n));
				ASSERT_EQ(POLLIN,
					  poll_mask(to, POLLIN, WAIT_MS));
				ASSERT_EQ((ssize_t)n,
					  get(r, to, buf, sizeof(buf)));
				ASSERT_TRUE(check(buf, off, n));
				off += n;
			}
		}
	}
}

TEST_F(link, writes_are_one_stream)
{
	static uint8_t buf[4096];

	for (int i = 0; i < 100; i++)
		ASSERT_EQ(7, write(self->cli, pattern(i * 7), 7));
	ASSERT_TRUE(wait_for(inq(self->srv) == 700));
	ASSERT_EQ(700, read(self->srv, buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 0, 700));

	ASSERT_EQ(1000, write(self->cli, pattern(0), 1000));
	for (int i = 0; i < 1000; i += 10) {
		ASSERT_EQ(10, recv(self->srv, buf, 10, 0));
		ASSERT_TRUE(check(buf, i, 10));
	}
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, 10, MSG_DONTWAIT));
}

TEST_F(link, zero_lengths)
{
	char c = 'x';

	EXPECT_EQ(0, write(self->cli, "", 0));
	EXPECT_EQ(0, send(self->cli, "", 0, 0));
	EXPECT_EQ(0, read(self->srv, &c, 0));
	EXPECT_ERR(EAGAIN, recv(self->srv, &c, 0, MSG_DONTWAIT));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
	EXPECT_EQ(1, write(self->cli, "y", 1));
	ASSERT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
	EXPECT_EQ(0, recv(self->srv, &c, 0, 0));
	EXPECT_EQ('x', c);
	EXPECT_EQ(1, recv(self->srv, &c, 1, 0));
	EXPECT_EQ('y', c);
}

TEST_F(link, thousand_pieces)
{
	static uint8_t in[1024 * 3];
	struct iovec iov[1024];

	for (int i = 0; i < 1024; i++) {
		iov[i].iov_base = (void *)pattern(i * 3);
		iov[i].iov_len = 3;
	}
	ASSERT_EQ((ssize_t)sizeof(in), writev(self->cli, iov, 1024));
	for (int i = 0; i < 1024; i++)
		iov[i].iov_base = in + i * 3;
	ASSERT_TRUE(wait_for(inq(self->srv) == sizeof(in)));
	ASSERT_EQ((ssize_t)sizeof(in), readv(self->srv, iov, 1024));
	EXPECT_TRUE(check(in, 0, sizeof(in)));
}

TEST_F(link, bad_pointers_lose_nothing)
{
	void *bad =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t buf[64];

	ASSERT_NE(MAP_FAILED, bad);
	EXPECT_ERR(EFAULT, send(self->cli, bad, 100, 0));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
	ASSERT_EQ(10, send(self->cli, pattern(0), 10, 0));
	ASSERT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
	EXPECT_ERR(EFAULT, recv(self->srv, bad, 100, 0));
	EXPECT_ERR(EFAULT, recv(self->srv, bad, 100, MSG_PEEK));
	EXPECT_EQ(10, inq(self->srv));
	EXPECT_EQ(10, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_TRUE(check(buf, 0, 10));
}

TEST_F(link, half_bad_pointers_lose_nothing)
{
	uint8_t *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static uint8_t buf[8192];
	ssize_t n, got = 0;

	ASSERT_NE(MAP_FAILED, m);
	fill(m, 0, 4096);
	ASSERT_EQ(0, mprotect(m + 4096, 4096, PROT_NONE));
	n = neg(send(self->cli, m, 8192, 0));
	if (n < 0) {
		EXPECT_EQ(-EFAULT, n);
		n = 0;
	}
	ASSERT_LE(n, 4096);
	ASSERT_EQ(2, send(self->cli, pattern(n), 2, 0));
	ASSERT_TRUE(wait_for(inq(self->srv) == n + 2));
	while (got < n + 2) {
		ssize_t r = recv(self->srv, m, 8192, 0);

		if (r < 0) {
			ASSERT_EQ(EFAULT, errno);
			r = recv(self->srv, m, 1000, 0);
		}
		ASSERT_GT(r, 0);
		memcpy(buf + got, m, r);
		got += r;
	}
	EXPECT_EQ(n + 2, got);
	EXPECT_TRUE(check(buf, 0, got));
}

TEST_F(link, offsets_are_refused)
{
	char c;

	EXPECT_ERR(ESPIPE, pread(self->cli, &c, 1, 0));
	EXPECT_ERR(ESPIPE, pwrite(self->cli, "a", 1, 0));
	EXPECT_ERR(ESPIPE, lseek(self->cli, 0, SEEK_SET));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
}

TEST_F(link, nowait_flags)
{
	struct iovec iov;
	char buf[8];
	long r;

	iov.iov_base = buf;
	iov.iov_len = sizeof(buf);
	EXPECT_ERR(EAGAIN, recv(self->cli, buf, 1, MSG_DONTWAIT));
	/* Sockets know this flag since 6.4. */
	r = neg(preadv2(self->cli, &iov, 1, -1, RWF_NOWAIT));
	EXPECT_TRUE(r == -EAGAIN || r == -EOPNOTSUPP);
	ASSERT_TRUE(set_nonblock(self->cli, true));
	EXPECT_ERR(EAGAIN, read(self->cli, buf, 1));
	EXPECT_ERR(EAGAIN, recv(self->cli, buf, 1, MSG_WAITALL));
	ASSERT_TRUE(set_nonblock(self->cli, false));
	ASSERT_EQ(0, ioctl(self->cli, FIONBIO, &(int){1}));
	EXPECT_ERR(EAGAIN, read(self->cli, buf, 1));
	ASSERT_EQ(2, write(self->srv, "ok", 2));
	ASSERT_EQ(POLLIN, poll_mask(self->cli, POLLIN, WAIT_MS));
	EXPECT_EQ(2, recv(self->cli, buf, sizeof(buf), MSG_WAITALL));
}

TEST_F(link, full_then_drained)
{
	for (int dir = 0; dir < 2; dir++) {
		int from = dir ? self->srv : self->cli;
		int to = dir ? self->cli : self->srv;
		size_t n = send_stuffed(from, 0);

		ASSERT_GE(n, 4096U);
		EXPECT_ERR(EAGAIN, send(from, "x", 1, MSG_DONTWAIT));
		EXPECT_EQ(0, poll_mask(from, POLLOUT, 0));
		ASSERT_TRUE(recv_all(to, 0, n));
		EXPECT_EQ(POLLOUT, poll_mask(from, POLLOUT, WAIT_MS));
		EXPECT_ERR(EAGAIN, recv(to, &(char){0}, 1, MSG_DONTWAIT));
		EXPECT_EQ(1, send(from, pattern(n), 1, MSG_DONTWAIT));
		EXPECT_TRUE(recv_all(to, n, 1));
	}
}

TEST_F(link, nonblocking_write_is_partial)
{
	size_t len = 32 << 20;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n;

	ASSERT_NE(MAP_FAILED, m);
	fill(m, 0, 4 << 20);
	n = send(self->cli, m, len, MSG_DONTWAIT);
	ASSERT_GT(n, 0);
	ASSERT_LT(n, 4 << 20);
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_ERR(EAGAIN, recv(self->srv, m, 1, MSG_DONTWAIT));
}

TEST_F(link, blocked_reader_wakes)
{
	for (int dir = 0; dir < 2; dir++) {
		char buf[16] = "";
		struct bg bg = {.fn = bg_recv,
				.fd = dir ? self->cli : self->srv,
				.buf = buf,
				.len = sizeof(buf)};

		bg_start_asleep(&bg);
		ASSERT_EQ(5, write(dir ? self->srv : self->cli, "hello", 5));
		bg_join(&bg);
		EXPECT_EQ(5, bg.ret);
		EXPECT_STREQ("hello", buf);
	}
}

static ssize_t bg_send_stream(struct bg *bg)
{
	return send_all(bg->fd, 0, bg->len);
}

static ssize_t bg_recv_stream(struct bg *bg)
{
	return recv_all(bg->fd, 0, bg->len);
}

TEST_F(link, blocked_writer_wakes)
{
	struct bg bg = {.fn = bg_send_stream, .fd = self->cli, .len = 16 << 20};

	bg_start_asleep(&bg);
	EXPECT_TRUE(recv_all(self->srv, 0, bg.len));
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
}

TEST_F(link, one_big_blocking_write)
{
	size_t len = 8 << 20;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bg bg = {.fn = bg_send, .fd = self->srv, .buf = m, .len = len};

	ASSERT_NE(MAP_FAILED, m);
	fill(m, 0, len);
	bg_start_asleep(&bg);
	EXPECT_TRUE(recv_all(self->cli, 0, len));
	bg_join(&bg);
	EXPECT_EQ((ssize_t)len, bg.ret);
}

TEST_F(link, full_duplex)
{
	size_t len = 3 << 20;
	struct bg bg[3] = {{.fn = bg_send_stream, .fd = self->cli, .len = len},
			   {.fn = bg_send_stream, .fd = self->srv, .len = len},
			   {.fn = bg_recv_stream, .fd = self->cli, .len = len}};

	for (int i = 0; i < 3; i++)
		bg_start(&bg[i]);
	EXPECT_TRUE(recv_all(self->srv, 0, len));
	for (int i = 0; i < 3; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(1, bg[i].ret);
	}
}

TEST_F(link, ping_pong)
{
	char c = 0;

	for (int i = 0; i < 300; i++) {
		ASSERT_EQ(1, write(self->cli, &(char){i}, 1));
		ASSERT_EQ(1, read(self->srv, &c, 1));
		ASSERT_EQ((char)i, c);
		ASSERT_EQ(1, write(self->srv, &c, 1));
		ASSERT_EQ(1, read(self->cli, &c, 1));
	}
}

TEST_F(link, fionread)
{
	char buf[64];

	EXPECT_EQ(0, inq(self->srv));
	ASSERT_EQ(30, write(self->cli, pattern(0), 30));
	ASSERT_TRUE(wait_for(inq(self->srv) == 30));
	ASSERT_EQ(12, write(self->cli, pattern(30), 12));
	ASSERT_TRUE(wait_for(inq(self->srv) == 42));
	ASSERT_EQ(5, read(self->srv, buf, 5));
	EXPECT_EQ(37, inq(self->srv));
	EXPECT_EQ(0, inq(self->cli));
	ASSERT_EQ(37, read(self->srv, buf, 64));
	EXPECT_EQ(0, inq(self->srv));
}

static int outq(int fd)
{
	int n = -1;

	return ioctl(fd, TIOCOUTQ, &n) ? -errno : n;
}

TEST_F(link, outq)
{
	size_t n;

	EXPECT_EQ(0, outq(self->cli));
	n = send_full(self->cli, 0);
	ASSERT_GT(n, 0U);
	EXPECT_GT(outq(self->cli), 0);
	EXPECT_EQ(0, outq(self->srv));
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_TRUE(wait_for(outq(self->cli) == 0));
}

TEST_F(link, names_in_messages)
{
	struct addr a = {.len = sizeof(a.ss)};
	char c;

	ASSERT_EQ(1, write(self->cli, "a", 1));
	ASSERT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
	EXPECT_EQ(1, recvfrom(self->srv, &c, 1, 0, &a.sa, &a.len));
	EXPECT_EQ(0U, a.len);

	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getpeername(self->cli, &a.sa, &a.len));
	if (variant->k.family == AF_UNIX) {
		EXPECT_ERR(EISCONN, sendto(self->cli, "b", 1, 0, &a.sa, a.len));
		EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
	} else {
		EXPECT_EQ(1, sendto(self->cli, "b", 1, 0, &a.sa, a.len));
		EXPECT_TRUE(wait_for(inq(self->srv) == 1));
	}
}

TEST_F(link, trunc_on_receive)
{
	char buf[16] = "----";

	ASSERT_EQ(8, write(self->cli, "abcdefgh", 8));
	ASSERT_TRUE(wait_for(inq(self->srv) == 8));
	EXPECT_EQ(3, recv(self->srv, buf, 3, MSG_TRUNC));
	/* TCP throws the bytes away, AF_UNIX ignores the flag. */
	EXPECT_EQ(0, memcmp(buf, variant->k.family == AF_UNIX ? "abc-" : "----",
			    4));
	EXPECT_EQ(5, inq(self->srv));
	EXPECT_EQ(5, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "defgh", 5));
}

TEST_F(link, trunc_with_null_buffer)
{
	char buf[16];

	if (variant->k.family == AF_UNIX)
		return;
	ASSERT_EQ(8, write(self->cli, "abcdefgh", 8));
	ASSERT_TRUE(wait_for(inq(self->srv) == 8));
	EXPECT_EQ(6, recv(self->srv, NULL, 6, MSG_TRUNC));
	EXPECT_EQ(2, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "gh", 2));
}

TEST_F(link, more_and_cork_keep_order)
{
	bool tcp = variant->k.family != AF_UNIX;
	uint8_t buf[64];

	ASSERT_EQ(4, send(self->cli, pattern(0), 4, MSG_MORE));
	ASSERT_EQ(4, send(self->cli, pattern(4), 4, MSG_MORE));
	ASSERT_EQ(4, send(self->cli, pattern(8), 4, 0));
	ASSERT_TRUE(wait_for(inq(self->srv) == 12));
	ASSERT_EQ(12, read(self->srv, buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 0, 12));
	if (!tcp)
		return;
	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_CORK, 1));
	ASSERT_EQ(4, write(self->cli, pattern(12), 4));
	ASSERT_EQ(4, write(self->cli, pattern(16), 4));
	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_CORK, 0));
	ASSERT_TRUE(wait_for(inq(self->srv) == 8));
	ASSERT_EQ(8, read(self->srv, buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 12, 8));
	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_NODELAY, 1));
	ASSERT_EQ(1, write(self->cli, "n", 1));
	EXPECT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
}

TEST_F(link, mmsg_batches)
{
	struct mmsghdr mm[8] = {0};
	struct iovec iov[8];
	char in[8][4];

	for (int i = 0; i < 8; i++) {
		iov[i].iov_base = (void *)pattern(i * 4);
		iov[i].iov_len = 4;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(8, sendmmsg(self->cli, mm, 8, 0));
	ASSERT_TRUE(wait_for(inq(self->srv) == 32));
	for (int i = 0; i < 8; i++)
		iov[i].iov_base = in[i];
	EXPECT_EQ(8, recvmmsg(self->srv, mm, 8, 0, NULL));
	EXPECT_TRUE(check(in, 0, 32));
	EXPECT_ERR(EAGAIN, recvmmsg(self->srv, mm, 8, MSG_DONTWAIT, NULL));
}

SOCK_TEST_MAIN
