// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of a server that are not that of its memory: another process goes on
 * with it, or it is being written to a core file. And what is made once in its
 * life, however often it opens the device.
 */
#include "door_test.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* Indices of shared->value. */
enum { CHILD };

/* Nobody serves: calls wait for a thread. */
static void create_none(door_info_t *info)
{
	(void)info;
}

static int outlive(void *p)
{
	prctl(PR_SET_PDEATHSIG, 0);
	for (;;)
		pause();
	return p != NULL;
}

/* A process of its own that has the same memory, and goes on with it. */
static void clone_child(void)
{
	static char stack[65536] __attribute__((aligned(16)));

	atomic_store(&shared->value[CHILD],
		     clone(outlive, stack + sizeof(stack), CLONE_VM | SIGCHLD,
			   NULL));
}

static int make_unserved(void)
{
	door_server_create(create_none);
	clone_child();
	return make_obeying();
}

static int make_served(void)
{
	clone_child();
	return make_obeying();
}

TEST(memory_lives_on)
{
	struct caller c;
	struct server s;
	pid_t child;

	ASSERT_EQ(0, server_with(&s, make_unserved));
	child = shared->value[CHILD];
	ASSERT_LT(0, child);
	ASSERT_EQ(0, caller_start(&c, s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	kill(s.pid, SIGKILL);
	ASSERT_EQ(s.pid, waitpid(s.pid, NULL, 0));
	EXPECT_EQ(0, caller_join(&c));
	EXPECT_EQ(EBADF, c.err);
	EXPECT_EQ(-1, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	kill(child, SIGKILL);
}

/* The same for one whose procedure is running. */
TEST(memory_lives_on_after_the_thread)
{
	struct caller c;
	struct server s;
	pid_t child;

	ASSERT_EQ(0, server_with(&s, make_served));
	child = shared->value[CHILD];
	ASSERT_LT(0, child);
	ASSERT_EQ(0, caller_start(&c, s.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	kill(s.pid, SIGKILL);
	ASSERT_EQ(s.pid, waitpid(s.pid, NULL, 0));
	EXPECT_EQ(0, caller_join(&c));
	EXPECT_EQ(EINTR, c.err);
	EXPECT_EQ(-1, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	kill(child, SIGKILL);
}

/* The thread that made the doors ends, others go on. */
static void *make_and_end(void *p)
{
	*(int *)p = make_obeying();
	return NULL;
}

static int make_in_a_thread(void)
{
	pthread_t thread;
	int d = -1;

	if (pthread_create(&thread, NULL, make_and_end, &d))
		return -1;
	pthread_join(thread, NULL);
	return d;
}

TEST(maker_ends)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_in_a_thread));
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
		nap();
	}
	server_stop(&s);
}

static void crash(void *cookie, char *argp, size_t size, door_desc_t *dp,
		  uint_t n)
{
	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	enter();
	while (!atomic_load(&shared->go))
		nap();
	abort();
}

static int make_crashing(void)
{
	door_server_create(create_single);
	return door_create(crash, NULL, 0);
}

#define PATTERN "/proc/sys/kernel/core_pattern"

static int set_pattern(const char *text)
{
	int fd = open(PATTERN, O_WRONLY);
	ssize_t n = write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text);
}

/* Whoever takes the core takes his time; the callers do not wait for that. */
TEST(core_is_written)
{
	char before[128] = "core";
	struct caller c, waits;
	struct server s;
	int fd = open(PATTERN, O_RDONLY);

	ASSERT_LT(0, read(fd, before, sizeof(before) - 1));
	close(fd);
	ASSERT_TRUE(set_pattern("|/bin/sleep 3600"));
	ASSERT_EQ(0, server_with(&s, make_crashing));
	ASSERT_EQ(0, caller_start(&c, s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_EQ(0, caller_start(&waits, s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&waits)));
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, caller_join(&c));
	EXPECT_EQ(EINTR, c.err);
	EXPECT_EQ(0, caller_join(&waits));
	EXPECT_EQ(EBADF, waits.err);
	EXPECT_EQ(0, waitpid(s.pid, NULL, WNOHANG));
	EXPECT_TRUE(set_pattern(before));
	/* It may not have come to be that program yet. */
	EXPECT_TRUE(wait_until(!system("pkill -x -f '/bin/sleep 3600'")));
	EXPECT_EQ(s.pid, waitpid(s.pid, NULL, 0));
}

/* Gives up the memory in which the module hands over arguments. */
static void unmap_windows(void)
{
	unsigned long from, to;
	char line[512];
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, "/dev/door") &&
		    sscanf(line, "%lx-%lx", &from, &to) == 2)
			munmap((void *)from, to - from);
	if (f)
		fclose(f);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(opened_again_and_again)
{
	struct itimerval soon = {.it_interval = {0, 2000},
				 .it_value = {0, 2000}};
	struct sigaction sa = {.sa_handler = on_alarm};
	int before = module_users();

	ASSERT_LE(0, before);
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	for (int i = 0; i < 50; i++) {
		struct door_ioc_return r = {0};
		int fd = open("/dev/door", O_RDWR | O_CLOEXEC);

		ASSERT_LE(0, fd);
		EXPECT_EQ(-1, ioctl(fd, DOOR_IOC_RETURN, &r));
		EXPECT_EQ(EINTR, errno);
		unmap_windows();
		close(fd);
	}
	EXPECT_GT(before + 10, module_users());
}

/* Its own memory, and a parent that waits: not what vfork() is. */
TEST(child_that_is_waited_for)
{
	int status;
	pid_t pid =
		(pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		struct door_ioc_create create = {.procedure = 1};
		int fd = open("/dev/door", O_RDWR | O_CLOEXEC);

		_exit(ioctl(fd, DOOR_IOC_CREATE, &create) < 0 ? errno : 0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

static int serve_in_child(void *p)
{
	struct door_ioc_return r = {0};

	_exit(ioctl(*(int *)p, DOOR_IOC_RETURN, &r) < 0 ? errno : 0);
}

/* What a child of vfork() does is no claim to its parent's memory. */
TEST(vfork_child_comes_first)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct door_ioc_create create = {.procedure = 1};
	int fd = open("/dev/door", O_RDWR | O_CLOEXEC), status;
	pid_t pid = clone(serve_in_child, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | SIGCHLD, &fd);

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
	EXPECT_LE(0, ioctl(fd, DOOR_IOC_CREATE, &create));
}

TEST_HARNESS_MAIN
