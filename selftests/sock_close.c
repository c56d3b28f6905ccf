// SPDX-License-Identifier: GPL-2.0-only
/* Ends of a connection: half-close, EOF, reset, EPIPE and SIGPIPE, linger. */
#include "sock_test.h"
#include "stall_test.h"

static char buf[256];

#define IS_UNIX (variant->k.family == AF_UNIX)

/* Reads until the end; the number of bytes, all verified, or -errno. */
static long drain(int fd, size_t off)
{
	size_t n = 0;

	for (;;) {
		ssize_t r = recv(fd, buf, sizeof(buf), 0);

		if (r < 0)
			return -errno;
		if (!r)
			return n;
		if (!check(buf, off + n, r))
			return -EBADMSG;
		n += r;
	}
}

static bool hung_up(int fd)
{
	return poll_mask(fd, POLLRDHUP, WAIT_MS) & POLLRDHUP;
}

TEST_F(link, data_then_eof)
{
	for (int dir = 0; dir < 2; dir++) {
		int from = dir ? self->srv : self->cli;
		int to = dir ? self->cli : self->srv;

		ASSERT_TRUE(send_all(from, 0, 50000));
		ASSERT_EQ(0, shutdown(from, SHUT_WR));
		EXPECT_EQ(50000, drain(to, 0));
		for (int i = 0; i < 3; i++)
			EXPECT_EQ(0, recv(to, buf, sizeof(buf), 0));
		EXPECT_EQ(0, recv(to, buf, sizeof(buf), MSG_DONTWAIT));
		EXPECT_EQ(0, read(to, buf, sizeof(buf)));
	}
}

TEST_F(link, half_closed_peer_answers)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(10, drain(self->srv, 0));
	ASSERT_TRUE(send_all(self->srv, 7, 100000));
	EXPECT_TRUE(recv_all(self->cli, 7, 100000));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_EQ(0, drain(self->cli, 0));
}

TEST_F(link, close_delivers_what_was_sent)
{
	ASSERT_TRUE(send_all(self->cli, 0, 20000));
	close(self->cli);
	EXPECT_EQ(20000, drain(self->srv, 0));
	EXPECT_EQ(0, recv(self->srv, buf, 1, 0));
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
}

TEST_F(link, close_of_full_delivers_all)
{
	size_t n = send_full(self->srv, 0);

	close(self->srv);
	EXPECT_EQ((long)n, drain(self->cli, 0));
}

TEST_F(link, eof_wakes_reader)
{
	for (int how = 0; how < 3; how++) {
		struct bg bg = {
			.fn = bg_recv, .fd = self->srv, .buf = buf, .len = 1};

		bg_start_asleep(&bg);
		if (how == 0)
			shutdown(self->cli, SHUT_WR);
		else if (how == 1)
			close(self->cli);
		else
			shutdown(self->srv, SHUT_RD);
		bg_join(&bg);
		EXPECT_EQ(0, bg.ret);
		close(self->srv);
		if (how != 1)
			close(self->cli);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(link, write_after_own_shutdown)
{
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_ERR(EPIPE, send(self->cli, "a", 1, MSG_NOSIGNAL));
	EXPECT_ERR(EPIPE, send(self->cli, "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
	EXPECT_EQ(0, drain(self->srv, 0));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
}

TEST_F_SIGNAL(link, sigpipe_after_own_shutdown, SIGPIPE)
{
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(-1, write(self->cli, "a", 1));
}

static int pipes;

static void count_pipe(int sig)
{
	(void)sig;
	pipes++;
}

TEST_F(link, write_after_peer_close)
{
	signal(SIGPIPE, count_pipe);
	close(self->srv);
	ASSERT_TRUE(hung_up(self->cli));
	/* The first write on TCP is what makes the peer say that it is gone. */
	if (!IS_UNIX) {
		EXPECT_EQ(1, write(self->cli, "a", 1));
		ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLHUP));
	}
	EXPECT_EQ(0, pipes);
	EXPECT_ERR(EPIPE, write(self->cli, "b", 1));
	EXPECT_EQ(1, pipes);
	EXPECT_ERR(EPIPE, send(self->cli, "b", 1, MSG_NOSIGNAL));
	EXPECT_EQ(1, pipes);
	EXPECT_ERR(EPIPE,
		   writev(self->cli,
			  &(struct iovec){.iov_base = buf, .iov_len = 1}, 1));
	EXPECT_EQ(2, pipes);
	EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
}

TEST_F_SIGNAL(link, sigpipe_after_peer_close, SIGPIPE)
{
	close(self->srv);
	ASSERT_TRUE(hung_up(self->cli));
	if (!IS_UNIX) {
		ASSERT_EQ(1, write(self->cli, "a", 1));
		ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLHUP));
	}
	EXPECT_EQ(-1, write(self->cli, "b", 1));
}

TEST_F(link, sigpipe_ignored)
{
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_ERR(EPIPE, write(self->cli, "a", 1));
}

TEST_F(link, shut_rd)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_RD));
	/* What has arrived can still be read. */
	EXPECT_EQ(10, drain(self->srv, 0));
	if (IS_UNIX) {
		EXPECT_ERR(EPIPE, send(self->cli, "a", 1, MSG_NOSIGNAL));
	} else {
		/* TCP does not tell the peer and goes on receiving. */
		ASSERT_TRUE(send_all(self->cli, 10, 5));
		ASSERT_TRUE(wait_for(inq(self->srv) == 5));
		EXPECT_EQ(5, drain(self->srv, 10));
	}
	EXPECT_TRUE(send_all(self->srv, 0, 10));
	EXPECT_TRUE(recv_all(self->cli, 0, 10));
}

TEST_F(link, shut_rdwr)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(send_all(self->srv, 0, 10));
	ASSERT_TRUE(wait_for(inq(self->cli) == 10 && inq(self->srv) == 10));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_RDWR));
	EXPECT_EQ(10, drain(self->srv, 0));
	EXPECT_EQ(10, drain(self->cli, 0));
	EXPECT_ERR(EPIPE, send(self->cli, "a", 1, MSG_NOSIGNAL));
}

TEST_F(link, shutdown_arguments)
{
	EXPECT_ERR(EINVAL, shutdown(self->cli, 3));
	EXPECT_ERR(EINVAL, shutdown(self->cli, -1));
	EXPECT_TRUE(send_all(self->cli, 0, 3));
	EXPECT_TRUE(recv_all(self->srv, 0, 3));
}

TEST_F(link, unread_data_resets_peer)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	close(self->srv);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLERR));
	EXPECT_ERR(ECONNRESET, recv(self->cli, buf, 1, 0));
	EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
	EXPECT_ERR(EPIPE, send(self->cli, "a", 1, MSG_NOSIGNAL));
}

TEST_F(link, unread_data_resets_after_what_was_sent)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(send_all(self->srv, 0, 20));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10 && inq(self->cli) == 20));
	close(self->srv);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLERR));
	EXPECT_EQ(20, inq(self->cli));
	EXPECT_EQ(20, recv(self->cli, buf, sizeof(buf), 0));
	EXPECT_TRUE(check(buf, 0, 20));
	EXPECT_ERR(ECONNRESET, recv(self->cli, buf, 1, 0));
	EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
}

TEST_F(link, reset_is_in_so_error)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	EXPECT_EQ(0, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	close(self->srv);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLERR));
	EXPECT_EQ(ECONNRESET, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
}

TEST_F(link, write_after_reset)
{
	signal(SIGPIPE, count_pipe);
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_TRUE(wait_for(inq(self->srv) == 10));
	close(self->srv);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLERR));
	if (IS_UNIX) {
		EXPECT_ERR(EPIPE, write(self->cli, "a", 1));
		EXPECT_EQ(1, pipes);
		EXPECT_ERR(ECONNRESET, recv(self->cli, buf, 1, 0));
	} else {
		EXPECT_ERR(ECONNRESET, write(self->cli, "a", 1));
		EXPECT_EQ(0, pipes);
		EXPECT_ERR(EPIPE, write(self->cli, "a", 1));
		EXPECT_EQ(1, pipes);
		EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
	}
}

TEST_F(link, partly_read_data_resets_too)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	EXPECT_TRUE(recv_all(self->srv, 0, 4));
	ASSERT_TRUE(wait_for(inq(self->srv) == 6));
	close(self->srv);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLERR));
	EXPECT_ERR(ECONNRESET, recv(self->cli, buf, 1, 0));
}

TEST_F(link, all_read_does_not_reset)
{
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	EXPECT_TRUE(recv_all(self->srv, 0, 10));
	close(self->srv);
	ASSERT_TRUE(hung_up(self->cli));
	EXPECT_EQ(0, recv(self->cli, buf, 1, 0));
	EXPECT_EQ(0, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
}

TEST_F(link, linger_zero)
{
	struct linger l = {.l_onoff = 1, .l_linger = 0};

	ASSERT_EQ(0,
		  setsockopt(self->srv, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	EXPECT_TRUE(recv_all(self->srv, 0, 10));
	close(self->srv);
	ASSERT_TRUE(hung_up(self->cli));
	EXPECT_ERR(IS_UNIX ? 0 : ECONNRESET, recv(self->cli, buf, 1, 0));
}

TEST_F(link, linger_waits_for_nothing_here)
{
	struct linger l = {.l_onoff = 1, .l_linger = 5};

	ASSERT_EQ(0,
		  setsockopt(self->srv, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	ASSERT_TRUE(send_all(self->srv, 0, 100));
	close(self->srv);
	EXPECT_EQ(100, drain(self->cli, 0));
}

static ssize_t bg_write(struct bg *bg)
{
	return write(bg->fd, bg->buf, bg->len);
}

/* What has gone is told first, the error and the signal with the next call. */
TEST_F(link, write_cut_short)
{
	static char big[32 << 20];

	signal(SIGPIPE, count_pipe);
	for (int own = 0; own < 2; own++) {
		struct bg bg = {.fn = bg_write,
				.fd = self->cli,
				.buf = big,
				.len = sizeof(big)};

		pipes = 0;
		bg_start_asleep(&bg);
		EXPECT_EQ(0, own ? shutdown(self->cli, SHUT_WR)
				 : close(self->srv));
		bg_join(&bg);
		EXPECT_GT(bg.ret, 0);
		EXPECT_LT(bg.ret, (long)sizeof(big));
		EXPECT_EQ(0, pipes);
		if (!own && !IS_UNIX)
			EXPECT_ERR(ECONNRESET, write(self->cli, "a", 1));
		EXPECT_EQ(0, pipes);
		EXPECT_ERR(EPIPE, write(self->cli, "a", 1));
		EXPECT_EQ(1, pipes);
		if (own)
			break;
		close(self->cli);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(link, peer_close_wakes_writer)
{
	struct bg bg = {
		.fn = bg_send, .fd = self->cli, .buf = (void *)"x", .len = 1};

	ASSERT_GT(send_stuffed(self->cli, 0), 0U);
	bg_start_asleep(&bg);
	close(self->srv);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(link, own_shutdown_wakes_writer)
{
	struct bg bg = {
		.fn = bg_send, .fd = self->cli, .buf = (void *)"x", .len = 1};
	size_t n = send_stuffed(self->cli, 0);

	bg_start_asleep(&bg);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EPIPE, bg.err);
	EXPECT_EQ((long)n, drain(self->srv, 0));
}

TEST_F(link, peer_shut_rd_and_writer)
{
	struct bg bg = {
		.fn = bg_send, .fd = self->cli, .buf = (void *)"x", .len = 1};

	if (!IS_UNIX)
		return;
	ASSERT_GT(send_stuffed(self->cli, 0), 0U);
	bg_start_asleep(&bg);
	ASSERT_EQ(0, shutdown(self->srv, SHUT_RD));
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EPIPE, bg.err);
}

/* A fork holds the other copy: closing one is no end, closing both is. */
TEST_F(link, last_close_counts)
{
	int d = dup(self->cli);

	ASSERT_GE(d, 0);
	close(self->cli);
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN | POLLRDHUP, 0));
	ASSERT_TRUE(send_all(d, 0, 5));
	EXPECT_TRUE(recv_all(self->srv, 0, 5));
	close(d);
	EXPECT_EQ(0, drain(self->srv, 0));
}

/* close() in one thread does not disturb recv() in another. */
TEST_F(link, close_under_a_reader)
{
	struct bg bg = {.fn = bg_recv, .fd = self->srv, .buf = buf, .len = 1};

	bg_start_asleep(&bg);
	close(self->srv);
	ASSERT_EQ(1, write(self->cli, "q", 1));
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
	ASSERT_TRUE(hung_up(self->cli));
}

/* What the peer will never read has gone to a socket that is closed. */
TEST_F(link, close_under_a_sender_in_a_page_fault)
{
	struct bg bg = {.fn = bg_send, .fd = self->cli, .len = STALL_PAGE};
	struct stall out;

	ASSERT_TRUE(stall_open(&out, STALL_PAGE, 0));
	bg.buf = out.mem;
	bg_start(&bg);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	close(self->srv);
	self->srv = -1;
	ASSERT_TRUE(stall_fill(&out, 0, pattern(0)));
	bg_join(&bg);
	if (IS_UNIX) {
		EXPECT_EQ(-1, bg.ret);
		EXPECT_EQ(EPIPE, bg.err);
	} else {
		EXPECT_EQ((ssize_t)STALL_PAGE, bg.ret);
		EXPECT_TRUE(poll_mask(self->cli, POLLERR, WAIT_MS) & POLLERR);
		EXPECT_EQ(EPIPE, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	}
	stall_close(&out);
}

TEST_F(port, unconnected_calls)
{
	int fd = client_socket(_metadata, &variant->k, &self->addr);
	bool tcp = variant->k.family != AF_UNIX;

	EXPECT_ERR(tcp ? EPIPE : ENOTCONN, send(fd, "a", 1, MSG_NOSIGNAL));
	EXPECT_ERR(tcp ? ENOTCONN : EINVAL, recv(fd, buf, 1, 0));
	if (tcp)
		EXPECT_ERR(ENOTCONN, shutdown(fd, SHUT_RDWR));
	EXPECT_ERR(tcp ? ENOTCONN : EINVAL, recv(self->lis, buf, 1, 0));
	EXPECT_ERR(tcp ? EPIPE : ENOTCONN,
		   send(self->lis, "a", 1, MSG_NOSIGNAL));
	EXPECT_ERR(EINVAL, accept(fd, NULL, NULL));
	close(fd);
}

SOCK_TEST_MAIN
