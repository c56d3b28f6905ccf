// SPDX-License-Identifier: GPL-2.0-only
/* Urgent data: the mark keeps its place among the bytes, and they their order.
 */
#include "sock_test.h"

static int at_mark(int fd)
{
	int v = -1;

	return ioctl(fd, SIOCATMARK, &v) ? -errno : v;
}

#define HAS_PRI(fd) wait_for(poll_mask(fd, POLLPRI, 0) & POLLPRI)

TEST_F(link_tcp, urgent_byte)
{
	char buf[16];

	ASSERT_EQ(2, write(self->cli, "ab", 2));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_EQ(2, write(self->cli, "cd", 2));
	ASSERT_TRUE(HAS_PRI(self->srv));
	EXPECT_EQ(0, at_mark(self->srv));
	EXPECT_EQ(1, recv(self->srv, buf, sizeof(buf), MSG_OOB));
	EXPECT_EQ('!', buf[0]);
	/* A read stops at the mark, then goes on after the urgent byte. */
	EXPECT_EQ(2, read(self->srv, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "ab", 2));
	EXPECT_EQ(1, at_mark(self->srv));
	EXPECT_EQ(POLLIN, poll_mask(self->srv, POLLIN, WAIT_MS));
	EXPECT_EQ(2, read(self->srv, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "cd", 2));
	EXPECT_EQ(0, at_mark(self->srv));
}

TEST_F(link_tcp, urgent_byte_amid_much_data)
{
	size_t n;
	uint8_t c;

	for (int dir = 0; dir < 2; dir++) {
		int from = dir ? self->srv : self->cli;
		int to = dir ? self->cli : self->srv;

		ASSERT_TRUE(send_all(from, 0, 30000));
		ASSERT_EQ(1, send(from, "!", 1, MSG_OOB));
		ASSERT_TRUE(send_all(from, 30000, 30000));
		ASSERT_TRUE(HAS_PRI(to));
		EXPECT_EQ(1, recv(to, &c, 1, MSG_OOB));
		for (n = 0; n < 60000;) {
			uint8_t buf[1000];
			ssize_t r = recv(to, buf, sizeof(buf), 0);

			ASSERT_GT(r, 0);
			ASSERT_TRUE(check(buf, n, r));
			n += r;
			EXPECT_EQ(n == 30000, at_mark(to));
		}
		EXPECT_EQ(60000U, n);
	}
}

TEST_F(link_tcp, urgent_inline)
{
	char buf[16];

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_OOBINLINE, 1));
	ASSERT_EQ(2, write(self->cli, "ab", 2));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_EQ(2, write(self->cli, "cd", 2));
	ASSERT_TRUE(HAS_PRI(self->srv));
	ASSERT_TRUE(wait_for(inq(self->srv) >= 2));
	EXPECT_EQ(2, read(self->srv, buf, sizeof(buf)));
	EXPECT_EQ(1, at_mark(self->srv));
	EXPECT_ERR(EINVAL, recv(self->srv, buf, 1, MSG_OOB));
	EXPECT_TRUE(wait_for(recv(self->srv, buf, 3, MSG_PEEK) == 3));
	EXPECT_EQ(3, read(self->srv, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "!cd", 3));
}

TEST_F(link_tcp, urgent_before_any_data)
{
	char buf[16];

	EXPECT_ERR(EINVAL, recv(self->srv, buf, 1, MSG_OOB));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_TRUE(HAS_PRI(self->srv));
	EXPECT_EQ(1, at_mark(self->srv));
	EXPECT_EQ(1, recv(self->srv, buf, 1, MSG_OOB | MSG_PEEK));
	EXPECT_EQ(1, recv(self->srv, buf, 1, MSG_OOB));
	EXPECT_EQ('!', buf[0]);
	EXPECT_ERR(EINVAL, recv(self->srv, buf, 1, MSG_OOB));
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, 1, MSG_DONTWAIT));
	ASSERT_TRUE(send_all(self->cli, 0, 100));
	EXPECT_TRUE(recv_all(self->srv, 0, 100));
	ASSERT_TRUE(send_all(self->srv, 0, 100));
	EXPECT_TRUE(recv_all(self->cli, 0, 100));
}

TEST_F(link_tcp, urgent_raises_sigurg)
{
	struct timespec ts = {.tv_sec = WAIT_MS / 1000};
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGURG);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &s, NULL));
	ASSERT_EQ(0, fcntl(self->srv, F_SETOWN, getpid()));
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	EXPECT_EQ(SIGURG, sigtimedwait(&s, NULL, &ts));
	EXPECT_TRUE(recv_all(self->srv, 0, 10));
}

TEST_F(link_tcp, urgent_message_with_data)
{
	char buf[16];

	/* The last byte is the urgent one. */
	ASSERT_EQ(3, send(self->cli, "xyz", 3, MSG_OOB));
	ASSERT_TRUE(HAS_PRI(self->srv));
	EXPECT_EQ(1, recv(self->srv, buf, sizeof(buf), MSG_OOB));
	EXPECT_EQ('z', buf[0]);
	EXPECT_EQ(2, read(self->srv, buf, sizeof(buf)));
	EXPECT_EQ(0, memcmp(buf, "xy", 2));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, read(self->srv, buf, sizeof(buf)));
}

TEST_F(link_tcp, urgent_wakes_poller)
{
	struct pollfd p = {.fd = self->srv, .events = POLLPRI};

	EXPECT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	EXPECT_EQ(1, poll(&p, 1, WAIT_MS));
	EXPECT_EQ(POLLPRI, p.revents);
}

TEST_F(link_unix, oob_byte)
{
	char buf[16];

	ASSERT_EQ(2, write(self->cli, "ab", 2));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_EQ(2, write(self->cli, "cd", 2));
	ASSERT_TRUE(HAS_PRI(self->srv));
	EXPECT_EQ(1, recv(self->srv, buf, 1, MSG_OOB));
	EXPECT_EQ('!', buf[0]);
	EXPECT_EQ(2, read(self->srv, buf, 2));
	EXPECT_EQ(0, memcmp(buf, "ab", 2));
	EXPECT_EQ(2, read(self->srv, buf, 2));
	EXPECT_EQ(0, memcmp(buf, "cd", 2));
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, 1, MSG_DONTWAIT));
}

TEST_F(link_unix, oob_then_plain_both_ways)
{
	char buf[16];

	EXPECT_ERR(EINVAL, recv(self->srv, buf, 1, MSG_OOB));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	EXPECT_EQ(1, recv(self->srv, buf, 1, MSG_OOB));
	ASSERT_TRUE(send_all(self->cli, 0, 10000));
	EXPECT_TRUE(recv_all(self->srv, 0, 10000));
	ASSERT_TRUE(send_all(self->srv, 0, 10000));
	EXPECT_TRUE(recv_all(self->cli, 0, 10000));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, read(self->srv, buf, sizeof(buf)));
}

/* AF_UNIX has no queue of errors: asking for it is receiving. */
TEST_F(link_unix, no_error_queue)
{
	char c = 0;
	struct bg bg = {.fn = bg_recv,
			.fd = self->srv,
			.buf = &c,
			.len = 1,
			.flags = MSG_ERRQUEUE};

	ASSERT_EQ(2, write(self->cli, "ab", 2));
	EXPECT_EQ(1, recv(self->srv, &c, 1, MSG_ERRQUEUE | MSG_DONTWAIT));
	EXPECT_EQ('a', c);
	EXPECT_EQ(1, read(self->srv, &c, 1));
	bg_start_asleep(&bg);
	ASSERT_EQ(1, write(self->cli, "c", 1));
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
	EXPECT_EQ('c', c);
}

/* What a receive of up to ten bytes brings, and whether a mark is next then. */
#define EXPECT_BYTES(text, fd, flags)                                    \
	do {                                                             \
		char __b[16] = "";                                       \
		ssize_t __r = recv(fd, __b, 10, (flags) | MSG_DONTWAIT); \
                                                                         \
		EXPECT_EQ((ssize_t)strlen(text), __r);                   \
		EXPECT_STREQ(text, __b);                                 \
	} while (0)

static bool unix_has_urgent(void)
{
	int sv[2], n;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
		return false;
	n = (int)send(sv[0], "!", 1, MSG_OOB);
	close(sv[0]);
	close(sv[1]);
	return n == 1;
}

/* Older kernels do not find, without waiting, what is behind one that was
 * taken. */
static bool unix_reads_past_urgent(void)
{
	char buf[2];
	int fds[2];
	ssize_t n;

	if (!unix_has_urgent() || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
		return false;
	send(fds[0], "!", 1, MSG_OOB);
	send(fds[0], "cd", 2, 0);
	recv(fds[1], buf, 1, MSG_OOB);
	n = recv(fds[1], buf, sizeof(buf), MSG_DONTWAIT);
	close(fds[0]);
	close(fds[1]);
	return n == 2;
}

TEST_F(link_unix, urgent_behind_its_message)
{
	if (!unix_reads_past_urgent())
		SKIP(return, "AF_UNIX does not read past urgent data");
	ASSERT_EQ(5, send(self->cli, "hello", 5, MSG_OOB));
	ASSERT_EQ(5, send(self->cli, "world", 5, 0));
	EXPECT_BYTES("hell", self->srv, 0);
	EXPECT_EQ(1, at_mark(self->srv));
	EXPECT_BYTES("o", self->srv, MSG_OOB);
	EXPECT_BYTES("world", self->srv, 0);
	EXPECT_EQ(0, at_mark(self->srv));
}

TEST_F(link_unix, urgent_amid_data)
{
	if (!unix_reads_past_urgent())
		SKIP(return, "AF_UNIX does not read past urgent data");
	ASSERT_EQ(2, send(self->cli, "ab", 2, 0));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_EQ(2, send(self->cli, "cd", 2, 0));
	EXPECT_BYTES("ab", self->srv, 0);
	EXPECT_BYTES("!", self->srv, MSG_OOB);
	EXPECT_BYTES("cd", self->srv, 0);
}

TEST_F(link_unix, urgent_taken_before_its_mark)
{
	if (!unix_has_urgent())
		SKIP(return, "AF_UNIX has no urgent data");
	ASSERT_EQ(2, send(self->cli, "ab", 2, 0));
	ASSERT_EQ(3, send(self->cli, "cd!", 3, MSG_OOB));
	ASSERT_EQ(2, send(self->cli, "ef", 2, 0));
	EXPECT_BYTES("!", self->srv, MSG_OOB);
	EXPECT_BYTES("abcd", self->srv, 0);
	EXPECT_BYTES("ef", self->srv, 0);
}

TEST_F(link_unix, urgent_inline)
{
	if (!unix_has_urgent())
		SKIP(return, "AF_UNIX has no urgent data");
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_OOBINLINE, 1));
	ASSERT_EQ(2, send(self->cli, "ab", 2, 0));
	ASSERT_EQ(1, send(self->cli, "!", 1, MSG_OOB));
	ASSERT_EQ(2, send(self->cli, "cd", 2, 0));
	EXPECT_BYTES("ab", self->srv, 0);
	EXPECT_EQ(1, at_mark(self->srv));
	EXPECT_BYTES("!cd", self->srv, 0);
}

TEST_F(link_unix, urgent_ends_a_full_receive)
{
	char buf[16];

	if (!unix_has_urgent())
		SKIP(return, "AF_UNIX has no urgent data");
	ASSERT_EQ(5, send(self->cli, "hello", 5, MSG_OOB));
	ASSERT_EQ(5, send(self->cli, "world", 5, 0));
	EXPECT_EQ(4, recv(self->srv, buf, 9, MSG_WAITALL));
}

SOCK_TEST_MAIN
