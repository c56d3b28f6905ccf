// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at random points of a transfer. The survivor reads a true prefix and
 * then the end or a reset, its writes fail, and nobody hangs.
 */
#include "sock_test.h"

#define ROUNDS 6

static unsigned int seed;

/* A point in a transfer: mostly early, sometimes after several buffers. */
static size_t some_bytes(void)
{
	return rand_r(&seed) % (rand_r(&seed) % 4 ? 70000 : 2000000);
}

static void become_child(int close_fd)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(close_fd);
}

static void put_down(struct __test_metadata *_metadata, pid_t pid)
{
	int status;

	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status))
	{
		TH_LOG("the child had ended by itself, status %x", status);
	}
}

/* Reads to the end, which may be EOF or a reset; false if bytes are wrong. */
static bool drain(int fd, size_t off, long *end)
{
	static uint8_t buf[30000];

	for (;;) {
		ssize_t r = recv(fd, buf, sizeof(buf), 0);

		if (r <= 0) {
			*end = r < 0 ? -errno : 0;
			return true;
		}
		if (!check(buf, off, r))
			return false;
		off += r;
	}
}

TEST_F(link, writer_dies)
{
	for (seed = 1; seed <= ROUNDS; seed++) {
		size_t n = some_bytes();
		long end = 1;
		pid_t pid = fork();

		if (!pid) {
			become_child(self->srv);
			send_all(self->cli, 0, SIZE_MAX);
			_exit(1);
		}
		close(self->cli);
		ASSERT_TRUE(recv_all(self->srv, 0, n));
		put_down(_metadata, pid);
		ASSERT_TRUE(drain(self->srv, n, &end));
		EXPECT_EQ(0, end);
		EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
		close(self->srv);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(link, reader_dies)
{
	signal(SIGPIPE, SIG_IGN);
	for (seed = 1; seed <= ROUNDS; seed++) {
		size_t n = some_bytes();
		struct bg bg = {.fn = bg_send,
				.fd = self->cli,
				.buf = (void *)pattern(n),
				.len = PATTERN_PERIOD};
		pid_t pid = fork();

		if (!pid) {
			become_child(self->cli);
			recv_all(self->srv, 0, SIZE_MAX);
			_exit(1);
		}
		close(self->srv);
		ASSERT_TRUE(send_all(self->cli, 0, n));
		bg_start(&bg);
		put_down(_metadata, pid);
		bg_join(&bg);
		/* From here on writing fails, after at most one success. */
		send(self->cli, "x", 1, MSG_NOSIGNAL);
		ASSERT_TRUE(wait_for(poll_mask(self->cli, 0, 0) & POLLHUP));
		send(self->cli, "x", 1, MSG_NOSIGNAL);
		EXPECT_ERR(EPIPE, send(self->cli, "x", 1, MSG_NOSIGNAL));
		close(self->cli);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(link, blocked_reader_sees_writer_die)
{
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = &(char){0}, .len = 1};
	pid_t pid = fork();

	if (!pid) {
		become_child(self->srv);
		pause();
		_exit(1);
	}
	close(self->cli);
	bg_start_asleep(&bg);
	put_down(_metadata, pid);
	bg_join(&bg);
	EXPECT_EQ(0, bg.ret);
}

TEST_F(link, blocked_writer_sees_reader_die)
{
	struct bg bg = {
		.fn = bg_send, .fd = self->cli, .buf = (void *)"x", .len = 1};
	pid_t pid = fork();

	if (!pid) {
		become_child(self->cli);
		pause();
		_exit(1);
	}
	close(self->srv);
	ASSERT_GT(send_stuffed(self->cli, 0), 0U);
	bg_start_asleep(&bg);
	put_down(_metadata, pid);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

/*
 * TCP learns of a reader's death by a packet, which may be late; here it never
 * comes. Nothing that is sent meanwhile may seem to have been taken.
 */
TEST(reset_does_not_come)
{
	const struct kind k = {.family = AF_INET, .srv = true, .cli = true};
	struct bg bg = {.fn = bg_send, .buf = (void *)"x", .len = 1};
	struct pair p;
	pid_t pid;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, loopback(true));
	pair_open(_metadata, &k, &p);
	pid = fork();
	if (!pid) {
		become_child(p.cli);
		pause();
		_exit(1);
	}
	close(p.srv);
	ASSERT_GT(send_stuffed(p.cli, 0), 0U);
	bg.fd = p.cli;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, loopback(false));
	put_down(_metadata, pid);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
	EXPECT_ERR(EPIPE, send(p.cli, "x", 1, MSG_NOSIGNAL));
	EXPECT_EQ(0, recv(p.cli, &(char){0}, 1, 0));
	close(p.cli);
}

TEST_F(link, blocked_reader_dies)
{
	pid_t pid = fork();

	if (!pid) {
		become_child(self->cli);
		recv(self->srv, &(char){0}, 1, 0);
		_exit(1);
	}
	close(self->srv);
	ASSERT_TRUE(wait_for(task_asleep(pid)));
	put_down(_metadata, pid);
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
}

TEST_F(link, blocked_writer_dies)
{
	long end = 1;
	pid_t pid = fork();

	if (!pid) {
		become_child(self->srv);
		send_all(self->cli, 0, SIZE_MAX);
		_exit(1);
	}
	close(self->cli);
	ASSERT_TRUE(wait_for(task_asleep(pid)));
	put_down(_metadata, pid);
	ASSERT_TRUE(drain(self->srv, 0, &end));
	EXPECT_EQ(0, end);
}

static ssize_t bg_send_forever(struct bg *bg)
{
	return send_all(bg->fd, 0, SIZE_MAX);
}

/*
 * Both directions busy in the child, both ends blocked at times; *moved counts
 * what it has received.
 */
static void duplex_child(int fd, int other, _Atomic size_t *moved)
{
	struct bg bg = {.fn = bg_send_forever, .fd = fd};
	pthread_t t;

	become_child(other);
	pthread_create(&t, NULL, bg_main, &bg);
	while (recv_all(fd, *moved, 1000))
		*moved += 1000;
	_exit(1);
}

static _Atomic size_t *shared_counters(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

TEST_F(link, duplex_peer_dies)
{
	for (seed = 1; seed <= ROUNDS; seed++) {
		struct bg bg = {.fn = bg_send_forever, .fd = self->srv};
		size_t n = some_bytes();
		long end = 1;
		pid_t pid = fork();

		if (!pid)
			duplex_child(self->cli, self->srv, shared_counters());
		close(self->cli);
		bg_start(&bg);
		ASSERT_TRUE(recv_all(self->srv, 0, n));
		put_down(_metadata, pid);
		ASSERT_TRUE(drain(self->srv, n, &end));
		EXPECT_TRUE(end == 0 || end == -ECONNRESET)
		{
			TH_LOG("end %ld", end);
		}
		bg_join(&bg);
		EXPECT_EQ(0, bg.ret);
		close(self->srv);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(link, both_die)
{
	_Atomic size_t *moved = shared_counters();

	for (seed = 1; seed <= ROUNDS; seed++) {
		size_t n = some_bytes();
		pid_t a, b;

		moved[0] = 0;
		moved[1] = 0;
		a = fork();
		if (!a)
			duplex_child(self->cli, self->srv, &moved[0]);
		b = fork();
		if (!b)
			duplex_child(self->srv, self->cli, &moved[1]);
		close(self->cli);
		close(self->srv);
		ASSERT_TRUE(wait_for(moved[0] >= n));
		put_down(_metadata, seed % 2 ? a : b);
		/* The other may have seen that and gone. */
		a = seed % 2 ? b : a;
		kill(a, SIGKILL);
		ASSERT_EQ(a, waitpid(a, NULL, 0));
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

/* A process whose threads sleep in both directions exits by itself. */
TEST_F(link, exit_with_sleeping_threads)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct bg bg = {.fn = bg_send_forever, .fd = self->cli};
		struct bg bh = {.fn = bg_recv,
				.fd = self->cli,
				.buf = &(char){0},
				.len = 1};
		pthread_t t[2];

		become_child(self->srv);
		pthread_create(&t[0], NULL, bg_main, &bg);
		pthread_create(&t[1], NULL, bg_main, &bh);
		while (!bg.tid || !bh.tid || !task_asleep(bg.tid) ||
		       !task_asleep(bh.tid))
			sched_yield();
		_exit(0);
	}
	close(self->cli);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(drain(self->srv, 0, &(long){0}));
}

TEST_F(port, client_dies_before_accept)
{
	int srv, cli;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		cli = client_open(_metadata, &variant->k, &self->addr);
		send_all(cli, 0, 3000);
		pause();
		_exit(1);
	}
	ASSERT_EQ(POLLIN, poll_mask(self->lis, POLLIN, WAIT_MS));
	ASSERT_TRUE(wait_for(task_asleep(pid)));
	put_down(_metadata, pid);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	EXPECT_TRUE(recv_all(srv, 0, 3000));
	EXPECT_EQ(0, recv(srv, &(char){0}, 1, 0));
}

TEST_F(port, server_dies_before_accept)
{
	struct addr a;
	int cli, p[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(p));
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		port_open(_metadata, &variant->k, &a);
		if (write(p[1], &a, sizeof(a)) == sizeof(a))
			pause();
		_exit(1);
	}
	ASSERT_EQ((ssize_t)sizeof(a), read(p[0], &a, sizeof(a)));
	cli = client_open(_metadata, &variant->k, &a);
	ASSERT_TRUE(send_all(cli, 0, 100));
	put_down(_metadata, pid);
	ASSERT_TRUE(wait_for(poll_mask(cli, 0, 0) & POLLHUP));
	EXPECT_ERR(ECONNRESET, recv(cli, &(char){0}, 1, 0));
	EXPECT_ERR(EPIPE, send(cli, "a", 1, MSG_NOSIGNAL));
}

SOCK_TEST_MAIN
