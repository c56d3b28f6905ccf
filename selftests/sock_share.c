// SPDX-License-Identifier: GPL-2.0-only
/*
 * One end in many hands: threads, dup, fork, exec, and a process that got the
 * descriptor in a message and knows of no door.
 */
#include "sock_test.h"

#define RECORD 64
#define RECORDS 1500

/* Records of one repeated byte; whole records must arrive whole. */
static ssize_t write_records(struct bg *bg)
{
	char rec[RECORD];

	memset(rec, bg->flags, sizeof(rec));
	for (int i = 0; i < RECORDS; i++) {
		if (write(bg->fd, rec, sizeof(rec)) != sizeof(rec))
			return -1;
	}
	return 0;
}

TEST_F(link, two_writers_keep_records_whole)
{
	struct bg bg[2] = {
		{.fn = write_records, .fd = self->cli, .flags = 'A'},
		{.fn = write_records, .fd = self->cli, .flags = 'B'}};
	int seen[2] = {0};
	char rec[RECORD];

	bg_start(&bg[0]);
	bg_start(&bg[1]);
	for (int i = 0; i < 2 * RECORDS; i++) {
		ASSERT_EQ(RECORD,
			  recv(self->srv, rec, sizeof(rec), MSG_WAITALL));
		ASSERT_TRUE(rec[0] == 'A' || rec[0] == 'B');
		for (int j = 1; j < RECORD; j++)
			ASSERT_EQ(rec[0], rec[j]);
		seen[rec[0] - 'A']++;
	}
	for (int i = 0; i < 2; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(0, bg[i].ret);
		EXPECT_EQ(RECORDS, seen[i]);
	}
	EXPECT_EQ(0, inq(self->srv));
}

/* Sums what it reads until the end. */
static ssize_t read_sum(struct bg *bg)
{
	uint8_t buf[300];
	ssize_t n;

	while ((n = read(bg->fd, buf, sizeof(buf))) > 0) {
		bg->len += n;
		for (ssize_t i = 0; i < n; i++)
			bg->flags += buf[i];
	}
	return n;
}

TEST_F(link, two_readers_share_the_bytes)
{
	struct bg bg[2] = {{.fn = read_sum, .fd = self->srv},
			   {.fn = read_sum, .fd = self->srv}};
	size_t len = 300000;
	int sum = 0;

	bg_start_asleep(&bg[0]);
	bg_start_asleep(&bg[1]);
	ASSERT_TRUE(send_all(self->cli, 0, len));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	bg_join(&bg[0]);
	bg_join(&bg[1]);
	for (size_t i = 0; i < len; i++)
		sum += *pattern(i);
	EXPECT_EQ(0, bg[0].ret);
	EXPECT_EQ(0, bg[1].ret);
	EXPECT_EQ(len, bg[0].len + bg[1].len);
	EXPECT_EQ(sum, bg[0].flags + bg[1].flags);
}

TEST_F(link, two_sleepers_one_byte_each)
{
	char buf[2] = {0};
	struct bg bg[2] = {
		{.fn = bg_recv, .fd = self->srv, .buf = &buf[0], .len = 1},
		{.fn = bg_recv, .fd = self->srv, .buf = &buf[1], .len = 1}};

	bg_start_asleep(&bg[0]);
	bg_start_asleep(&bg[1]);
	ASSERT_EQ(2, write(self->cli, "xy", 2));
	bg_join(&bg[0]);
	bg_join(&bg[1]);
	EXPECT_EQ(1, bg[0].ret);
	EXPECT_EQ(1, bg[1].ret);
	EXPECT_EQ('x' + 'y', buf[0] + buf[1]);
}

TEST_F(link, dup_is_the_same)
{
	int d = dup(self->cli), e = fcntl(self->srv, F_DUPFD_CLOEXEC, 100);
	char c;

	ASSERT_EQ(1, write(d, "a", 1));
	ASSERT_EQ(1, read(e, &c, 1));
	ASSERT_TRUE(set_nonblock(d, true));
	EXPECT_ERR(EAGAIN, read(self->cli, &c, 1));
	close(self->cli);
	ASSERT_EQ(1, write(e, "b", 1));
	EXPECT_EQ(POLLIN, poll_mask(d, POLLIN, WAIT_MS));
	EXPECT_EQ(1, read(d, &c, 1));
	self->cli = d;
	ASSERT_EQ(self->srv, dup2(e, self->srv));
	close(e);
	ASSERT_EQ(1, write(self->srv, "c", 1));
	EXPECT_EQ(POLLIN, poll_mask(d, POLLIN, WAIT_MS));
}

static int reap(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

TEST_F(link, fork_and_both_use_it)
{
	struct bg bg = {.fn = write_records, .fd = self->cli, .flags = 'P'};
	char rec[RECORD];
	pid_t pid = fork();
	int kid = 0;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		bg.flags = 'K';
		_exit(write_records(&bg) != 0);
	}
	ASSERT_GT(pid, 0);
	bg_start(&bg);
	for (int i = 0; i < 2 * RECORDS; i++) {
		ASSERT_EQ(RECORD,
			  recv(self->srv, rec, sizeof(rec), MSG_WAITALL));
		for (int j = 1; j < RECORD; j++)
			ASSERT_EQ(rec[0], rec[j]);
		kid += rec[0] == 'K';
	}
	EXPECT_EQ(RECORDS, kid);
	EXPECT_EQ(0, reap(pid));
	bg_join(&bg);
	EXPECT_EQ(0, bg.ret);
	/* The child's exit closes nothing. */
	ASSERT_TRUE(send_all(self->srv, 0, 10));
	EXPECT_TRUE(recv_all(self->cli, 0, 10));
}

TEST_F(link, fork_child_reads_parent_writes)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(self->cli);
		_exit(!recv_all(self->srv, 0, 500000) ||
		      recv(self->srv, &(char){0}, 1, 0) != 0);
	}
	ASSERT_GT(pid, 0);
	close(self->srv);
	ASSERT_TRUE(send_all(self->cli, 0, 500000));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, reap(pid));
}

/* cat(1), which nobody has told of doors, echoes over an inherited socket. */
TEST_F(link, exec_passes_it_on)
{
	static const char *const cat[] = {"cat", NULL};
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(self->srv, 0);
		dup2(self->srv, 1);
		execvp(cat[0], (char **)cat);
		_exit(127);
	}
	ASSERT_GT(pid, 0);
	close(self->srv);
	for (size_t off = 0; off < 40000; off += 4000) {
		ASSERT_TRUE(send_all(self->cli, off, 4000));
		ASSERT_TRUE(recv_all(self->cli, off, 4000));
	}
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
	EXPECT_EQ(0, reap(pid));
}

/* stdio in a child on an inherited end, mixed with system calls here. */
TEST_F(link, stdio_on_it)
{
	FILE *f = fdopen(self->srv, "r+");
	char line[64];

	ASSERT_NE(NULL, f);
	setvbuf(f, NULL, _IOLBF, 0);
	ASSERT_EQ(12, write(self->cli, "one\ntwo\nthre", 12));
	ASSERT_NE(NULL, fgets(line, sizeof(line), f));
	EXPECT_STREQ("one\n", line);
	ASSERT_NE(NULL, fgets(line, sizeof(line), f));
	EXPECT_STREQ("two\n", line);
	ASSERT_EQ(2, write(self->cli, "e\n", 2));
	ASSERT_NE(NULL, fgets(line, sizeof(line), f));
	EXPECT_STREQ("three\n", line);
	/* Switching direction on a FILE needs a seek, which sockets refuse. */
	fseek(f, 0, SEEK_CUR);
	ASSERT_LT(0, fprintf(f, "ok %d\n", 7));
	fflush(f);
	memset(line, 0, sizeof(line));
	ASSERT_EQ(5, read(self->cli, line, sizeof(line)));
	EXPECT_STREQ("ok 7\n", line);
}

static bool send_fd(int sock, int fd)
{
	char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = (void *)"f", .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &m, 0) == 1;
}

static int recv_fd(int sock)
{
	char ctl[CMSG_SPACE(sizeof(int))], c;
	struct iovec iov = {.iov_base = &c, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};
	int fd = -1;

	if (recvmsg(sock, &m, 0) == 1 && CMSG_FIRSTHDR(&m))
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	return fd;
}

TEST_F(link, passed_in_a_message)
{
	int sv[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	pid = fork();
	if (!pid) {
		int fd;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(self->cli);
		close(self->srv);
		fd = recv_fd(sv[1]);
		_exit(!(fd >= 0 && recv_all(fd, 0, 5000) &&
			send_all(fd, 9, 5000)));
	}
	ASSERT_GT(pid, 0);
	ASSERT_TRUE(send_all(self->cli, 0, 2000));
	ASSERT_TRUE(send_fd(sv[0], self->srv));
	close(self->srv);
	ASSERT_TRUE(send_all(self->cli, 2000, 3000));
	EXPECT_TRUE(recv_all(self->cli, 9, 5000));
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
	EXPECT_EQ(0, reap(pid));
}

/* Left in a message nobody reads: dropping the message closes the socket. */
TEST_F(link, lost_in_a_message)
{
	int sv[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sv));
	ASSERT_TRUE(send_fd(sv[0], self->srv));
	close(self->srv);
	ASSERT_TRUE(send_all(self->cli, 0, 1));
	EXPECT_EQ(POLLOUT, poll_mask(self->cli, POLLIN | POLLOUT, 0));
	close(sv[0]);
	close(sv[1]);
	ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLHUP));
	EXPECT_ERR(ECONNRESET, recv(self->cli, &(char){0}, 1, 0));
}

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

TEST_F(link, taken_by_pidfd)
{
	int p = syscall(SYS_pidfd_open, getpid(), 0), fd;

	ASSERT_GE(p, 0);
	fd = syscall(SYS_pidfd_getfd, p, self->srv, 0);
	ASSERT_GE(fd, 0);
	ASSERT_TRUE(send_all(self->cli, 0, 1000));
	EXPECT_TRUE(recv_all(fd, 0, 500));
	EXPECT_TRUE(recv_all(self->srv, 500, 500));
	close(fd);
	ASSERT_TRUE(send_all(self->srv, 0, 10));
	EXPECT_TRUE(recv_all(self->cli, 0, 10));
}

/* Threads that toggle everything at once; the stream must survive it. */
static ssize_t nag(struct bg *bg)
{
	for (int i = 0; i < 300; i++) {
		poll_mask(bg->fd, POLL_ALL, 0);
		inq(bg->fd);
		recv(bg->fd, bg->buf, 16, MSG_PEEK | MSG_DONTWAIT);
		setopt_int(bg->fd, SOL_SOCKET, SO_RCVLOWAT, 1);
		getopt_int(bg->fd, SOL_SOCKET, SO_ERROR);
		sock_info(bg->fd, NULL);
	}
	return 0;
}

static ssize_t bg_send_stream(struct bg *bg)
{
	return send_all(bg->fd, 0, bg->len);
}

TEST_F(link, onlookers_do_no_harm)
{
	char junk[2][16];
	struct bg bg[3] = {
		{.fn = nag, .fd = self->srv, .buf = junk[0]},
		{.fn = nag, .fd = self->cli, .buf = junk[1]},
		{.fn = bg_send_stream, .fd = self->cli, .len = 2 << 20}};

	for (int i = 0; i < 3; i++)
		bg_start(&bg[i]);
	EXPECT_TRUE(recv_all(self->srv, 0, bg[2].len));
	for (int i = 0; i < 3; i++)
		bg_join(&bg[i]);
	EXPECT_EQ(1, bg[2].ret);
}

/* Reads so much, or up to the end; how much it was. */
static size_t read_much(int fd, size_t size)
{
	static char buf[65536];
	size_t all = 0;
	ssize_t n;

	while (all < size && (n = recv(fd, buf, sizeof(buf), 0)) > 0)
		all += n;
	return all;
}

/* A thread that waits for room with MSG_ZEROCOPY keeps no other up. */
TEST_F(link_tcp, beside_a_zerocopy_sender)
{
	size_t size = 20 << 20, all;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct bg zc = {.fn = bg_send,
			.fd = self->cli,
			.buf = mem,
			.len = size,
			.flags = MSG_ZEROCOPY};
	struct bg now = {.fn = bg_send,
			 .fd = self->cli,
			 .buf = mem,
			 .len = 1000,
			 .flags = MSG_DONTWAIT};
	struct bg end = {.fn = bg_shutdown, .fd = self->cli};

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_TRUE(send_all(self->cli, 0, 3000));
	bg_start_asleep(&zc);
	bg_start(&now);
	bg_join(&now);
	EXPECT_TRUE(now.ret < 0 ? now.err == EAGAIN : now.ret == 1000);
	/* More than was there when the other thread sent. */
	all = read_much(self->srv, 12 << 20);
	EXPECT_GE(all, 12UL << 20);
	bg_start(&end);
	bg_join(&end);
	EXPECT_EQ(0, end.ret);
	bg_join(&zc);
	EXPECT_GT(zc.ret, 0);
	all += read_much(self->srv, SIZE_MAX);
	EXPECT_EQ(3000 + zc.ret + (now.ret > 0 ? now.ret : 0), (ssize_t)all);
	munmap(mem, size);
}

/* What is sent beside it and after it comes out where it was sent. */
TEST_F(link_tcp, after_a_zerocopy_sender)
{
	size_t size = 2 << 20;
	uint8_t *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bg zc = {.fn = bg_send,
			.fd = self->cli,
			.buf = mem,
			.len = size,
			.flags = MSG_ZEROCOPY};

	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	for (size_t off = 0, i = 0; i < 3; i++, off += size + 5000) {
		fill(mem, off, size);
		bg_start(&zc);
		ASSERT_TRUE(recv_all(self->srv, off, size));
		bg_join(&zc);
		ASSERT_EQ((ssize_t)size, zc.ret);
		ASSERT_TRUE(send_all(self->cli, off + size, 5000));
		ASSERT_TRUE(recv_all(self->srv, off + size, 5000));
	}
	munmap(mem, size);
}

SOCK_TEST_MAIN
