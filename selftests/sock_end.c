// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a connection ends, as the other end sees it. Of a joined one every packet
 * is dropped from the join on: a firewall may have forgotten the connection,
 * because it sees nothing of it. Its end has to get there all the same, and to
 * look like that of a plain connection whose packets arrive.
 */
#include "sock_test.h"

#include <linux/filter.h>

/* Nothing that comes over the network gets through any more. */
static void cut_off(struct __test_metadata *_metadata, int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &nothing};

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
				sizeof(prog)));
}

#define CUT_OFF                                        \
	do {                                           \
		if (kind_joined(&variant->k)) {        \
			cut_off(_metadata, self->cli); \
			cut_off(_metadata, self->srv); \
		}                                      \
		signal(SIGPIPE, SIG_IGN);              \
	} while (0)

#define sees(fd, bits) wait_for((poll_mask(fd, POLL_ALL, 0) & (bits)) == (bits))

TEST_F(link_tcp, half_closed)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLOUT));
	EXPECT_FALSE(poll_mask(self->srv, POLL_ALL, 0) & (POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	/* The other way goes on. */
	ASSERT_TRUE(send_all(self->srv, 0, 3000));
	ASSERT_TRUE(recv_all(self->cli, 0, 3000));
	EXPECT_ERR(EPIPE, send(self->cli, "x", 1, 0));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLIN | POLLRDHUP));
	EXPECT_TRUE(sees(self->cli, POLLHUP | POLLIN | POLLRDHUP));
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
}

TEST_F(link_tcp, who_waits_is_told)
{
	char buf[100];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	CUT_OFF;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	bg_join(&bg);
	EXPECT_EQ(0, bg.ret);
}

TEST_F(link_tcp, closed)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 20000));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	EXPECT_FALSE(poll_mask(self->srv, POLL_ALL, 0) & (POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 20000));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	/* Who sends all the same is told afterwards. */
	EXPECT_EQ(1, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

/* There is nobody to send to, though the descriptor is still open. */
TEST_F(link_tcp, shut_both_ways)
{
	CUT_OFF;
	ASSERT_EQ(0, shutdown(self->cli, SHUT_RDWR));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(1, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->cli, POLLHUP));
	EXPECT_EQ(ECONNRESET, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
}

/* With bytes that nobody has read: a reset. */
TEST_F(link_tcp, closed_unread)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_TRUE(send_all(self->srv, 0, 100));
	ASSERT_TRUE(wait_for(inq(self->cli) == 100));
	ASSERT_TRUE(wait_for(inq(self->srv) == 5000));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_ERR(ECONNRESET, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
}

TEST_F(link_tcp, closed_without_lingering)
{
	struct linger none = {.l_onoff = 1};

	CUT_OFF;
	ASSERT_EQ(0, setsockopt(self->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	EXPECT_EQ(ECONNRESET, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

TEST_F(link_tcp, reset_while_somebody_waits)
{
	struct linger none = {.l_onoff = 1};
	char buf[100];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	CUT_OFF;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, setsockopt(self->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(self->cli);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(link_tcp, a_writer_waits)
{
	struct bg bg = {.fn = bg_send,
			.fd = self->srv,
			.buf = (void *)pattern(0),
			.len = PATTERN_PERIOD};

	CUT_OFF;
	ASSERT_LT(0, send_stuffed(self->srv, 0));
	bg_start_asleep(&bg);
	close(self->cli);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(link_tcp, disconnected)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	CUT_OFF;
	ASSERT_EQ(0, connect(self->cli, &none, sizeof(none)));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	EXPECT_ERR(ECONNRESET, recv(self->srv, &(char){0}, 1, 0));
}

TEST_F(link_tcp, killed)
{
	pid_t pid;

	CUT_OFF;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(self->srv);
		send_all(self->cli, 0, 5000);
		pause();
		_exit(1);
	}
	close(self->cli);
	self->cli = -1;
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

/* Busy, and nobody answers TCP's questions: alive. */
TEST_F(link_tcp, kept_alive)
{
	long long end = now_ms() + 5000;

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, setopt_int(self->srv, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	ASSERT_EQ(0, setopt_int(self->srv, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	ASSERT_EQ(0, setopt_int(self->srv, IPPROTO_TCP, TCP_KEEPCNT, 1));
	CUT_OFF;
	while (now_ms() < end) {
		ASSERT_TRUE(send_all(self->cli, 0, 10));
		ASSERT_TRUE(recv_all(self->srv, 0, 10));
		poll(NULL, 0, 50);
	}
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
}

SOCK_TEST_MAIN
