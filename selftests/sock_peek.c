// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSG_PEEK and SO_PEEK_OFF: looking takes nothing, wherever the bytes lie (in
 * the socket's own queue, sent before accept(), or in the stream).
 */
#include "sock_test.h"

TEST_F(link, peek_takes_nothing)
{
	char buf[16] = "";

	ASSERT_EQ(6, write(self->cli, "abcdef", 6));
	ASSERT_TRUE(wait_for(inq(self->srv) == 6));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(4, recv(self->srv, buf, 4, MSG_PEEK));
		EXPECT_EQ(0, memcmp(buf, "abcd", 4));
	}
	EXPECT_EQ(6, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(6, inq(self->srv));
	EXPECT_EQ(2, recv(self->srv, buf, 2, 0));
	EXPECT_EQ(4, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "cdef", 4));
	EXPECT_EQ(4, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_ERR(EAGAIN,
		   recv(self->srv, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
}

TEST_F(link, peek_blocks_until_data)
{
	char buf[16];
	struct bg bg = {.fn = bg_recv,
			.fd = self->cli,
			.buf = buf,
			.len = sizeof(buf),
			.flags = MSG_PEEK};

	bg_start_asleep(&bg);
	ASSERT_EQ(3, write(self->srv, "one", 3));
	bg_join(&bg);
	EXPECT_EQ(3, bg.ret);
	EXPECT_EQ(3, inq(self->cli));
}

TEST_F(link, peek_at_eof)
{
	char buf[16];

	ASSERT_EQ(3, write(self->cli, "end", 3));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(POLLIN | POLLRDHUP,
		  poll_mask(self->srv, POLLIN | POLLRDHUP, WAIT_MS));
	EXPECT_EQ(3, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(3, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, recv(self->srv, buf, sizeof(buf), 0));
}

/* Bytes that are still on their way are not passed over. */
TEST_F(link_tcp, peek_at_a_gap)
{
	uint8_t buf[300];

	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_EQ(100, send(self->cli, pattern(0), 100, MSG_ZEROCOPY));
	ASSERT_TRUE(wait_for(inq(self->srv) == 100));
	ASSERT_TRUE(cut_off(self->srv));
	ASSERT_EQ(100, send(self->cli, pattern(100), 100, MSG_ZEROCOPY));
	ASSERT_EQ(50, write(self->cli, pattern(200), 50));
	EXPECT_EQ(100, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_TRUE(recv_all(self->srv, 0, 100));
	EXPECT_ERR(EAGAIN,
		   recv(self->srv, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_DETACH_FILTER, 0));
	EXPECT_TRUE(recv_all(self->srv, 100, 150));
}

TEST_F(link, peek_large)
{
	static uint8_t buf[40000];

	ASSERT_TRUE(send_all(self->cli, 0, 30000));
	ASSERT_TRUE(wait_for(inq(self->srv) == 30000));
	EXPECT_EQ(30000, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_TRUE(check(buf, 0, 30000));
	EXPECT_EQ(12345, recv(self->srv, buf, 12345, 0));
	EXPECT_EQ(17655, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_TRUE(check(buf, 12345, 17655));
	EXPECT_TRUE(recv_all(self->srv, 12345, 17655));
}

TEST_F(link, peek_every_position)
{
	uint8_t buf[64];

	/* Cross whatever wrap-around there is, at odd positions. */
	for (size_t off = 0, i = 0; i < 1500; i++) {
		size_t n = 1 + i % 61;

		ASSERT_EQ((ssize_t)n, write(self->cli, pattern(off), n));
		ASSERT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
		ASSERT_EQ((ssize_t)n,
			  recv(self->srv, buf, sizeof(buf), MSG_PEEK));
		ASSERT_TRUE(check(buf, off, n));
		ASSERT_EQ((ssize_t)n, recv(self->srv, buf, sizeof(buf), 0));
		ASSERT_TRUE(check(buf, off, n));
		off += n;
	}
}

TEST_F(link, peek_waitall)
{
	uint8_t buf[200];
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = buf,
			.len = 100,
			.flags = MSG_PEEK | MSG_WAITALL};

	/* AF_UNIX returns what the first look finds, TCP waits for all. */
	if (variant->k.family == AF_UNIX) {
		ASSERT_EQ(100, write(self->cli, pattern(0), 100));
		EXPECT_EQ(100, recv(self->srv, buf, 100, bg.flags));
	} else {
		ASSERT_EQ(60, write(self->cli, pattern(0), 60));
		bg_start_asleep(&bg);
		ASSERT_EQ(60, write(self->cli, pattern(60), 60));
		bg_join(&bg);
		EXPECT_EQ(100, bg.ret);
		EXPECT_EQ(120, inq(self->srv));
	}
	EXPECT_TRUE(check(buf, 0, 100));
}

TEST_F(link, peek_with_trunc)
{
	char buf[16] = "----------";

	ASSERT_EQ(8, write(self->cli, "abcdefgh", 8));
	ASSERT_TRUE(wait_for(inq(self->srv) == 8));
	EXPECT_EQ(5, recv(self->srv, buf, 5, MSG_PEEK | MSG_TRUNC));
	EXPECT_EQ(0,
		  memcmp(buf, variant->k.family == AF_UNIX ? "abcde" : "-----",
			 5));
	EXPECT_EQ(8, inq(self->srv));
	EXPECT_EQ(8, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "abcdefgh", 8));
}

/* Part of the stream is sent before accept(), part after it. */
TEST_F(port, peek_across_accept)
{
	int cli = client_open(_metadata, &variant->k, &self->addr), srv;
	static uint8_t buf[4096];

	ASSERT_TRUE(send_all(cli, 0, 1000));
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(wait_for(inq(srv) == 1000));
	EXPECT_EQ(500, recv(srv, buf, 500, MSG_PEEK));
	ASSERT_TRUE(send_all(cli, 1000, 1000));
	ASSERT_TRUE(wait_for(inq(srv) == 2000));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(2000, recv(srv, buf, sizeof(buf), MSG_PEEK));
		EXPECT_TRUE(check(buf, 0, 2000));
	}
	EXPECT_EQ(990, recv(srv, buf, 990, 0));
	EXPECT_TRUE(check(buf, 0, 990));
	EXPECT_EQ(20, recv(srv, buf, 20, MSG_PEEK));
	EXPECT_TRUE(check(buf, 990, 20));
	EXPECT_EQ(1010, recv(srv, buf, sizeof(buf), 0));
	EXPECT_TRUE(check(buf, 990, 1010));
	close(cli);
	close(srv);
}

/* TCP knows SO_PEEK_OFF since 6.9 only; where it is, it works the same. */
static bool set_peek_off(struct __test_metadata *_metadata,
			 const struct kind *k, int fd, int off)
{
	long r = neg(setopt_int(fd, SOL_SOCKET, SO_PEEK_OFF, off));

	if (r == -EOPNOTSUPP && k->family != AF_UNIX)
		return false;
	EXPECT_EQ(0, r);
	return true;
}

TEST_F(link, peek_off_walks)
{
	char buf[16];

	if (!set_peek_off(_metadata, &variant->k, self->srv, 0))
		return;
	ASSERT_EQ(10, write(self->cli, "0123456789", 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	EXPECT_EQ(4, recv(self->srv, buf, 4, MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "0123", 4));
	EXPECT_EQ(4, getopt_int(self->srv, SOL_SOCKET, SO_PEEK_OFF));
	EXPECT_EQ(4, recv(self->srv, buf, 4, MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "4567", 4));
	EXPECT_EQ(3, recv(self->srv, buf, 3, 0));
	EXPECT_EQ(0, memcmp(buf, "012", 3));
	EXPECT_EQ(5, getopt_int(self->srv, SOL_SOCKET, SO_PEEK_OFF));
	EXPECT_EQ(2, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "89", 2));
	EXPECT_ERR(EAGAIN,
		   recv(self->srv, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT));
	EXPECT_EQ(7, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_PEEK_OFF));
}

TEST_F(link, peek_off_set_and_unset)
{
	char buf[16];

	ASSERT_EQ(10, write(self->cli, "0123456789", 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	if (!set_peek_off(_metadata, &variant->k, self->srv, 6))
		return;
	EXPECT_EQ(3, recv(self->srv, buf, 3, MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "678", 3));
	EXPECT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PEEK_OFF, -1));
	EXPECT_EQ(10, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "0123456789", 10));
	EXPECT_EQ(10, recv(self->srv, buf, sizeof(buf), MSG_PEEK));
}

/* What is taken moves the offset once, whichever ways it came. */
TEST_F(port, peek_off_across_accept)
{
	int cli = client_open(_metadata, &variant->k, &self->addr), srv;
	char buf[16];

	ASSERT_EQ(5, write(cli, "01234", 5));
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(wait_for(inq(srv) == 5));
	ASSERT_EQ(5, write(cli, "56789", 5));
	ASSERT_TRUE(wait_for(inq(srv) == 10));
	if (!set_peek_off(_metadata, &variant->k, srv, 0))
		return;
	EXPECT_EQ(8, recv(srv, buf, 8, MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "01234567", 8));
	EXPECT_EQ(6, recv(srv, buf, 6, 0));
	EXPECT_EQ(0, memcmp(buf, "012345", 6));
	EXPECT_EQ(2, getopt_int(srv, SOL_SOCKET, SO_PEEK_OFF));
	EXPECT_EQ(2, recv(srv, buf, sizeof(buf), MSG_PEEK));
	EXPECT_EQ(0, memcmp(buf, "89", 2));
	EXPECT_EQ(4, recv(srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp(buf, "6789", 4));
	close(cli);
	close(srv);
}

SOCK_TEST_MAIN
