// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users may cause to be held: copies of arguments that wait for a thread,
 * of results that wait for their caller, pinned memory; doors, server threads
 * and their windows, names. A user who comes to his limit gets an error; the
 * server, and others, notice nothing.
 */
#include "door_test.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define NOBODY 65534
#define LIMIT (4 << 20)
#define SIZE (1 << 20)
#define CLIENTS 10

static const char *const limits[] = {"user_bytes", "user_objects"};
static char before[2][32];

static bool remember(void)
{
	bool ok = true;

	for (int i = 0; i < 2; i++)
		ok &= get_parameter(limits[i], before[i], sizeof(before[i]));
	return ok;
}

static void restore(void)
{
	for (int i = 0; i < 2; i++)
		set_parameter(limits[i], before[i]);
}

FIXTURE(budget)
{
	struct server s;
};

FIXTURE_SETUP(budget)
{
	ASSERT_EQ(0, server_start(&self->s));
	ASSERT_TRUE(remember());
	ASSERT_TRUE(set_parameter("user_bytes", "4194304"));
}

FIXTURE_TEARDOWN(budget)
{
	restore();
	server_stop(&self->s);
}

/* Its exit status is what @run returns, as another user. */
static pid_t as_user(uid_t uid, int (*run)(int), int d)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(run(d));
}

static pid_t as_nobody(int (*run)(int), int d)
{
	return as_user(NOBODY, run, d);
}

static int status_of(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : -1;
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

/* Calls for shared->word[0] bytes, which are given when shared->go is set. */
static int want_much(int d)
{
	size_t size = shared->word[0];
	struct request r = {.op = OP_FILL, .value = 3, .size = size};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	if (door_call(d, &a))
		return errno;
	return a.data_size == size && is_filled(a.data_ptr, size, 3) ? 0 : 254;
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

FIXTURE(stopped)
{
	struct server s;
};

FIXTURE_VARIANT(stopped)
{
	const char *limit;
	long size;
	int kept;
};

FIXTURE_VARIANT_ADD(stopped, large){
	.limit = "4194304",
	.size = SIZE,
	.kept = LIMIT / SIZE,
};

/* As much as is copied at once, and not pinned. */
FIXTURE_VARIANT_ADD(stopped, small){
	.limit = "32768",
	.size = 8000,
	.kept = 4,
};

FIXTURE_SETUP(stopped)
{
	ASSERT_EQ(0, server_with(&self->s, make_told));
	ASSERT_TRUE(remember());
	ASSERT_TRUE(set_parameter("user_bytes", variant->limit));
	shared->word[0] = variant->size;
}

FIXTURE_TEARDOWN(stopped)
{
	restore();
	server_stop(&self->s);
}

/*
 * All are stopped when they are answered: as many as the user may have kept get
 * theirs when they go on, the others an error; no thread waits for them, and
 * who is not theirs is not concerned.
 */
TEST_F_TIMEOUT(stopped, results, 150)
{
	struct server s = self->s;
	pid_t pid[CLIENTS], other;
	int kept = 0, lost = 0, status;

	other = as_user(NOBODY - 1, want_much, s.door);
	ASSERT_TRUE(wait_until(shared->value[1] == 1));
	for (int i = 0; i < CLIENTS; i++) {
		pid[i] = as_nobody(want_much, s.door);
		ASSERT_LT(0, pid[i]);
	}
	ASSERT_TRUE(wait_until(shared->value[1] == CLIENTS + 1));
	for (int i = 0; i < CLIENTS; i++) {
		ASSERT_TRUE(wait_until(state_of(pid[i], pid[i]) == 'S'));
		kill(pid[i], SIGSTOP);
		ASSERT_TRUE(wait_until(state_of(pid[i], pid[i]) == 'T'));
	}
	ASSERT_TRUE(wait_until(state_of(other, other) == 'S'));
	kill(other, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(other, other) == 'T'));
	atomic_store(&shared->go, 1);
	/* They have all been answered, and the threads serve others. */
	ASSERT_TRUE(wait_until(shared->finished == CLIENTS + 1 &&
			       threads(s.pid, 'S', 0) == threads(s.pid, 0, 0)));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	for (int i = 0; i < CLIENTS; i++)
		kill(pid[i], SIGCONT);
	for (int i = 0; i < CLIENTS; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		kept += WIFEXITED(status) && WEXITSTATUS(status) == 0;
		lost += WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM;
	}
	kill(other, SIGCONT);
	EXPECT_EQ(0, status_of(other));
	EXPECT_EQ(CLIENTS, kept + lost);
	EXPECT_LE(kept, variant->kept);
	EXPECT_LT(0, kept);
	EXPECT_EQ(0, shared->err);
}

/* Arguments that wait for the only thread. */
static int bring_much(int d)
{
	size_t size = shared->word[0];
	char *p = (char *)malloc(size);
	door_arg_t a = {.data_ptr = p, .data_size = size};

	memset(p, 0, size);
	((struct request *)p)->op = OP_NOTHING;
	atomic_fetch_add(&shared->value[2], 1);
	return door_call(d, &a) ? errno : 0;
}

TEST_F_TIMEOUT(stopped, arguments_in_the_queue, 150)
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
	EXPECT_LE(served, variant->kept);
	EXPECT_EQ(CLIENTS - served, count_status(pid, CLIENTS, ENOMEM));
	server_stop(&s);
}

/* The device, and a door of it that no thread serves. */
static int bare(int *door)
{
	struct door_ioc_create c = {.procedure = 1};
	int control = open("/dev/door", O_RDWR | O_CLOEXEC);

	*door = ioctl(control, DOOR_IOC_CREATE, &c);
	return control;
}

#define OBJECTS 8

/* Makes doors until it may not: then one less is one more. Return: 0 or a line.
 */
static int use_up_doors(int unused)
{
	struct door_ioc_create c = {.procedure = 1};
	int d, n = 1, control = bare(&d);

	(void)unused;
	if (d < 0)
		return __LINE__ % 200;
	while (ioctl(control, DOOR_IOC_CREATE, &c) >= 0)
		n++;
	if (errno != ENOMEM || n != OBJECTS)
		return __LINE__ % 200;
	close(d);
	if (ioctl(control, DOOR_IOC_CREATE, &c) < 0)
		return __LINE__ % 200;
	if (ioctl(control, DOOR_IOC_CREATE, &c) >= 0 || errno != ENOMEM)
		return __LINE__ % 200;
	/* Nobody else has to do with it: they wait to be killed. */
	atomic_fetch_add(&shared->value[3], 1);
	pause();
	return 0;
}

/* Root has no limit, and others have their own. */
TEST_F(budget, doors)
{
	pid_t pid[2];
	int d, n = 0;

	ASSERT_TRUE(set_parameter("user_objects", "8"));
	for (int i = 0; i < 2; i++)
		pid[i] = as_user(NOBODY - i, use_up_doors, 0);
	EXPECT_TRUE(wait_until(shared->value[3] == 2));
	for (int i = 0; i < 2 * OBJECTS; i++)
		n += door_create(obey, NULL, 0) >= 0;
	EXPECT_EQ(2 * OBJECTS, n);
	d = door_create(obey, NULL, 0);
	EXPECT_EQ(0, ask(d, OP_NOTHING, 0));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	for (int i = 0; i < 2; i++) {
		kill(pid[i], SIGKILL);
		EXPECT_EQ(-1, status_of(pid[i]));
	}
}

static int device;

/* Serves, and says so if it may not. */
static void *serve_bare(void *p)
{
	struct door_ioc_return r = {0};

	if (ioctl(device, DOOR_IOC_RETURN, &r) && errno == ENOMEM)
		atomic_fetch_add(&shared->value[3], 1);
	return p;
}

/* Starts ten threads, of which @n may not serve; and as often as it likes. */
static int use_up_threads(int n)
{
	pthread_t t[10];
	int d;

	device = bare(&d);
	if (d < 0)
		return __LINE__ % 200;
	for (int i = 0; i < 10; i++)
		if (pthread_create(&t[i], NULL, serve_bare, NULL))
			return __LINE__ % 200;
	if (!wait_until(shared->value[3] == n &&
			threads(getpid(), 'S', 0) == 10 - n))
		return __LINE__ % 200;
	serve_bare(NULL);
	return shared->value[3] == n + 1 ? 0 : __LINE__ % 200;
}

/* One of the objects is the door. */
TEST_F(budget, server_threads)
{
	ASSERT_TRUE(set_parameter("user_objects", "8"));
	EXPECT_EQ(0, status_of(as_nobody(use_up_threads, 3)));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	/* They have been given back. */
	atomic_store(&shared->value[3], 0);
	EXPECT_EQ(0, status_of(as_nobody(use_up_threads, 3)));
}

TEST_F(budget, windows)
{
	ASSERT_TRUE(set_parameter("user_bytes", "70000"));
	EXPECT_EQ(0, status_of(as_nobody(use_up_threads, 6)));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	atomic_store(&shared->value[3], 0);
	EXPECT_EQ(0, status_of(as_nobody(use_up_threads, 6)));
}

static int attach(int d, int dir, int n)
{
	struct door_ioc_name name = {0};
	char path[16];
	int ret;

	snprintf(path, sizeof(path), "%d", n);
	close(openat(dir, path, O_CREAT | O_RDWR, 0600));
	name.fd = openat(dir, path, O_PATH);
	ret = ioctl(d, DOOR_IOC_ATTACH, &name) ? errno : 0;
	close(name.fd);
	return ret;
}

static int use_up_names(int dir)
{
	int n = 0, d, control = bare(&d), err;
	struct door_ioc_name name;

	while (!(err = attach(d, dir, n)))
		n++;
	if (err != ENOMEM || n != OBJECTS - 1)
		return __LINE__ % 200;
	name = (struct door_ioc_name){.fd = openat(dir, "0", O_PATH)};
	if (ioctl(control, DOOR_IOC_DETACH, &name))
		return __LINE__ % 200;
	return attach(d, dir, n) || attach(d, dir, 0) != ENOMEM ? __LINE__ % 200
								: 0;
}

TEST_F(budget, names)
{
	char dir[] = "/dev/shm/door_budget.XXXXXX";
	int fd;

	ASSERT_NE(NULL, mkdtemp(dir));
	ASSERT_EQ(0, chmod(dir, 0777));
	fd = open(dir, O_DIRECTORY);
	ASSERT_TRUE(set_parameter("user_objects", "8"));
	EXPECT_EQ(0, status_of(as_nobody(use_up_names, fd)));
	EXPECT_EQ(0, attach(self->s.door, fd, 100));
	for (int i = 0; i <= 100; i++) {
		char path[16];

		snprintf(path, sizeof(path), "%d", i);
		unlinkat(fd, path, 0);
	}
	rmdir(dir);
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

TEST_HARNESS_MAIN
