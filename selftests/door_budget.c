// SPDX-License-Identifier: GPL-2.0-only
/*
 * What callers may cause to be held: copies of arguments that wait for a
 * thread, of results that wait for their caller, pinned memory. A user who
 * comes to his limit gets an error; the server, and others, notice nothing.
 */
#include "door_test.h"

#include <sys/syscall.h>

#define NOBODY 65534
#define LIMIT (4 << 20)
#define SIZE (1 << 20)
#define CLIENTS 10

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

static char before[32];

static int remember(const char *name)
{
	char path[80];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/module/door/parameters/%s", name);
	fd = open(path, O_RDONLY);
	n = read(fd, before, sizeof(before) - 1);
	close(fd);
	return n > 0;
}

FIXTURE(budget)
{
	struct server s;
};

FIXTURE_SETUP(budget)
{
	ASSERT_EQ(0, server_start(&self->s));
	ASSERT_TRUE(remember("user_bytes"));
	ASSERT_TRUE(set_parameter("user_bytes", "4194304"));
}

FIXTURE_TEARDOWN(budget)
{
	set_parameter("user_bytes", before);
	server_stop(&self->s);
}

/* Its exit status is what @run returns, as nobody. */
static pid_t as_nobody(int (*run)(int), int d)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(run(d));
}

static int count_status(pid_t *pid, int n, int wanted)
{
	int status, found = 0;

	for (int i = 0; i < n; i++)
		if (waitpid(pid[i], &status, 0) == pid[i] &&
		    WIFEXITED(status) && WEXITSTATUS(status) == wanted)
			found++;
	return found;
}

/* Calls for @SIZE bytes, which are given when shared->go is set. */
static int want_much(int d)
{
	struct request r = {.op = OP_FILL, .value = 3, .size = SIZE};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	if (door_call(d, &a))
		return errno;
	return a.data_size == SIZE && is_filled(a.data_ptr, SIZE, 3) ? 0 : 254;
}

static void answer_when_told(void *cookie, char *argp, size_t size,
			     door_desc_t *dp, uint_t n)
{
	struct request r;

	memcpy(&r, argp, sizeof(r));
	if (r.op == OP_FILL) {
		atomic_fetch_add(&shared->value[1], 1);
		while (!atomic_load(&shared->go))
			nap();
	}
	obey(cookie, argp, size, dp, n);
}

static int make_told(void)
{
	return door_create(answer_when_told, NULL, 0);
}

/*
 * All are stopped when they are answered: as many as the user may have kept get
 * theirs when they go on, the others an error; no thread waits for them.
 */
TEST_F_TIMEOUT(budget, results_for_the_stopped, 150)
{
	pid_t pid[CLIENTS];
	struct server s;
	int kept = 0, lost = 0, status;

	ASSERT_EQ(0, server_with(&s, make_told));
	for (int i = 0; i < CLIENTS; i++) {
		pid[i] = as_nobody(want_much, s.door);
		ASSERT_LT(0, pid[i]);
	}
	ASSERT_TRUE(wait_until(shared->value[1] == CLIENTS));
	for (int i = 0; i < CLIENTS; i++) {
		ASSERT_TRUE(wait_until(state_of(pid[i], pid[i]) == 'S'));
		kill(pid[i], SIGSTOP);
		ASSERT_TRUE(wait_until(state_of(pid[i], pid[i]) == 'T'));
	}
	atomic_store(&shared->go, 1);
	/* They have all been answered, and the threads serve others. */
	ASSERT_TRUE(wait_until(shared->finished == CLIENTS &&
			       threads(s.pid, 'S', 0) == threads(s.pid, 0, 0)));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	for (int i = 0; i < CLIENTS; i++)
		kill(pid[i], SIGCONT);
	for (int i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		kept += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		lost += WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM;
	}
	EXPECT_EQ(CLIENTS, kept + lost);
	EXPECT_LE(kept, LIMIT / SIZE);
	EXPECT_LT(0, kept);
	EXPECT_EQ(0, shared->err);
	server_stop(&s);
}

/* Arguments that wait for the only thread. */
static int bring_much(int d)
{
	char *p = (char *)malloc(SIZE);
	door_arg_t a = {.data_ptr = p, .data_size = SIZE};

	memset(p, 0, SIZE);
	((struct request *)p)->op = OP_NOTHING;
	atomic_fetch_add(&shared->value[2], 1);
	return door_call(d, &a) ? errno : 0;
}

TEST_F_TIMEOUT(budget, arguments_in_the_queue, 150)
{
	pid_t pid[CLIENTS];
	struct caller busy, c;
	struct server s;
	int served;

	ASSERT_EQ(0, server_with(&s, make_obeying_alone));
	ASSERT_EQ(0, caller_start(&busy, s.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	for (int i = 0; i < CLIENTS; i++)
		pid[i] = as_nobody(bring_much, s.door);
	/* Each waits, or has its error and is gone. */
	for (int i = 0; i < CLIENTS; i++)
		ASSERT_TRUE(wait_until(shared->value[2] == CLIENTS &&
				       (state_of(pid[i], pid[i]) == 'S' ||
					state_of(pid[i], pid[i]) == 'Z')));
	/* Others are not concerned. */
	ASSERT_EQ(0, caller_start(&c, s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	served = shared->ran - 2;
	EXPECT_LE(served, LIMIT / SIZE);
	EXPECT_EQ(CLIENTS - served, count_status(pid, CLIENTS, ENOMEM));
	server_stop(&s);
}

/* Whoever has not said what it takes is given no more than two megabytes. */
TEST(large_arguments_are_asked_for)
{
	static char data[(2 << 20) + 1];
	door_arg_t a = {.data_ptr = data, .data_size = sizeof(data)};
	size_t most = 0;
	int d;

	share();
	d = door_create(obey, NULL, 0);
	EXPECT_EQ(-1, door_call(d, &a));
	EXPECT_EQ(E2BIG, errno);
	a.data_size--;
	EXPECT_EQ(0, door_call(d, &a));
	EXPECT_EQ(0, door_getparam(d, DOOR_PARAM_DATA_MAX, &most));
	EXPECT_EQ(SIZE_MAX, most);
	ASSERT_EQ(0, door_setparam(d, DOOR_PARAM_DATA_MAX, SIZE_MAX));
	a = (door_arg_t){.data_ptr = data, .data_size = sizeof(data)};
	EXPECT_EQ(0, door_call(d, &a));
}

/* Memory that can be read but not pinned. */
TEST(secret_memory)
{
	static const size_t sizes[] = {100, 16000, 40000};
	struct server s;
	char *p;
	int fd = (int)syscall(__NR_memfd_secret, 0);

	if (fd < 0)
		SKIP(return, "no memfd_secret()");
	ASSERT_EQ(0, ftruncate(fd, 65536));
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 3; i++) {
		struct request r = {.op = OP_SUM};
		uint64_t answer = 0, sum = 0;
		door_arg_t a = {.data_ptr = p,
				.data_size = sizes[i],
				.rbuf = (char *)&answer,
				.rsize = sizeof(answer)};

		fill(p, sizes[i], i);
		memcpy(p, &r, sizeof(r));
		for (size_t k = sizeof(r); k < sizes[i]; k++)
			sum = sum * 31 + (unsigned char)p[k];
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(sum, answer);
	}
	server_stop(&s);
}

TEST_HARNESS_MAIN
