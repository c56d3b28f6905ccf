// SPDX-License-Identifier: GPL-2.0-only
/* splice, sendfile, vmsplice and tee, from and to a socket. */
#include "sock_test.h"

#include <sys/sendfile.h>
#include <sys/stat.h>

/* KiB of memory that the machine has to give. */
static long mem_available(void)
{
	return number_in("/proc/meminfo", "MemAvailable: %ld");
}

/* An unlinked file that holds stream bytes [0, len). */
static int data_file(size_t len)
{
	int fd = memfd_create("data", MFD_CLOEXEC);

	for (size_t off = 0; off < len;) {
		size_t n = len - off < 32768 ? len - off : 32768;

		if (write(fd, pattern(off), n) != (ssize_t)n)
			return -1;
		off += n;
	}
	return lseek(fd, 0, SEEK_SET) ? -1 : fd;
}

static bool check_file(int fd, size_t len)
{
	uint8_t *m = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	bool ok = m != MAP_FAILED && check(m, 0, len);

	if (m != MAP_FAILED)
		munmap(m, len);
	return ok;
}

static ssize_t bg_recv_stream(struct bg *bg)
{
	return recv_all(bg->fd, 0, bg->len);
}

static ssize_t bg_send_stream(struct bg *bg)
{
	return send_all(bg->fd, 0, bg->len);
}

TEST_F(link, sendfile_megabyte)
{
	size_t len = 1 << 20, done = 0;
	int fd = data_file(len);
	struct bg bg = {.fn = bg_recv_stream, .fd = self->srv, .len = len};

	ASSERT_GE(fd, 0);
	bg_start(&bg);
	while (done < len) {
		ssize_t n = sendfile(self->cli, fd, NULL, len - done);

		ASSERT_GT(n, 0);
		done += n;
	}
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
	EXPECT_EQ(0, sendfile(self->cli, fd, NULL, 10));
}

TEST_F(link, sendfile_between_writes)
{
	int fd = data_file(20000);
	off_t off = 5000;

	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_EQ(7000, sendfile(self->cli, fd, &off, 7000));
	EXPECT_EQ(12000, off);
	ASSERT_TRUE(send_all(self->cli, 12000, 3000));
	ASSERT_EQ(8000, sendfile(self->cli, fd, &off, 9000));
	ASSERT_TRUE(send_all(self->cli, 20000, 1000));
	EXPECT_TRUE(recv_all(self->srv, 0, 15000));
	/* sendfile() went on at 12000, after the bytes just written. */
	EXPECT_TRUE(recv_all(self->srv, 12000, 9000));
}

TEST_F(link, sendfile_does_not_block)
{
	size_t len = 32 << 20, done = 0;
	int fd = memfd_create("big", MFD_CLOEXEC);
	ssize_t n;

	ASSERT_EQ(0, ftruncate(fd, len));
	ASSERT_TRUE(set_nonblock(self->cli, true));
	while ((n = sendfile(self->cli, fd, NULL, len)) > 0)
		done += n;
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_GT(done, 0U);
	EXPECT_LT(done, len);
}

TEST_F(link, sendfile_to_the_dead)
{
	int fd = data_file(1000);

	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_ERR(EPIPE, sendfile(self->cli, fd, NULL, 100));
}

TEST_F(link, splice_socket_to_file)
{
	size_t len = 300000, done = 0;
	struct bg bg = {.fn = bg_send_stream, .fd = self->cli, .len = len};
	int fd = memfd_create("out", MFD_CLOEXEC), p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	bg_start(&bg);
	while (done < len) {
		ssize_t n = splice(self->srv, NULL, p[1], NULL, 30000,
				   SPLICE_F_MOVE);

		ASSERT_GT(n, 0);
		for (ssize_t m = 0, r; m < n; m += r) {
			r = splice(p[0], NULL, fd, NULL, n - m, 0);
			ASSERT_GT(r, 0);
		}
		done += n;
	}
	bg_join(&bg);
	EXPECT_TRUE(check_file(fd, len));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, splice(self->srv, NULL, p[1], NULL, 100, 0));
}

TEST_F(link, splice_file_to_socket)
{
	size_t len = 300000, done = 0;
	struct bg bg = {.fn = bg_recv_stream, .fd = self->srv, .len = len};
	int fd = data_file(len), p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	bg_start(&bg);
	while (done < len) {
		ssize_t n = splice(fd, NULL, p[1], NULL, 50000, 0);

		ASSERT_GT(n, 0);
		for (ssize_t m = 0, r; m < n; m += r) {
			r = splice(p[0], NULL, self->cli, NULL, n - m,
				   SPLICE_F_MORE);
			ASSERT_GT(r, 0);
		}
		done += n;
	}
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
}

static ssize_t bg_splice_in(struct bg *bg)
{
	return splice(bg->fd, NULL, bg->flags, NULL, bg->len, 0);
}

TEST_F(link, splice_blocks_until_data)
{
	struct bg bg = {.fn = bg_splice_in, .fd = self->srv, .len = 100};
	uint8_t buf[100];
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	bg.flags = p[1];
	bg_start_asleep(&bg);
	ASSERT_TRUE(send_all(self->cli, 0, 60));
	bg_join(&bg);
	EXPECT_EQ(60, bg.ret);
	EXPECT_EQ(60, read(p[0], buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 0, 60));
}

TEST_F(link, splice_nonblocking)
{
	uint8_t buf[100];
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	/* On TCP this flag speaks of the pipe only and the call would sleep. */
	if (variant->k.family == AF_UNIX) {
		EXPECT_ERR(EAGAIN, splice(self->srv, NULL, p[1], NULL, 100,
					  SPLICE_F_NONBLOCK));
	}
	ASSERT_TRUE(set_nonblock(self->srv, true));
	EXPECT_ERR(EAGAIN, splice(self->srv, NULL, p[1], NULL, 100, 0));
	ASSERT_TRUE(send_all(self->cli, 0, 80));
	ASSERT_TRUE(wait_for(inq(self->srv) == 80));
	EXPECT_EQ(50, splice(self->srv, NULL, p[1], NULL, 50, 0));
	EXPECT_EQ(30, inq(self->srv));
	EXPECT_EQ(30, read(self->srv, buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 50, 30));
	EXPECT_EQ(50, read(p[0], buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 0, 50));
}

static atomic_int left;

static ssize_t bg_splice(struct bg *bg)
{
	int p[2];
	char c;

	if (pipe2(p, O_CLOEXEC))
		return -1;
	while (left > 0) {
		if (splice(bg->fd, NULL, p[1], NULL, 1, SPLICE_F_NONBLOCK) ==
		    1) {
			left--;
			if (read(p[0], &c, 1) != 1)
				return -1;
		} else if (errno != EAGAIN) {
			return -1;
		}
	}
	return 0;
}

/* What was there may have gone to another thread: no reason to wait. */
TEST_F(link_unix, splice_nonblocking_beside_another)
{
	struct bg a = {.fn = bg_splice, .fd = self->srv}, b = a;

	left = 3000;
	bg_start(&a);
	bg_start(&b);
	for (int i = 0; i < 3000; i++)
		ASSERT_EQ(1, send(self->cli, "x", 1, 0));
	bg_join(&a);
	bg_join(&b);
	EXPECT_EQ(0, a.ret);
	EXPECT_EQ(0, b.ret);
}

/*
 * How much must have come (SO_RCVLOWAT) makes AF_UNIX wait, unless it is told
 * not to; TCP's splice does not ask.
 */
TEST_F(link, splice_takes_what_is_there)
{
	int flags = variant->k.family == AF_UNIX ? SPLICE_F_NONBLOCK : 0;
	struct bg bg = {.fn = bg_splice_in, .fd = self->srv, .len = 100};
	uint8_t buf[100];
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT, 50));
	ASSERT_TRUE(send_all(self->cli, 0, 20));
	ASSERT_TRUE(wait_for(inq(self->srv) == 20));
	EXPECT_EQ(20, splice(self->srv, NULL, p[1], NULL, 100, flags));
	EXPECT_EQ(20, read(p[0], buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 0, 20));
	if (variant->k.family != AF_UNIX)
		return;
	bg.flags = p[1];
	ASSERT_TRUE(send_all(self->cli, 20, 20));
	bg_start_asleep(&bg);
	ASSERT_TRUE(send_all(self->cli, 40, 40));
	bg_join(&bg);
	EXPECT_EQ(60, bg.ret);
	EXPECT_EQ(60, read(p[0], buf, sizeof(buf)));
	EXPECT_TRUE(check(buf, 20, 60));
}

/* What does not fit the pipe stays in the socket. */
TEST_F(link, splice_fills_the_pipe)
{
	size_t len = 200000, done = 0;
	struct bg bg = {.fn = bg_send_stream, .fd = self->cli, .len = len};
	uint8_t buf[4096];
	ssize_t n;
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC | O_NONBLOCK));
	ASSERT_LE(4096, fcntl(p[1], F_SETPIPE_SZ, 4 * 4096));
	ASSERT_TRUE(set_nonblock(self->srv, true));
	bg_start(&bg);
	while (done < len) {
		n = splice(self->srv, NULL, p[1], NULL, 100000,
			   SPLICE_F_NONBLOCK);
		/* The one is empty, or the other full. */
		ASSERT_TRUE(n > 0 || errno == EAGAIN);
		n = read(p[0], buf, sizeof(buf));
		ASSERT_TRUE(n > 0 || errno == EAGAIN);
		EXPECT_TRUE(n < 0 || check(buf, done, n));
		done += n < 0 ? 0 : n;
	}
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
}

TEST_F(link, splice_through_a_proxy)
{
	struct pair out;
	size_t len = 200000, done = 0;
	struct bg bg[2] = {{.fn = bg_send_stream, .fd = self->cli, .len = len},
			   {.fn = bg_recv_stream, .len = len}};
	int p[2];

	pair_open(_metadata, &variant->k, &out);
	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	bg[1].fd = out.srv;
	bg_start(&bg[0]);
	bg_start(&bg[1]);
	while (done < len) {
		ssize_t n = splice(self->srv, NULL, p[1], NULL, 65536,
				   SPLICE_F_MOVE);

		ASSERT_GT(n, 0);
		done += n;
		for (ssize_t m = 0, r; m < n; m += r) {
			r = splice(p[0], NULL, out.cli, NULL, n - m, 0);
			ASSERT_GT(r, 0);
		}
	}
	for (int i = 0; i < 2; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(1, bg[i].ret);
	}
	close(out.cli);
	close(out.srv);
}

TEST_F(link, vmsplice_and_tee)
{
	struct iovec iov = {.iov_base = (void *)pattern(0), .iov_len = 5000};
	int a[2], b[2];

	ASSERT_EQ(0, pipe2(a, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(b, O_CLOEXEC));
	ASSERT_EQ(5000, vmsplice(a[1], &iov, 1, 0));
	ASSERT_EQ(5000, tee(a[0], b[1], 5000, 0));
	ASSERT_EQ(5000, splice(a[0], NULL, self->cli, NULL, 5000, 0));
	ASSERT_EQ(5000, splice(b[0], NULL, self->srv, NULL, 5000, 0));
	EXPECT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_TRUE(recv_all(self->cli, 0, 5000));
}

TEST_F(link, spliced_pages_are_not_kept)
{
	int fd = data_file(4096);
	uint8_t *m;

	/* A file changed after sendfile() has been read shows the old bytes. */
	m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, m);
	ASSERT_EQ(4096, sendfile(self->cli, fd, NULL, 4096));
	EXPECT_TRUE(recv_all(self->srv, 0, 4096));
	memset(m, 0, 4096);
	ASSERT_EQ(100, sendfile(self->cli, fd, &(off_t){0}, 100));
	for (int i = 0; i < 100; i++) {
		char c = 1;

		ASSERT_EQ(1, read(self->srv, &c, 1));
		ASSERT_EQ(0, c);
	}
}

/* Pages that were ready for more than came are given back. */
TEST_F(link, splice_little_into_much)
{
	long free = mem_available(), gone = 0;
	char c = 'x';
	int p[2];

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	for (int i = 0; i < 3000; i++) {
		ASSERT_EQ(1, write(self->cli, &c, 1));
		ASSERT_EQ(1, splice(self->srv, NULL, p[1], NULL, 65536, 0));
		ASSERT_EQ(1, read(p[0], &c, 1));
	}
	/* 15 pages each, if they were not. */
	EXPECT_TRUE(wait_for((gone = free - mem_available()) < 90 << 10))
	{
		TH_LOG("%ld KiB less", gone);
	}
	close(p[0]);
	close(p[1]);
}

TEST_F(port, splice_across_accept)
{
	int cli = client_open(_metadata, &variant->k, &self->addr), srv, p[2];
	int fd = memfd_create("out", MFD_CLOEXEC);
	size_t done = 0;

	ASSERT_EQ(0, pipe2(p, O_CLOEXEC));
	ASSERT_TRUE(send_all(cli, 0, 3000));
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 3000, 3000));
	while (done < 6000) {
		ssize_t n = splice(srv, NULL, p[1], NULL, 6000 - done, 0);

		ASSERT_GT(n, 0);
		ASSERT_EQ(n, splice(p[0], NULL, fd, NULL, n, 0));
		done += n;
	}
	EXPECT_TRUE(check_file(fd, 6000));
}

SOCK_TEST_MAIN
