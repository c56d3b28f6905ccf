// SPDX-License-Identifier: GPL-2.0-only
/*
 * What joined sockets hold: who pays for it, where it ends, and that it is
 * given back, but not with bytes in it. The sockets are pairs, which are joined
 * at once.
 */
#include "sock_util.h"
#include "parameter_test.h"
#include "stats_test.h"
#include "task_test.h"

#include <sys/resource.h>

#define NOBODY 65534
#define SUBORDINATE 100001 /* an id of a namespace of nobody's */
#define LIMIT 65536
#define PAIRS 40

static const char *const parameters[] = {"user_bytes", "machine_bytes"};

static bool set(const char *name, unsigned long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	return set_parameter(name, text);
}

/* What a process that makes pairs and the test tell each other. */
struct shared {
	atomic_int sent;  /* pairs that have a byte in them */
	atomic_int wrong; /* something did not work */
	atomic_int may;	  /* 1: be that user, 2: end */
};

FIXTURE(held)
{
	char before[2][32];
	struct shared *shared;
	pid_t pid[2];
};

FIXTURE_SETUP(held)
{
	memset(self->before, 0, sizeof(self->before));
	for (int i = 0; i < 2; i++)
		ASSERT_TRUE(get_parameter(parameters[i], self->before[i],
					  sizeof(self->before[i])));
	self->shared =
		mmap(NULL, 2 * sizeof(struct shared), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	self->pid[0] = self->pid[1] = 0;
}

FIXTURE_TEARDOWN(held)
{
	for (int i = 0; i < 2; i++) {
		set_parameter(parameters[i], self->before[i]);
		if (self->pid[i] > 0) {
			kill(self->pid[i], SIGKILL);
			waitpid(self->pid[i], NULL, 0);
		}
	}
}

static uint64_t lanes(void)
{
	struct stats s;

	return get_stats(&s) ? HELD(s, LANES) : UINT64_MAX;
}

/* Return: whether there is a pair, joined, with bytes in it. */
static bool make_pair(int p[2], size_t bytes)
{
	return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) &&
	       mark_pair(p[0], p[1]) == DOOR_SOCK_JOINED &&
	       send_all(p[0], 0, bytes);
}

static void wait_till_may(struct shared *s, int what)
{
	while (atomic_load(&s->may) < what)
		usleep(1000);
}

/* With a byte in each of them, however full it is, and each byte arrives. */
static void hold_pairs(struct shared *s, int n)
{
	int p[1000][2];

	for (int i = 0; i < n; i++) {
		if (!make_pair(p[i], 1))
			atomic_store(&s->wrong, 1);
		atomic_fetch_add(&s->sent, 1);
	}
	wait_till_may(s, 2);
	for (int i = 0; i < n; i++)
		if (!recv_all(p[i][1], 0, 1))
			atomic_store(&s->wrong, 1);
	_exit(0);
}

static bool become(uid_t uid)
{
	return !setresgid(uid, uid, uid) && !setresuid(uid, uid, uid);
}

static pid_t start(struct shared *s, int n, bool in_namespace)
{
	struct rlimit files = {4096, 4096};
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setrlimit(RLIMIT_NOFILE, &files);
	if (!become(NOBODY))
		_exit(1);
	if (in_namespace) {
		if (unshare(CLONE_NEWUSER))
			_exit(1);
		atomic_store(&s->sent, -1);
		wait_till_may(s, 1);
		atomic_store(&s->sent, 0);
		if (!become(1))
			_exit(1);
	}
	/* Whoever changes his ids loses it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	hold_pairs(s, n);
	return 0;
}

TEST_F(held, a_user_has_an_end)
{
	ASSERT_TRUE(set("user_bytes", LIMIT));
	ASSERT_EQ(0, lanes());
	self->pid[0] = start(self->shared, PAIRS, false);
	ASSERT_TRUE(wait_for(self->shared->sent == PAIRS));
	EXPECT_LT(0, lanes());
	EXPECT_GE(LIMIT, lanes());
	/* Others are not concerned. */
	ASSERT_TRUE(make_pair((int[2]){0}, 1));
	EXPECT_LT(LIMIT - 4096, lanes());
	atomic_store(&self->shared->may, 2);
	EXPECT_EQ(self->pid[0], waitpid(self->pid[0], NULL, 0));
	self->pid[0] = 0;
	EXPECT_EQ(0, self->shared->wrong);
}

/* Who holds little is not asked what others hold. */
TEST_F(held, the_machine_has_an_end)
{
	uint64_t limit = 1200 << 10;

	ASSERT_TRUE(set("user_bytes", 64 << 20));
	ASSERT_TRUE(set("machine_bytes", limit));
	self->pid[0] = start(self->shared, 500, false);
	ASSERT_TRUE(wait_for(self->shared->sent == 500));
	EXPECT_LT(1 << 20, lanes());
	EXPECT_GE(limit, lanes());
	atomic_store(&self->shared->may, 2);
	EXPECT_EQ(self->pid[0], waitpid(self->pid[0], NULL, 0));
	self->pid[0] = 0;
	EXPECT_EQ(0, self->shared->wrong);
}

static bool write_map(pid_t pid, const char *which)
{
	static const char map[] = "0 65534 1\n1 100001 1\n";
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	fd = open(path, O_WRONLY);
	n = write(fd, map, strlen(map));
	close(fd);
	return n > 0;
}

/* Whatever id somebody has in his namespace, he is who made it. */
TEST_F(held, ids_of_a_namespace_are_its_makers)
{
	struct shared *s = self->shared;

	ASSERT_TRUE(set("user_bytes", LIMIT));
	self->pid[0] = start(&s[0], PAIRS, false);
	ASSERT_TRUE(wait_for(s[0].sent == PAIRS));
	self->pid[1] = start(&s[1], PAIRS, true);
	ASSERT_TRUE(wait_for(s[1].sent == -1));
	ASSERT_TRUE(write_map(self->pid[1], "uid_map"));
	ASSERT_TRUE(write_map(self->pid[1], "gid_map"));
	atomic_store(&s[1].may, 1);
	ASSERT_TRUE(wait_for(s[1].sent == PAIRS));
	EXPECT_EQ(0, s[1].wrong);
	EXPECT_LT(0, lanes());
	EXPECT_GE(LIMIT, lanes());
}

/* What was refused is not charged; what was given back can be had again. */
TEST_F(held, again_and_again)
{
	struct stats a, b;

	ASSERT_TRUE(set("user_bytes", LIMIT));
	/* Somebody has something all the time: it is one account. */
	self->pid[1] = start(&self->shared[1], 1, false);
	ASSERT_TRUE(wait_for(self->shared[1].sent == 1));
	for (int i = 0; i < 4; i++) {
		ASSERT_TRUE(get_stats(&a));
		atomic_store(&self->shared->sent, 0);
		atomic_store(&self->shared->may, 2);
		self->pid[0] = start(self->shared, PAIRS, false);
		ASSERT_EQ(self->pid[0], waitpid(self->pid[0], NULL, 0));
		self->pid[0] = 0;
		EXPECT_EQ(0, self->shared->wrong);
		ASSERT_TRUE(wait_for(lanes() == 4096));
		ASSERT_TRUE(get_stats(&b));
		/* As many as have room in the lanes. */
		EXPECT_EQ(LIMIT / 4096 - 1,
			  C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	}
}

/* Room that is not used goes, and bytes that nobody has read stay. */
TEST_F(held, idle)
{
	int idle[2], full[2];
	uint64_t n;

	ASSERT_EQ(0, lanes());
	ASSERT_TRUE(make_pair(full, 10000));
	n = lanes();
	ASSERT_LE(10000, n);
	for (int i = 0; i < 2; i++) {
		/* The second time in pieces that are kept. */
		size_t size = i ? 150000 : 20000;

		ASSERT_TRUE(make_pair(idle, size));
		ASSERT_TRUE(recv_all(idle[1], 0, size));
		ASSERT_LT(n, lanes());
		ASSERT_TRUE(wait_for(lanes() == n));
		/* There is room again when it is needed. */
		ASSERT_TRUE(send_all(idle[0], size, 20000));
		EXPECT_TRUE(recv_all(idle[1], size, 20000));
		close(idle[0]);
		close(idle[1]);
	}
	EXPECT_TRUE(recv_all(full[1], 0, 10000));
}

TEST_HARNESS_MAIN
