// SPDX-License-Identifier: GPL-2.0-only
/* Blocking: timeouts, signals, MSG_WAITALL, SO_RCVLOWAT, and what they return.
 */
#include "sock_test.h"

/* A call that is to sleep, hit by SIGUSR1 while it does. */
static void interrupt(struct __test_metadata *_metadata, struct bg *bg,
		      int flags)
{
	ASSERT_EQ(0, catch_signal(SIGUSR1, flags));
	bg_start_asleep(bg);
	ASSERT_EQ(0, pthread_kill(bg->thread, SIGUSR1));
}

TEST_F(link, recv_interrupted)
{
	char buf[8];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	interrupt(_metadata, &bg, 0);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(1, read(self->srv, buf, sizeof(buf)));
}

TEST_F(link, recv_restarted)
{
	char buf[8];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	interrupt(_metadata, &bg, SA_RESTART);
	ASSERT_EQ(0, pthread_kill(bg.thread, SIGUSR1));
	ASSERT_TRUE(wait_for(task_asleep(bg.tid)));
	ASSERT_EQ(3, write(self->cli, "abc", 3));
	bg_join(&bg);
	EXPECT_EQ(3, bg.ret);
}

TEST_F(link, recv_with_timeout_is_not_restarted)
{
	char buf[8];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	ASSERT_EQ(0, setopt_ms(self->srv, SO_RCVTIMEO, 60000));
	interrupt(_metadata, &bg, SA_RESTART);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);
}

TEST_F(link, recv_timeout)
{
	long long t = now_ms();
	char c;

	ASSERT_EQ(0, setopt_ms(self->srv, SO_RCVTIMEO, TIMEOUT_MS));
	EXPECT_ERR(EAGAIN, recv(self->srv, &c, 1, 0));
	EXPECT_GE(now_ms() - t, TIMEOUT_MS / 2);
	EXPECT_ERR(EAGAIN, read(self->srv, &c, 1));
	ASSERT_EQ(1, write(self->cli, "z", 1));
	EXPECT_EQ(1, recv(self->srv, &c, 1, 0));
	ASSERT_EQ(0, setopt_ms(self->srv, SO_RCVTIMEO, 0));
}

TEST_F(link, send_timeout)
{
	size_t n = send_stuffed(self->cli, 0);
	long long t = now_ms();

	ASSERT_EQ(0, setopt_ms(self->cli, SO_SNDTIMEO, TIMEOUT_MS));
	EXPECT_ERR(EAGAIN, send(self->cli, "x", 1, 0));
	EXPECT_GE(now_ms() - t, TIMEOUT_MS / 2);
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_EQ(1, send(self->cli, pattern(n), 1, 0));
	EXPECT_TRUE(recv_all(self->srv, n, 1));
}

TEST_F(link, send_timeout_counts_what_went)
{
	size_t len = 32 << 20;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ssize_t n;

	ASSERT_NE(MAP_FAILED, m);
	fill(m, 0, 8 << 20);
	ASSERT_EQ(0, setopt_ms(self->cli, SO_SNDTIMEO, TIMEOUT_MS));
	n = send(self->cli, m, len, 0);
	ASSERT_GT(n, 0);
	ASSERT_LT(n, 8 << 20);
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_ERR(EAGAIN, recv(self->srv, m, 1, MSG_DONTWAIT));
}

TEST_F(link, send_interrupted)
{
	size_t n = send_stuffed(self->cli, 0);
	struct bg bg = {
		.fn = bg_send, .fd = self->cli, .buf = (void *)"x", .len = 1};

	ASSERT_GT(n, 0U);
	interrupt(_metadata, &bg, 0);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_ERR(EAGAIN, recv(self->srv, &(char){0}, 1, MSG_DONTWAIT));
}

TEST_F(link, send_restarted)
{
	size_t n = send_stuffed(self->cli, 0);
	struct bg bg = {.fn = bg_send,
			.fd = self->cli,
			.buf = (void *)pattern(n),
			.len = 1};

	interrupt(_metadata, &bg, SA_RESTART);
	ASSERT_TRUE(wait_for(task_asleep(bg.tid)));
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
	EXPECT_TRUE(recv_all(self->srv, n, 1));
}

TEST_F(link, send_interrupted_counts_what_went)
{
	size_t len = 32 << 20;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bg bg = {.fn = bg_send, .fd = self->cli, .buf = m, .len = len};

	ASSERT_NE(MAP_FAILED, m);
	fill(m, 0, 8 << 20);
	interrupt(_metadata, &bg, SA_RESTART);
	bg_join(&bg);
	ASSERT_GT(bg.ret, 0);
	ASSERT_LT(bg.ret, 8 << 20);
	EXPECT_TRUE(recv_all(self->srv, 0, bg.ret));
	EXPECT_ERR(EAGAIN, recv(self->srv, m, 1, MSG_DONTWAIT));
}

TEST_F(link, waitall_waits)
{
	uint8_t buf[3000];
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = buf,
			.len = sizeof(buf),
			.flags = MSG_WAITALL};

	ASSERT_EQ(1000, write(self->cli, pattern(0), 1000));
	bg_start_asleep(&bg);
	ASSERT_EQ(1999, write(self->cli, pattern(1000), 1999));
	ASSERT_TRUE(wait_for(task_asleep(bg.tid)));
	ASSERT_EQ(1, write(self->cli, pattern(2999), 1));
	bg_join(&bg);
	EXPECT_EQ(3000, bg.ret);
	EXPECT_TRUE(check(buf, 0, 3000));
}

TEST_F(link, waitall_larger_than_any_buffer)
{
	size_t len = 12 << 20;
	uint8_t *m = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = m,
			.len = len,
			.flags = MSG_WAITALL};

	ASSERT_NE(MAP_FAILED, m);
	bg_start(&bg);
	EXPECT_TRUE(send_all(self->cli, 0, len));
	bg_join(&bg);
	EXPECT_EQ((ssize_t)len, bg.ret);
	EXPECT_TRUE(check(m, 0, len));
}

TEST_F(link, waitall_ends_at_eof)
{
	uint8_t buf[100];
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = buf,
			.len = sizeof(buf),
			.flags = MSG_WAITALL};

	ASSERT_EQ(40, write(self->cli, pattern(0), 40));
	bg_start_asleep(&bg);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	bg_join(&bg);
	EXPECT_EQ(40, bg.ret);
	EXPECT_EQ(0, recv(self->srv, buf, 1, MSG_WAITALL));
}

TEST_F(link, waitall_interrupted)
{
	uint8_t buf[100];
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = buf,
			.len = sizeof(buf),
			.flags = MSG_WAITALL};

	ASSERT_EQ(40, write(self->cli, pattern(0), 40));
	ASSERT_TRUE(wait_for(inq(self->srv) == 40));
	interrupt(_metadata, &bg, SA_RESTART);
	bg_join(&bg);
	EXPECT_EQ(40, bg.ret);
	EXPECT_TRUE(check(buf, 0, 40));
	interrupt(_metadata, &bg, 0);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);
}

TEST_F(link, waitall_times_out)
{
	uint8_t buf[100];

	ASSERT_EQ(0, setopt_ms(self->srv, SO_RCVTIMEO, TIMEOUT_MS));
	ASSERT_EQ(40, write(self->cli, pattern(0), 40));
	ASSERT_TRUE(wait_for(inq(self->srv) == 40));
	EXPECT_EQ(40, recv(self->srv, buf, sizeof(buf), MSG_WAITALL));
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, sizeof(buf), MSG_WAITALL));
}

TEST_F(link, rcvlowat_blocks_recv)
{
	uint8_t buf[100];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT, 30));
	EXPECT_EQ(30, getopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT));
	ASSERT_EQ(20, write(self->cli, pattern(0), 20));
	bg_start_asleep(&bg);
	ASSERT_EQ(40, write(self->cli, pattern(20), 40));
	bg_join(&bg);
	EXPECT_EQ(60, bg.ret);
	EXPECT_TRUE(check(buf, 0, 60));

	/* A shorter request is content with less; MSG_DONTWAIT with anything.
	 */
	ASSERT_EQ(8, write(self->cli, pattern(60), 8));
	ASSERT_TRUE(wait_for(inq(self->srv) == 8));
	EXPECT_EQ(4, recv(self->srv, buf, 4, 0));
	EXPECT_EQ(4, recv(self->srv, buf, 100, MSG_DONTWAIT));
}

TEST_F(link, rcvlowat_and_eof)
{
	char buf[100];

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT, 50));
	ASSERT_EQ(5, write(self->cli, "short", 5));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(5, recv(self->srv, buf, sizeof(buf), 0));
	EXPECT_EQ(0, recv(self->srv, buf, sizeof(buf), 0));
}

TEST_F(link, rcvlowat_in_poll)
{
	int less = variant->k.family == AF_UNIX ? POLLIN : 0;

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT, 30));
	ASSERT_EQ(20, write(self->cli, pattern(0), 20));
	ASSERT_TRUE(wait_for(inq(self->srv) == 20));
	EXPECT_EQ(less, poll_mask(self->srv, POLLIN, 0));
	ASSERT_EQ(10, write(self->cli, pattern(20), 10));
	EXPECT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
	EXPECT_TRUE(recv_all(self->srv, 0, 30));
	EXPECT_EQ(0, poll_mask(self->srv, POLLIN, 0));
}

TEST_F(link, recvmmsg_timeout_and_waitforone)
{
	struct mmsghdr mm[3] = {0};
	struct iovec iov[3];
	char buf[3][4];

	for (int i = 0; i < 3; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = 4;
		mm[i].msg_hdr.msg_iov = &iov[i];
		mm[i].msg_hdr.msg_iovlen = 1;
	}
	ASSERT_EQ(6, write(self->cli, "abcdef", 6));
	ASSERT_TRUE(wait_for(inq(self->srv) == 6));
	EXPECT_EQ(2, recvmmsg(self->srv, mm, 3, MSG_WAITFORONE, NULL));
	EXPECT_EQ(4U, mm[0].msg_len);
	EXPECT_EQ(2U, mm[1].msg_len);
}

static ssize_t bg_poll(struct bg *bg)
{
	return poll_mask(bg->fd, bg->flags, 60000);
}

TEST_F(link, poll_interrupted)
{
	struct bg bg = {.fn = bg_poll, .fd = self->srv, .flags = POLLIN};

	interrupt(_metadata, &bg, SA_RESTART);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);
}

TEST_F(link, killed_while_blocked)
{
	for (int how = 0; how < 2; how++) {
		int status;
		pid_t pid;

		if (how)
			ASSERT_GT(send_stuffed(self->cli, 0), 0U);
		pid = fork();
		if (!pid) {
			char c = 0;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			/* TCP may find some room after all. */
			while (how && send(self->cli, &c, 1, 0) == 1)
				;
			if (!how)
				recv(self->cli, &c, 1, 0);
			_exit(0);
		}
		ASSERT_GT(pid, 0);
		ASSERT_TRUE(wait_for(task_asleep(pid)));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
}

SOCK_TEST_MAIN
