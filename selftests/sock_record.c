// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_UNIX keeps what one write sends together, up to the size of its messages:
 * never mixed with another's, never cut for want of room, never published by
 * halves. And no sender keeps others waiting while a page of his own is
 * fetched. TCP promises none of this. Where a test counts on sizes, the socket
 * itself is asked for them.
 */
#include "sock_test.h"
#include "stall_test.h"

#define K (&variant->k)

#define WRITERS 4
#define LINES 400

/* A line says who wrote it and how long it is, and ends. */
static size_t make_line(char *line, int writer, int n)
{
	size_t len = 20 + (size_t)(n * 7919 + writer * 104729) % 3000;

	memset(line, 'a' + writer, len);
	memcpy(line, (unsigned short[]){(unsigned short)len}, 2);
	line[2] = (char)('a' + writer);
	line[len - 1] = '\n';
	return len;
}

static int write_lines(int fd, int writer)
{
	char line[4096];

	for (int n = 0; n < LINES; n++) {
		size_t len = make_line(line, writer, n);

		if (write(fd, line, len) != (ssize_t)len)
			return 1;
	}
	return 0;
}

static bool read_exactly(int fd, char *buf, size_t len)
{
	while (len) {
		ssize_t r = read(fd, buf, len);

		if (r <= 0)
			return false;
		buf += r;
		len -= (size_t)r;
	}
	return true;
}

TEST_F_TIMEOUT(link_unix, lines_of_several_writers, 60)
{
	pid_t pid[WRITERS];
	char line[4096];
	int status;

	for (int i = 0; i < WRITERS; i++) {
		pid[i] = fork();
		ASSERT_GE(pid[i], 0);
		if (!pid[i])
			_exit(write_lines(self->cli, i));
	}
	for (int n = 0; n < WRITERS * LINES; n++) {
		unsigned short len;

		ASSERT_TRUE(read_exactly(self->srv, line, 3));
		memcpy(&len, line, 2);
		ASSERT_TRUE(len >= 20 && len < sizeof(line))
		{
			TH_LOG("line %d is torn", n);
		}
		ASSERT_TRUE(read_exactly(self->srv, line + 3, len - 3));
		ASSERT_EQ('\n', line[len - 1]);
		for (size_t i = 3; i < len - 1UL; i++) {
			ASSERT_EQ(line[2], line[i])
			{
				TH_LOG("line %d is mixed at %zu", n, i);
			}
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

/*
 * Without waiting: all of it or EAGAIN, whatever the size of messages and
 * buffer. The least size and the room that is made keep the number of messages
 * that fill it in thousands: where each access is looked at, one takes a
 * millisecond.
 */
TEST_F_TIMEOUT(link_unix, whole_or_not_at_all, 60)
{
	static const size_t sizes[] = {7, 100, 1000, 12000, 30000};
	static char buf[30000];
	size_t in = 0, out = 0;
	ssize_t r;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		for (int full = 0; full < 20;) {
			r = neg(send(self->cli, buf, sizes[i], MSG_DONTWAIT));
			if (r > 0)
				in += (size_t)r;
			if (r == (ssize_t)sizes[i])
				continue;
			ASSERT_EQ(-EAGAIN, r)
			{
				TH_LOG("%zd of %zu bytes", r, sizes[i]);
			}
			full++;
			/* Some room, seldom a multiple of anything. */
			r = recv(self->srv, buf, 100 + sizes[i] / 4 * 3, 0);
			ASSERT_LT(0, r);
			out += (size_t)r;
			ASSERT_TRUE(poll_mask(self->cli, POLLOUT, 0) >= 0);
		}
		while ((r = recv(self->srv, buf, sizeof(buf), MSG_DONTWAIT)) >
		       0)
			out += (size_t)r;
		EXPECT_EQ(in, out);
	}
}

static ssize_t bg_send_records(struct bg *bg)
{
	for (size_t n = 0; n < bg->len; n++)
		if (send(bg->fd, bg->buf, 12000, MSG_NOSIGNAL) != 12000)
			return (ssize_t)n;
	return (ssize_t)bg->len;
}

/* A reader who asks for one message gets one, never the part that came first.
 */
TEST_F_TIMEOUT(link_unix, reader_gets_all_of_one, 60)
{
	static char buf[12000];
	struct bg w = {
		.fn = bg_send_records, .fd = self->cli, .buf = buf, .len = 500};
	static char got[12000];

	bg_start(&w);
	for (int n = 0; n < 500; n++) {
		ASSERT_EQ(12000, recv(self->srv, got, sizeof(got), 0))
		{
			TH_LOG("message %d", n);
		}
	}
	bg_join(&w);
	EXPECT_EQ(500, w.ret);
}

/*
 * A writer that waits for room is interrupted, by a handler that lets it go on:
 * the call goes on, too, and nothing of its message had been sent.
 */
TEST_F(link_unix, interrupted_writer)
{
	static char buf[5000];
	struct bg w = {
		.fn = bg_send, .fd = self->cli, .buf = buf, .len = sizeof(buf)};
	size_t in = 0, out = 0;
	ssize_t r;

	ASSERT_EQ(0, catch_signal(SIGUSR1, SA_RESTART));
	while ((r = send(self->cli, buf, 1234, MSG_DONTWAIT)) > 0) {
		ASSERT_EQ(1234, r);
		in += (size_t)r;
	}
	bg_start_asleep(&w);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, pthread_kill(w.thread, SIGUSR1));
		ASSERT_TRUE(wait_for(task_asleep(w.tid)));
	}
	while (out < in + sizeof(buf)) {
		r = recv(self->srv, buf, sizeof(buf), 0);
		ASSERT_LT(0, r);
		out += (size_t)r;
	}
	bg_join(&w);
	EXPECT_EQ((ssize_t)sizeof(buf), w.ret);
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, 1, MSG_DONTWAIT));
}

/* One sender hangs in a page fault: others send, shut down and close without
 * him. */
TEST_F(link_unix, sender_in_a_page_fault)
{
	struct stall out;
	struct bg w = {.fn = bg_send, .fd = self->cli, .len = 8192};
	static char got[16384];
	ssize_t r;

	ASSERT_TRUE(stall_open(&out, 8192, 4096));
	memcpy(out.mem, pattern(0), 4096);
	w.buf = out.mem;
	bg_start(&w);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	EXPECT_EQ(5, send(self->cli, "hello", 5, MSG_DONTWAIT));
	EXPECT_EQ(5, recv(self->srv, got, sizeof(got), 0));
	EXPECT_EQ(0, memcmp("hello", got, 5));
	EXPECT_ERR(EAGAIN, recv(self->srv, got, 1, MSG_DONTWAIT));
	ASSERT_TRUE(stall_fill(&out, 4096, pattern(4096)));
	bg_join(&w);
	EXPECT_EQ(8192, w.ret);
	r = recv(self->srv, got, sizeof(got), 0);
	EXPECT_EQ(8192, r);
	EXPECT_TRUE(check(got, 0, 8192));
	stall_close(&out);
}

TEST_F(link_unix, shutdown_beside_a_page_fault)
{
	struct stall out;
	struct bg w = {.fn = bg_send, .fd = self->cli, .len = 4096};
	char c;

	ASSERT_TRUE(stall_open(&out, 4096, 0));
	w.buf = out.mem;
	bg_start(&w);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	EXPECT_ERR(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, recv(self->srv, &c, 1, 0));
	ASSERT_TRUE(stall_fill(&out, 0, pattern(0)));
	bg_join(&w);
	/* The socket copies first and looks whether it may then. */
	EXPECT_EQ(-1, w.ret);
	EXPECT_EQ(EPIPE, w.err);
	stall_close(&out);
}

/* Descriptors and credentials go over the socket; its senders do not wait,
 * either. */
TEST_F(link_unix, page_fault_with_credentials)
{
	struct stall out;
	struct bg w = {.fn = bg_send, .fd = self->cli, .len = 4096};
	char got[8192];

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_PASSCRED, 1));
	ASSERT_TRUE(stall_open(&out, 4096, 0));
	w.buf = out.mem;
	bg_start(&w);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	EXPECT_EQ(5, send(self->cli, "hello", 5, MSG_DONTWAIT));
	EXPECT_EQ(5, recv(self->srv, got, sizeof(got), 0));
	ASSERT_TRUE(stall_fill(&out, 0, pattern(0)));
	bg_join(&w);
	EXPECT_EQ(4096, w.ret);
	EXPECT_EQ(4096, recv(self->srv, got, sizeof(got), 0));
	EXPECT_TRUE(check(got, 0, 4096));
	stall_close(&out);
}

/* Memory that is not there at all: an error, and nothing has been sent. */
TEST_F(link_unix, bad_memory)
{
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char c;

	ASSERT_NE(MAP_FAILED, p);
	memset(p, 1, 4096);
	ASSERT_EQ(0, munmap(p + 4096, 4096));
	EXPECT_ERR(EFAULT, send(self->cli, p, 8192, 0));
	EXPECT_ERR(EFAULT, send(self->cli, p + 4096, 1, 0));
	EXPECT_ERR(EAGAIN, recv(self->srv, &c, 1, MSG_DONTWAIT));
	EXPECT_EQ(4096, send(self->cli, p, 4096, 0));
	munmap(p, 4096);
}

/* What has never been touched, or is in a file, is sent like anything else. */
TEST_F_TIMEOUT(link_unix, pages_not_there_yet, 60)
{
	const size_t len = 3 << 20;
	struct bg w = {.fn = bg_send, .fd = self->cli, .len = len};
	int fd = memfd_create("pages", MFD_CLOEXEC);

	ASSERT_GE(fd, 0);
	for (size_t off = 0; off < len; off += 4096)
		ASSERT_EQ(4096, write(fd, pattern(off), 4096));
	w.buf = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, w.buf);
	bg_start(&w);
	EXPECT_TRUE(recv_all(self->srv, 0, len));
	bg_join(&w);
	EXPECT_EQ((ssize_t)len, w.ret);
	close(fd);
}

SOCK_TEST_MAIN
