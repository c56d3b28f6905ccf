// SPDX-License-Identifier: GPL-2.0-only
/* Doors with a factory of their own, which says one thing or another. */
// LINK: lib/xcreate.c lib/create.c lib/server.c lib/cancel.c lib/door.c
// LINK: lib/control.c lib/threads.c lib/private.c
// WRAP: open,close,ioctl
#include "tests/kernel.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#define MOST 8

static int made, says[MOST], setups;
static bool makes[MOST];
static pthread_t thread[MOST];
static int n_threads;

static int factory(door_info_t *info, void *(*start)(void *), void *arg,
		   void *cookie)
{
	int i = made++;

	if (info->di_uniquifier != 5 || cookie != &made)
		return 77;
	if (makes[i])
		pthread_create(&thread[n_threads++], NULL, start, arg);
	return says[i];
}

static void setup(void *cookie)
{
	if (cookie == &made)
		setups++;
}

static int reset_all(void **state)
{
	made = n_threads = setups = 0;
	for (int i = 0; i < MOST; i++) {
		says[i] = 1;
		makes[i] = true;
	}
	reset(state);
	kernel.info = (struct door_ioc_info){
		.attributes = DOOR_PRIVATE | DOOR_PRIVCREATE | DOOR_LOCAL,
		.id = 5};
	return 0;
}

/* All of them end: a RETURN that is not in the script fails. */
static void join_all(void)
{
	while (n_threads)
		assert_int_equal(0, pthread_join(thread[--n_threads], NULL));
}

static int create(int n)
{
	return door_xcreate(nothing, NULL, DOOR_NO_CANCEL, factory, NULL, &made,
			    n);
}

static void expect_failure(int n, int err)
{
	assert_int_equal(-1, create(n));
	assert_int_equal(err, errno);
	assert_int_equal(1, kernel.revokes);
	join_all();
	/* Nobody has served. */
	assert_int_equal(0, kernel.returns);
}

static void test_all_started(void **state)
{
	(void)state;
	assert_int_equal(NEW_DOOR, create(3));
	assert_int_equal(3, made);
	/* Before it returned. */
	assert_int_equal(3, kernel.binds);
	for (int i = 0; i < 3; i++)
		assert_int_equal(5, kernel.bound[i]);
	join_all();
	assert_int_equal(3, kernel.returns);
	assert_int_equal(0, kernel.revokes);
	assert_int_equal(DOOR_PRIVATE | DOOR_PRIVCREATE | DOOR_NO_CANCEL,
			 kernel.created.attributes);
}

static void test_setup(void **state)
{
	(void)state;
	assert_int_equal(NEW_DOOR, door_xcreate(nothing, NULL, DOOR_NO_CANCEL,
						factory, setup, &made, 1));
	join_all();
	assert_int_equal(1, setups);
}

static void test_arguments(void **state)
{
	static const uint_t bad[] = {0x800, DOOR_UNREF | DOOR_UNREF_MULTI,
				     DOOR_PRIVCREATE, DOOR_LOCAL};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(-1, door_xcreate(nothing, NULL, bad[i],
						  factory, NULL, &made, 1));
		assert_int_equal(EINVAL, errno);
	}
	assert_int_equal(-1,
			 door_xcreate(nothing, NULL, 0, NULL, NULL, NULL, 1));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(-1,
			 door_xcreate(NULL, NULL, 0, factory, NULL, NULL, 1));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(-1, create(0));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(0, kernel.creates);
	assert_int_equal(0, made);
}

static void test_kernels_error(void **state)
{
	(void)state;
	kernel.create_err[0] = EMFILE;
	assert_int_equal(-1, create(1));
	assert_int_equal(EMFILE, errno);
	assert_int_equal(0, made);
}

static void test_factory_declines(void **state)
{
	(void)state;
	says[0] = 0;
	makes[0] = false;
	expect_failure(3, EINVAL);
	assert_int_equal(1, made);
}

static void test_factory_fails(void **state)
{
	(void)state;
	says[0] = -1;
	makes[0] = false;
	expect_failure(3, EPIPE);
	assert_int_equal(1, made);
}

/* It says that it has started none, and has. */
static void test_factory_lies(void **state)
{
	(void)state;
	says[0] = 0;
	expect_failure(1, EINVAL);
}

static void test_part_of_them(void **state)
{
	(void)state;
	says[2] = -1;
	makes[2] = false;
	expect_failure(5, EPIPE);
	assert_int_equal(3, made);
	assert_int_equal(2, kernel.binds);
}

static void test_thread_cannot_bind(void **state)
{
	(void)state;
	kernel.bind_err[0] = kernel.bind_err[1] = EINVAL;
	expect_failure(2, EBADF);
	assert_int_equal(1, made);
}

static void test_other_answers_abort(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		says[0] = 2;
		makes[0] = false;
		create(1);
		_exit(0);
	}
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void *serve(void *p)
{
	door_return(NULL, 0, NULL, 0);
	return p;
}

/* A call takes the last thread of the pool, which serves it and ends. */
static void deplete(uint64_t id)
{
	pthread_t server;

	join_all();
	kernel.info.id = id;
	kernel.script[kernel.returns] = (struct step){
		.procedure = nothing, .state = DOOR_RETURN_DEPLETED};
	assert_int_equal(0, pthread_create(&server, NULL, serve, NULL));
	assert_int_equal(0, pthread_join(server, NULL));
	join_all();
}

static void test_depletion(void **state)
{
	(void)state;
	assert_int_equal(NEW_DOOR, create(1));
	deplete(5);
	assert_int_equal(2, made);
	assert_int_equal(2, kernel.binds);
	/* Enough. */
	says[2] = 0;
	makes[2] = false;
	deplete(5);
	assert_int_equal(3, made);
	/* A door whose factory nobody knows gets no thread from another. */
	deplete(6);
	assert_int_equal(3, made);
	assert_int_equal(2, kernel.binds);
	assert_int_equal(0, kernel.revokes);
}

static int status_of_child;

/* At the worst time: while the thread that asked for this one waits for it. */
static void setup_forks(void *cookie)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(20);
		reset_all(NULL);
		_exit(create(3) != NEW_DOOR || made != 3);
	}
	assert_int_equal(pid, waitpid(pid, &status_of_child, 0));
	setup(cookie);
}

static void test_forked_child(void **state)
{
	(void)state;
	assert_int_equal(NEW_DOOR,
			 door_xcreate(nothing, NULL, DOOR_NO_CANCEL, factory,
				      setup_forks, &made, 1));
	join_all();
	assert_int_equal(1, setups);
	assert_int_equal(0, status_of_child);
}

static atomic_int in_setup, cancelled;

static void setup_waits(void *cookie)
{
	atomic_store(&in_setup, 1);
	while (!atomic_load(&cancelled))
		sched_yield();
	setup(cookie);
}

static void *create_and_tell(void *p)
{
	int d = door_xcreate(nothing, NULL, DOOR_NO_CANCEL, factory,
			     setup_waits, &made, 1);

	return d == NEW_DOOR ? p : NULL;
}

/* While it waits for a thread; it may take effect later, but not there. */
static void test_cancelled(void **state)
{
	pthread_t creator;
	void *ret;

	assert_int_equal(
		0, pthread_create(&creator, NULL, create_and_tell, state));
	while (!atomic_load(&in_setup))
		sched_yield();
	pthread_cancel(creator);
	atomic_store(&cancelled, 1);
	assert_int_equal(0, pthread_join(creator, &ret));
	assert_ptr_equal(state, ret);
	join_all();
	assert_int_equal(1, setups);
	assert_int_equal(1, kernel.returns);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup(name, reset_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_all_started),	       TEST(test_setup),
		TEST(test_arguments),	       TEST(test_kernels_error),
		TEST(test_factory_declines),   TEST(test_factory_fails),
		TEST(test_factory_lies),       TEST(test_part_of_them),
		TEST(test_thread_cannot_bind), TEST(test_other_answers_abort),
		TEST(test_depletion),	       TEST(test_forked_child),
		TEST(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
