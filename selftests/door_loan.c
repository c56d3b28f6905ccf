// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large results are lent to their caller. What if it never takes them, because
 * its memory is such that a page fault does not end?
 */
#include "door_test.h"

#include <dirent.h>
#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>

#define SIZE (1 << 20)
#define LOAN_MS 5000

FIXTURE(loan)
{
	struct server s;
	int fault;
	char *rbuf;
	struct caller c;
	long start; /* before the loan, in ms */
};

static void on_signal(int sig)
{
	(void)sig;
}

static int make_one_threaded(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	return make_obeying_alone();
}

/* Memory whose faults wait until @fault is closed. */
static char *make_endless(int *fault)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*fault = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	range.range.start = (uintptr_t)p;
	range.range.len = SIZE;
	if (*fault < 0 || ioctl(*fault, UFFDIO_API, &api) ||
	    ioctl(*fault, UFFDIO_REGISTER, &range))
		return NULL;
	return p;
}

FIXTURE_SETUP(loan)
{
	ASSERT_EQ(0, server_with(&self->s, make_one_threaded));
	self->rbuf = make_endless(&self->fault);
	ASSERT_NE(NULL, self->rbuf);
	self->c.door = self->s.door;
	self->c.request = (struct request){.op = OP_FILL, .size = SIZE};
	self->c.arg = (door_arg_t){.data_ptr = (char *)&self->c.request,
				   .data_size = sizeof(self->c.request),
				   .rbuf = self->rbuf,
				   .rsize = SIZE};
	self->start = now_ms();
	ASSERT_EQ(0,
		  pthread_create(&self->c.thread, NULL, caller_run, &self->c));
	/* It has its answer and hangs. */
	ASSERT_TRUE(wait_until(shared->finished == 1));
}

FIXTURE_TEARDOWN(loan)
{
	close(self->fault);
	server_stop(&self->s);
}

/* Counts the server's threads in a state, or 0 for any; sends each a signal. */
static int threads(pid_t pid, char state, int sig)
{
	char path[64];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t tid = atoi(e->d_name);

		if (tid <= 0)
			continue;
		n += !state || state_of(pid, tid) == state;
		if (sig)
			syscall(SYS_tgkill, pid, tid, sig);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* The thread is there for others again, the caller has lost its results. */
TEST_F(loan, taken_back)
{
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_LT(LOAN_MS - 1000, now_ms() - self->start);
	close(self->fault);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(-1, self->c.ret);
	EXPECT_EQ(EINTR, self->c.err);
}

/* Who takes it in time gets all of it. */
TEST_F(loan, taken_in_time)
{
	close(self->fault);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(0, self->c.ret);
	EXPECT_EQ(SIZE, self->c.arg.data_size);
	EXPECT_TRUE(is_filled(self->rbuf, SIZE, 0));
}

/* A signal that is caught does not make the server's thread immortal. */
TEST_F(loan, server_killed)
{
	long start;
	int status;

	ASSERT_TRUE(wait_until(threads(self->s.pid, 'S', 0) ==
			       threads(self->s.pid, 0, 0)));
	threads(self->s.pid, 0, SIGUSR1);
	ASSERT_TRUE(wait_until(threads(self->s.pid, 'D', 0) == 1));
	start = now_ms();
	kill(self->s.pid, SIGKILL);
	ASSERT_EQ(self->s.pid, waitpid(self->s.pid, &status, 0));
	EXPECT_LT(now_ms() - start, LOAN_MS - 2000);
	close(self->fault);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(-1, self->c.ret);
	EXPECT_EQ(EINTR, self->c.err);
}

FIXTURE(killed)
{
	char *rbuf;
};

FIXTURE_SETUP(killed)
{
	self->rbuf = malloc(SIZE);
	ASSERT_NE(NULL, self->rbuf);
}

FIXTURE_TEARDOWN(killed)
{
	free(self->rbuf);
}

/* All of it or an error, whenever the lender dies. */
TEST_F_TIMEOUT(killed, while_lending, 120)
{
	for (int i = 0; i < 20; i++) {
		struct server s;
		struct caller c = {
			.request = {.op = OP_FILL, .value = i, .size = SIZE}};

		ASSERT_EQ(0, server_start(&s));
		memset(self->rbuf, 0, SIZE);
		c.door = s.door;
		c.arg = (door_arg_t){.data_ptr = (char *)&c.request,
				     .data_size = sizeof(c.request),
				     .rbuf = self->rbuf,
				     .rsize = SIZE};
		atomic_store(&shared->finished, 0);
		ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
		while (!atomic_load(&shared->finished))
			sched_yield();
		for (volatile int n = i * 2000; n > 0; n--)
			;
		server_stop(&s);
		ASSERT_EQ(0, caller_join(&c));
		if (c.ret) {
			EXPECT_EQ(EINTR, c.err);
		} else {
			EXPECT_EQ(SIZE, c.arg.data_size);
			EXPECT_TRUE(is_filled(self->rbuf, SIZE, i));
		}
	}
}

TEST_HARNESS_MAIN
