// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the module keeps for a thread, and when it lets go of it: of a server
 * thread as it ends, whatever it did before, of a client when its call is over.
 */
#include "door_test.h"

#include <sys/ioctl.h>

static int count_windows(pid_t pid)
{
	char path[64], line[512];
	int n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		n += strstr(line, "/dev/door") != NULL;
	if (f)
		fclose(f);
	return n;
}

/* The memory for arguments outlives a thread, and the next one gets it. */
TEST(windows_are_used_again)
{
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 60; i++) {
		EXPECT_EQ(-1, ask(s.door, OP_RAW_EXIT, 0));
		ASSERT_EQ(EINTR, errno);
	}
	EXPECT_LT(0, count_windows(s.pid));
	EXPECT_GT(30, count_windows(s.pid));
	server_stop(&s);
}

/*
 * What dup2() closes is put off until the thread is on its way back, close()
 * itself waits for it since 6.6. The thread ends at once or later, as it is
 * told.
 */
static void close_and_end(void *cookie, char *argp, size_t size,
			  door_desc_t *dp, uint_t n)
{
	int ms = 0;

	(void)cookie;
	(void)dp;
	(void)n;
	if (size == sizeof(ms))
		memcpy(&ms, argp, sizeof(ms));
	dup2(0, open("/dev/null", O_RDONLY));
	while (ms-- > 0)
		nap();
	syscall(SYS_exit, 0);
}

static int make_ending(void)
{
	return door_create(close_and_end, NULL, 0);
}

TEST(end_after_other_work)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_ending));
	for (int i = 0; i < 20; i++) {
		struct caller c;

		c.door = s.door;
		c.request.value = i % 2 * 100;
		c.arg = (door_arg_t){.data_ptr = (char *)&c.request.value,
				     .data_size = sizeof(c.request.value)};
		ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
		ASSERT_EQ(0, caller_join(&c));
		EXPECT_EQ(-1, c.ret);
		EXPECT_EQ(EINTR, c.err);
	}
	server_stop(&s);
}

FIXTURE(client)
{
	struct server s;
	pid_t pid;
	int users; /* of the module, without a call */
};

FIXTURE_VARIANT(client)
{
	bool raw; /* without the library, which says when it gives up */
};

FIXTURE_VARIANT_ADD(client, library){};
FIXTURE_VARIANT_ADD(client, raw){.raw = true};

static void on_signal(int sig)
{
	(void)sig;
}

static int ask_raw(int d, enum op op, int value)
{
	struct request r = {.op = op, .value = value};
	char result[16];
	struct door_ioc_call ioc = {.data_ptr = (uintptr_t)&r,
				    .data_size = sizeof(r),
				    .rbuf = (uintptr_t)result,
				    .rsize = sizeof(result)};

	return ioctl(d, DOOR_IOC_CALL, &ioc);
}

/* Calls each time it is told to, and in between does nothing at all. */
static void call_and_pause(int d, bool raw)
{
	int (*call)(int d, enum op op, int value) = raw ? ask_raw : ask;
	struct sigaction sa = {.sa_handler = on_signal};
	sigset_t set;
	int sig;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		atomic_store(&shared->err, call(d, OP_WAIT, 1) ? errno : 0);
		atomic_fetch_add(&shared->value[0], 1);
		sigwait(&set, &sig);
	}
}

/* An answer that somebody has to hold until it is taken. */
static void tell(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	struct request r;

	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	memcpy(&r, argp, sizeof(r));
	enter();
	while (r.op == OP_WAIT && !atomic_load(&shared->go))
		nap();
	leave();
	door_return((char *)"told", 4, NULL, 0);
}

/* One thread, which works on for a caller that has given up. */
static int make_steady(void)
{
	door_server_create(create_single);
	return door_create(tell, NULL, DOOR_NO_CANCEL);
}

FIXTURE_SETUP(client)
{
	/* Those who were killed before may be noticed a moment later. */
	ASSERT_TRUE(wait_until(module_users() == 0));
	ASSERT_EQ(0, server_with(&self->s, make_steady));
	ASSERT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	self->users = module_users();
	ASSERT_LT(0, self->users);
	self->pid = fork();
	if (self->pid == 0)
		call_and_pause(self->s.door, variant->raw);
	ASSERT_TRUE(wait_until(shared->inside == 1));
}

FIXTURE_TEARDOWN(client)
{
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	server_stop(&self->s);
}

TEST_F(client, nothing_is_kept_after_stop_and_continue)
{
	for (int i = 1; i <= 10; i++) {
		ASSERT_TRUE(wait_until(shared->inside == 1));
		ASSERT_EQ(0, stop_and_continue(self->pid));
		/* The call that was put aside. */
		EXPECT_EQ(self->users + 1, module_users());
		atomic_store(&shared->go, 1);
		ASSERT_TRUE(wait_until(shared->value[0] == i));
		EXPECT_EQ(0, shared->err);
		ASSERT_TRUE(wait_until(module_users() == self->users));
		atomic_store(&shared->go, 0);
		kill(self->pid, SIGUSR2);
	}
}

TEST_F(client, nothing_is_kept_after_giving_up)
{
	for (int i = 1; i <= 10; i++) {
		ASSERT_TRUE(wait_until(shared->inside == 1 &&
				       state_of(self->pid, self->pid) == 'S'));
		kill(self->pid, SIGUSR1);
		ASSERT_TRUE(wait_until(shared->value[0] == i));
		EXPECT_EQ(EINTR, shared->err);
		/* Otherwise it is given up with the next call. */
		ASSERT_TRUE(wait_until(module_users() ==
				       self->users + variant->raw))
		{
			TH_LOG("call %d: %d users, before: %d", i,
			       module_users(), self->users);
		}
		atomic_store(&shared->go, 1);
		ASSERT_TRUE(wait_until(shared->inside == 0));
		atomic_store(&shared->go, 0);
		kill(self->pid, SIGUSR2);
	}
}

TEST_HARNESS_MAIN
