// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at any moment of a transfer, many times. The survivor reads all that
 * the victim's send() had taken and then the end, or a true prefix and a reset
 * where a socket would say so; its own sends fail as on a socket; and it hears
 * of it.
 */
#include "sock_test.h"

#include "kill_test.h"

static uint8_t buf[40000];

/* Ends by being killed only. */
static void write_on(int fd, struct score *score)
{
	size_t off = 0;

	for (;;) {
		ssize_t n =
			send(fd, pattern(off), 1 + off % 30000, MSG_NOSIGNAL);

		if (n <= 0)
			pause();
		off += n;
		score->sent = off;
	}
}

static void read_on(int fd, struct score *score)
{
	for (;;) {
		ssize_t n = recv(fd, buf, 1 + score->got % sizeof(buf), 0);

		if (n <= 0 || !check(buf, score->got, n))
			pause();
		score->got += n;
	}
}

static void echo_on(int fd, struct score *score)
{
	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0), done = 0, w;

		if (n <= 0)
			pause();
		for (; done < n; done += w) {
			w = send(fd, buf + done, n - done, MSG_NOSIGNAL);
			if (w <= 0)
				pause();
			score->sent += w;
		}
	}
}

static pid_t victim(void (*what)(int fd, struct score *score), int mine,
		    int other, struct score *score)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(other);
	what(mine, score);
	_exit(1);
}

/* How far the stream is right, and -errno or 0 of what came after. */
static size_t read_to_end(struct __test_metadata *_metadata, int fd, long *end)
{
	size_t off = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
		ASSERT_TRUE(check(buf, off, n));
		off += n;
	}
	*end = n < 0 ? -errno : 0;
	return off;
}

static void again(struct __test_metadata *_metadata, const struct kind *k,
		  struct pair *p, struct score *score)
{
	close(p->cli);
	close(p->srv);
	pair_open(_metadata, k, p);
	score->sent = 0;
	score->got = 0;
}

TEST_F_TIMEOUT(link, writer, KILL_TIMEOUT)
{
	struct pair *p = (struct pair *)self;
	struct score *score = score_make();
	unsigned int seed = kill_seed();

	for (int i = 0; i < kills_wanted(); i++) {
		pid_t v = victim(write_on, p->cli, p->srv, score);
		pid_t k = kill_later(v, &seed);
		long end = 1;
		size_t got;

		close(p->cli);
		p->cli = -1;
		got = read_to_end(_metadata, p->srv, &end);
		ASSERT_TRUE(both_gone(v, k));
		EXPECT_GE(got, score->sent);
		EXPECT_EQ(0, end);
		EXPECT_ERR(0, recv(p->srv, buf, 1, 0));
		again(_metadata, &variant->k, p, score);
	}
}

TEST_F_TIMEOUT(link, reader, KILL_TIMEOUT)
{
	struct pair *p = (struct pair *)self;
	struct score *score = score_make();
	unsigned int seed = kill_seed();

	for (int i = 0; i < kills_wanted(); i++) {
		pid_t v = victim(read_on, p->cli, p->srv, score);
		pid_t k = kill_later(v, &seed);
		size_t off = 0;
		ssize_t n;
		long err;

		close(p->cli);
		p->cli = -1;
		while ((n = send(p->srv, pattern(off), 20000, MSG_NOSIGNAL)) >
		       0)
			off += n;
		err = errno;
		EXPECT_TRUE(err == ECONNRESET || err == EPIPE)
		{
			TH_LOG("send says %s", errname(-err));
		}
		ASSERT_TRUE(both_gone(v, k));
		EXPECT_LE(score->got, off);
		ASSERT_TRUE(wait_for(poll_mask(p->srv, 0, 0) & POLLHUP));
		/* A reset may be waiting to be reported. */
		send(p->srv, "x", 1, MSG_NOSIGNAL);
		EXPECT_ERR(EPIPE, send(p->srv, "x", 1, MSG_NOSIGNAL));
		again(_metadata, &variant->k, p, score);
	}
}

static ssize_t send_on(struct bg *bg)
{
	size_t off = 0;
	ssize_t n;

	while ((n = send(bg->fd, pattern(off), 15000, MSG_NOSIGNAL)) > 0)
		off += n;
	return off;
}

TEST_F_TIMEOUT(link, echo, KILL_TIMEOUT)
{
	struct pair *p = (struct pair *)self;
	struct score *score = score_make();
	unsigned int seed = kill_seed();

	for (int i = 0; i < kills_wanted(); i++) {
		struct bg bg = {.fn = send_on, .fd = p->srv};
		pid_t v = victim(echo_on, p->cli, p->srv, score);
		pid_t k = kill_later(v, &seed);
		long end = 1;
		size_t got;

		close(p->cli);
		p->cli = -1;
		bg_start(&bg);
		got = read_to_end(_metadata, p->srv, &end);
		bg_join(&bg);
		ASSERT_TRUE(both_gone(v, k));
		/*
		 * What it had not read makes the end a reset, of which one of
		 * us hears; else all that it had sent has come.
		 */
		EXPECT_TRUE(end == 0 || end == -ECONNRESET);
		EXPECT_LE(got, (size_t)bg.ret);
		if (end == 0 && bg.err == EPIPE)
			EXPECT_GE(got, score->sent);
		again(_metadata, &variant->k, p, score);
	}
}

SOCK_TEST_MAIN
