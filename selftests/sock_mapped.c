// SPDX-License-Identifier: GPL-2.0-only
/*
 * Zero-copy receive: TCP maps what it can of a socket's own data into the
 * program, and says how much of the rest is to be received. The order of the
 * bytes is the same, wherever they lie.
 */
#include "sock_test.h"

#include "stall_test.h"

#define ROOM (1 << 16)

/* As of Linux 4.18, so much of it as any kernel has. */
struct zc_receive {
	uint64_t address;
	uint32_t length;
	uint32_t recv_skip_hint;
};

/* One attempt at stream bytes from @off on: how many have come, or -errno. */
static long take(int fd, char *map, size_t off)
{
	struct zc_receive zc = {.address = (uintptr_t)map, .length = ROOM};
	socklen_t len = sizeof(zc);

	if (getsockopt(fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len))
		return -errno;
	if (!check(map, off, zc.length))
		return -EBADMSG;
	off += zc.length;
	if (!recv_all(fd, off, zc.recv_skip_hint))
		return -EBADMSG;
	return zc.length + zc.recv_skip_hint;
}

/* As programs do it: all that is received by recv() is what they are told to.
 */
static long take_all(int fd, char *map, size_t off, size_t end)
{
	long long deadline = now_ms() + WAIT_MS;
	long n;

	while (off < end) {
		if (!(poll_mask(fd, POLLIN, WAIT_MS) & POLLIN) ||
		    now_ms() > deadline)
			return -ETIMEDOUT;
		n = take(fd, map, off);
		if (n < 0)
			return n;
		off += n;
	}
	return 0;
}

/* A pipe's pages belong to nobody else: such can be mapped. */
static bool send_pages(int fd, size_t off, size_t len)
{
	int p[2];
	bool ok = !pipe2(p, O_CLOEXEC) &&
		  write(p[1], pattern(off), len) == (ssize_t)len &&
		  splice(p[0], NULL, fd, NULL, len, 0) == (ssize_t)len;

	close(p[0]);
	close(p[1]);
	return ok;
}

TEST_F(link_tcp, mapped)
{
	size_t off = 1000, len = ROOM / 2;
	char *map;

	/* This has come before anybody knew that it would be mapped. */
	ASSERT_TRUE(send_all(self->cli, 0, off));
	ASSERT_TRUE(wait_for(inq(self->srv) == (int)off));
	map = mmap(NULL, ROOM, PROT_READ, MAP_SHARED, self->srv, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_TRUE(send_pages(self->cli, off, len));
	ASSERT_TRUE(wait_for(inq(self->srv) == (int)(off + len)));
	EXPECT_EQ(0, take_all(self->srv, map, 0, off + len));
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(send_pages(self->cli, 0, len));
		ASSERT_EQ(0, take_all(self->srv, map, 0, len));
	}
	/* And the other way, and without. */
	ASSERT_TRUE(send_all(self->srv, 0, 5000));
	EXPECT_TRUE(recv_all(self->cli, 0, 5000));
	EXPECT_EQ(0, take(self->srv, map, 0));
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	EXPECT_TRUE(recv_all(self->srv, 0, 5000));
	/* Behind what came before the end there is nothing to map. */
	ASSERT_TRUE(send_pages(self->cli, 0, len));
	close(self->cli);
	self->cli = -1;
	ASSERT_TRUE(wait_for(inq(self->srv) == (int)len &&
			     poll_mask(self->srv, POLLRDHUP, 0) == POLLRDHUP));
	EXPECT_EQ(0, take_all(self->srv, map, 0, len));
	EXPECT_TRUE(wait_for(take(self->srv, map, 0) == -EIO));
	munmap(map, ROOM);
}

TEST_F(link_tcp, mapped_arguments)
{
	struct zc_receive zc = {.address = 1, .length = ROOM};
	socklen_t len = sizeof(zc);

	EXPECT_ERR(EINVAL, getsockopt(self->srv, IPPROTO_TCP,
				      TCP_ZEROCOPY_RECEIVE, &zc, &len));
	len = 8;
	zc.address = 0;
	EXPECT_ERR(EINVAL, getsockopt(self->srv, IPPROTO_TCP,
				      TCP_ZEROCOPY_RECEIVE, &zc, &len));
	len = sizeof(zc);
	EXPECT_ERR(EFAULT, getsockopt(self->srv, IPPROTO_TCP,
				      TCP_ZEROCOPY_RECEIVE, NULL, &len));
	EXPECT_ERR(EPERM, (long)mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
				     MAP_SHARED, self->srv, 0));
}

/* From a program of the future: what is not known here has to be nothing. */
TEST_F(link_tcp, mapped_with_more_arguments)
{
	struct zc_receive zc[8] = {0};
	socklen_t len = sizeof(zc);

	EXPECT_EQ(0, getsockopt(self->srv, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE,
				zc, &len));
	EXPECT_GT(sizeof(zc), len);
	EXPECT_LE(sizeof(*zc), len);
	len = sizeof(zc);
	zc[7].recv_skip_hint = 1;
	EXPECT_ERR(EINVAL, getsockopt(self->srv, IPPROTO_TCP,
				      TCP_ZEROCOPY_RECEIVE, zc, &len));
}

static ssize_t bg_take(struct bg *bg)
{
	socklen_t len = sizeof(struct zc_receive);

	return getsockopt(bg->fd, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, bg->buf,
			  &len);
}

/* Whoever hangs with his arguments keeps nobody from anything. */
TEST_F(link_tcp, mapped_from_a_page_fault)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct bg bg = {.fn = bg_take, .fd = self->srv, .ret = 1};
	struct zc_receive zc[STALL_PAGE / sizeof(struct zc_receive)] = {0};
	struct stall args;

	ASSERT_TRUE(stall_open(&args, STALL_PAGE, 0));
	bg.buf = args.mem;
	bg_start(&bg);
	ASSERT_TRUE(stall_hit(&args, WAIT_MS));
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(send_all(self->cli, i * 1000, 1000));
		ASSERT_TRUE(recv_all(self->srv, i * 1000, 1000));
		ASSERT_TRUE(send_all(self->srv, i * 1000, 1000));
		ASSERT_TRUE(recv_all(self->cli, i * 1000, 1000));
	}
	EXPECT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_EQ(0, connect(self->srv, &none, sizeof(none)));
	EXPECT_EQ(1, bg.ret);
	ASSERT_TRUE(stall_fill(&args, 0, zc));
	bg_join(&bg);
	EXPECT_NE(1, bg.ret);
	stall_close(&args);
}

SOCK_TEST_MAIN
