// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is told when: edges for writers, marks for readers that are larger than
 * what the other side will send at once, sleepers that are frozen meanwhile.
 * The plain socket is the judge.
 */
#include "sock_test.h"
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define K (&variant->k)

/* An AF_UNIX writer that waits for edges hears of each read. */
TEST_F(link_unix, writer_hears_of_each_read)
{
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
	int ep = epoll_create1(EPOLL_CLOEXEC);
	char c;

	ASSERT_GE(ep, 0);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->cli, &ev));
	ASSERT_EQ(1, epoll_wait(ep, &ev, 1, WAIT_MS));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(1, send(self->cli, "x", 1, 0));
		ASSERT_EQ(1, recv(self->srv, &c, 1, 0));
		EXPECT_EQ(1, epoll_wait(ep, &ev, 1, WAIT_MS))
		{
			TH_LOG("read %d", i);
			break;
		}
	}
	/* And of nothing else. */
	EXPECT_EQ(0, epoll_wait(ep, &ev, 1, 50));
	close(ep);
}

static ssize_t bg_send_much(struct bg *bg)
{
	bool ok = send_all(bg->fd, 0, bg->len);

	shutdown(bg->fd, SHUT_WR);
	return ok ? (ssize_t)bg->len : -1;
}

/* A reader with a large mark takes less than that each time. */
TEST_F_TIMEOUT(link_tcp, large_mark_small_reads, 60)
{
	struct bg w = {.fn = bg_send_much, .fd = self->cli, .len = 12 << 20};
	static uint8_t buf[1150000];
	size_t got = 0;
	ssize_t r;

	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_RCVLOWAT, 3145728));
	bg_start(&w);
	for (;;) {
		ASSERT_LT(0, poll_mask(self->srv, POLLIN, WAIT_MS))
		{
			TH_LOG("nothing to read after %zu bytes", got);
		}
		r = recv(self->srv, buf, sizeof(buf), MSG_DONTWAIT);
		ASSERT_LE(0, r);
		if (!r)
			break;
		ASSERT_TRUE(check(buf, got, (size_t)r));
		got += (size_t)r;
	}
	bg_join(&w);
	EXPECT_EQ(w.len, got);
}

#define FREEZER "/tmp/door-freezer"

static bool put(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	close(fd);
	return ok;
}

static bool frozen(void)
{
	char state[16] = "";
	int fd = open(FREEZER "/x/freezer.state", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, state, sizeof(state) - 1) < 0)
		state[0] = 0;
	close(fd);
	return !strcmp(state, "FROZEN\n");
}

/* The way of suspend: sleepers that can be frozen where they are, stay there.
 */
static bool have_freezer(void)
{
	mkdir(FREEZER, 0755);
	if (mount("none", FREEZER, "cgroup", 0, "freezer") && errno != EBUSY)
		return false;
	return !mkdir(FREEZER "/x", 0755) || errno == EEXIST;
}

/* Receives in a process of its own, which is frozen and thawed as it sleeps. */
static int freeze_receiver(struct __test_metadata *_metadata, int from, int to,
			   int flags, int ms)
{
	char buf[10];
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (!put(FREEZER "/x/tasks", "0") ||
		    (ms && setopt_ms(from, SO_RCVTIMEO, ms)))
			_exit(99);
		status = (int)recv(from, buf, sizeof(buf), flags);
		_exit(status < 0 ? 100 + errno % 100 : status);
	}
	EXPECT_TRUE(wait_for(task_asleep(pid)));
	if (flags & MSG_WAITALL) {
		EXPECT_EQ(5, send(to, "12345", 5, 0));
		EXPECT_TRUE(wait_for(inq(from) == 0 && task_asleep(pid)));
	}
	EXPECT_TRUE(put(FREEZER "/x/freezer.state", "FROZEN"));
	EXPECT_TRUE(wait_for(frozen()));
	EXPECT_TRUE(put(FREEZER "/x/freezer.state", "THAWED"));
	EXPECT_TRUE(wait_for(!frozen()));
	EXPECT_LT(0, send(to, "1234567890", flags & MSG_WAITALL ? 5 : 10,
			  MSG_NOSIGNAL));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(link_unix, frozen_with_a_timeout)
{
	if (!have_freezer())
		SKIP(return, "no freezer");
	EXPECT_EQ(10,
		  freeze_receiver(_metadata, self->srv, self->cli, 0, 60000));
}

TEST_F(link_unix, frozen_in_the_middle)
{
	if (!have_freezer())
		SKIP(return, "no freezer");
	EXPECT_EQ(10, freeze_receiver(_metadata, self->srv, self->cli,
				      MSG_WAITALL, 0));
}

SOCK_TEST_MAIN
