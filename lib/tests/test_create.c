// SPDX-License-Identifier: GPL-2.0-only
/* Birth of doors and threads; the threads are made, but run when the test says.
 */
// LINK: lib/create.c lib/server.c lib/xcreate.c lib/cancel.c lib/door.c
// LINK: lib/control.c lib/threads.c lib/private.c
// WRAP: open,close,ioctl,pthread_create,malloc
#include "tests/kernel.h"

#include "threads.h"

#include <stdbool.h>

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static int allocated;

void *__wrap_malloc(size_t size)
{
	allocated++;
	return __real_malloc(size);
}

static int started, start_err, detached;
static void *(*routine)(void *);
static void *routine_arg;

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	int how = PTHREAD_CREATE_JOINABLE;

	(void)thread;
	if (start_err)
		return start_err;
	pthread_attr_getdetachstate(attr, &how);
	detached += how == PTHREAD_CREATE_DETACHED;
	started++;
	routine = start;
	routine_arg = arg;
	return 0;
}

/* Lets the thread that was made last run to its end. */
static void run_started(void)
{
	pthread_t thread;

	assert_int_equal(
		0, __real_pthread_create(&thread, NULL, routine, routine_arg));
	assert_int_equal(0, pthread_join(thread, NULL));
}

static int calls_null, calls_info;
static door_info_t last_info, *given;

static void noting(door_info_t *info)
{
	if (info)
		last_info = *(given = info);
	calls_info += !!info;
	calls_null += !info;
}

static int reset_all(void **state)
{
	started = start_err = detached = calls_null = calls_info = 0;
	door_server_create(NULL);
	return reset(state);
}

/* The last thread of the pool has been taken. */
static void deplete(uint32_t attributes)
{
	struct door_ioc_return ioc = {
		.attributes = attributes, .procedure = 6, .cookie = 7, .id = 8};

	threads_more(&ioc);
}

static void test_arguments(void **state)
{
	static const uint_t bad[] = {
		0x800,
		DOOR_UNREF | DOOR_UNREF_MULTI,
		DOOR_NO_DEPLETION_CB,
		DOOR_PRIVCREATE,
		DOOR_LOCAL,
		DOOR_REVOKED,
		DOOR_IS_UNREF,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(-1, door_create(nothing, NULL, bad[i]));
		assert_int_equal(EINVAL, errno);
	}
	assert_int_equal(-1, door_create(NULL, NULL, 0));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(0, kernel.creates);
	assert_int_equal(0, started);
}

static void test_kernels_errors(void **state)
{
	static const int errors[] = {EMFILE, ENFILE, ENOMEM, EOPNOTSUPP};

	for (int i = 0; i < 4; i++) {
		reset_all(state);
		kernel.create_err[0] = errors[i];
		assert_int_equal(-1, door_create(nothing, NULL, 0));
		assert_int_equal(errors[i], errno);
		assert_int_equal(1, kernel.creates);
		assert_int_equal(0, started);
	}
}

static void test_lost_control_is_opened_once(void **state)
{
	static const int errors[] = {EPERM, ENOTTY, EBADF};

	for (int i = 0; i < 3; i++) {
		reset_all(state);
		kernel.create_err[0] = errors[i];
		kernel.info.id = 5;
		assert_int_equal(NEW_DOOR,
				 door_create(nothing, NULL,
					     DOOR_PRIVATE | DOOR_NO_CANCEL));
		assert_int_equal(2, kernel.creates);
		assert_int_equal(errors[i] == EPERM, kernel.closes);
		reset_all(state);
		kernel.create_err[0] = kernel.create_err[1] = errors[i];
		assert_int_equal(-1, door_create(nothing, NULL, 0));
		assert_int_equal(errors[i], errno);
		assert_int_equal(2, kernel.creates);
	}
}

/* The number of /dev/door may have become another driver's. */
static void test_device_of_another_kind(void **state)
{
	(void)state;
	/* Forget the one that is open. */
	kernel.create_err[0] = EBADF;
	kernel.caps_err = ENOTTY;
	assert_int_equal(-1, door_create(nothing, NULL, 0));
	assert_int_equal(ENODEV, errno);
	assert_int_equal(1, kernel.creates);
	assert_int_equal(1, kernel.opens);
	assert_int_equal(1, kernel.closes);
}

/* The first of this process. */
static void test_first_shared_door(void **state)
{
	(void)state;
	door_server_create(noting);
	assert_int_equal(NEW_DOOR, door_create(nothing, (void *)7, 0));
	assert_int_equal(0, kernel.created.attributes);
	assert_int_equal(7, kernel.created.cookie);
	assert_int_equal((uintptr_t)nothing, kernel.created.procedure);
	assert_int_equal(1, calls_null);
	/* The thread that waits for callers that give up. */
	assert_int_equal(1, started);
	assert_int_equal(NEW_DOOR, door_create(nothing, NULL, 0));
	assert_int_equal(1, calls_null);
	assert_int_equal(0, calls_info);
	assert_int_equal(1, started);
	/* It ends when it is told nothing; the next door makes another. */
	run_started();
	assert_int_equal(1, kernel.notices);
	assert_int_equal(NEW_DOOR, door_create(nothing, NULL, DOOR_NO_CANCEL));
	assert_int_equal(1, started);
	assert_int_equal(NEW_DOOR, door_create(nothing, NULL, 0));
	assert_int_equal(2, started);
	assert_int_equal(2, detached);
}

static void test_one_thread_is_coming(void **state)
{
	(void)state;
	deplete(0);
	assert_int_equal(1, started);
	assert_int_equal(1, detached);
	deplete(0);
	deplete(0);
	assert_int_equal(1, started);
	/* It has come. */
	run_started();
	assert_int_equal(1, kernel.returns);
	deplete(0);
	assert_int_equal(2, started);
	run_started();
	/* One that could not be made does not stay on its way. */
	start_err = EAGAIN;
	deplete(0);
	start_err = 0;
	deplete(0);
	assert_int_equal(3, started);
	run_started();
}

static void taken(void *cookie, char *argp, size_t size, door_desc_t *dp,
		  uint_t n)
{
	deplete(0);
	nothing(cookie, argp, size, dp, n);
}

/* Until a call takes the thread it is on its way, whether it waits or not. */
static void test_taken_threads_have_come(void **state)
{
	(void)state;
	deplete(0);
	kernel.script[0] = (struct step){.procedure = taken};
	run_started();
	assert_int_equal(2, started);
	assert_int_equal(1, kernel.leaves);
	run_started();
}

static pid_t parent;
static int status_of_child;

static void fork_meanwhile(void)
{
	pid_t pid = fork();

	if (pid)
		waitpid(pid, &status_of_child, 0);
	else
		alarm(20);
}

/* The last one of the pool; in the child, too, another has to be started. */
static void taken_after_fork(void *cookie, char *argp, size_t size,
			     door_desc_t *dp, uint_t n)
{
	taken(cookie, argp, size, dp, n);
	if (getpid() != parent)
		_exit(started != 2);
}

static void test_fork_in_a_thread_that_is_coming(void **state)
{
	(void)state;
	parent = getpid();
	status_of_child = -1;
	deplete(0);
	kernel.script[0] =
		(struct step){.meanwhile = fork_meanwhile, .err = EINTR};
	kernel.script[1] = (struct step){.procedure = taken_after_fork};
	run_started();
	assert_int_equal(0, status_of_child);
	assert_int_equal(2, started);
	run_started();
}

static bool handler_works;

/* A handler of the program's own, older than its first door. */
static void program_in_child(void)
{
	if (!handler_works)
		return;
	calls_null = started = 0;
	door_create(nothing, NULL, 0);
}

static void test_doors_in_the_programs_fork_handler(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	door_server_create(noting);
	assert_int_equal(NEW_DOOR, door_create(nothing, NULL, 0));
	handler_works = true;
	pid = fork();
	if (pid == 0) {
		/* A thread to serve, and the one that is told. */
		if (calls_null != 1 || started != 1)
			_exit(1);
		/* What the handler has opened is still open. */
		door_create(nothing, NULL, 0);
		_exit(calls_null != 1 || kernel.opens != 1);
	}
	handler_works = false;
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
}

static void test_private_doors_bind(void **state)
{
	(void)state;
	kernel.info = (struct door_ioc_info){
		.attributes = DOOR_PRIVATE | DOOR_LOCAL, .id = 5};
	for (int i = 0; i < 2; i++) {
		assert_int_equal(NEW_DOOR,
				 door_create(nothing, NULL,
					     DOOR_PRIVATE | DOOR_NO_CANCEL));
		assert_int_equal(i + 1, started);
		run_started();
		assert_int_equal(i + 1, kernel.binds);
		assert_int_equal(5, kernel.bound[i]);
		assert_int_equal(i + 1, kernel.returns);
	}
	/* A thread that cannot bind does not serve others instead. */
	kernel.info.id = 8;
	kernel.bind_err[1] = EINVAL;
	door_create(nothing, NULL, DOOR_PRIVATE | DOOR_NO_CANCEL);
	run_started();
	assert_int_equal(8, kernel.bound[2]);
	assert_int_equal(2, kernel.returns);
}

static int create_private(uint64_t id)
{
	kernel.info = (struct door_ioc_info){
		.attributes = DOOR_PRIVATE | DOOR_LOCAL, .id = id};
	return door_create(nothing, NULL, DOOR_PRIVATE | DOOR_NO_CANCEL);
}

/* Descriptions stay where they are until nobody can call their door. */
static void test_descriptions(void **state)
{
	const door_info_t *first, *second;

	(void)state;
	assert_int_equal(NEW_DOOR, create_private(31));
	door_server_create(noting);
	assert_int_equal(NEW_DOOR, create_private(32));
	first = given;
	assert_int_equal(NEW_DOOR, create_private(33));
	second = given;
	assert_int_equal(32, first->di_uniquifier);
	assert_int_equal(33, second->di_uniquifier);
	/* The default function's thread finds that its door is gone. */
	kernel.script[0].err = EIDRM;
	run_started();
	assert_int_equal(31, kernel.bound[0]);
	allocated = 0;
	assert_int_equal(NEW_DOOR, create_private(34));
	assert_int_equal(32, first->di_uniquifier);
	assert_int_equal(33, second->di_uniquifier);
	/* In the memory of the first. */
	assert_int_equal(0, allocated);
}

static void test_what_the_function_is_told(void **state)
{
	(void)state;
	door_server_create(noting);
	deplete(0);
	assert_int_equal(1, calls_null);
	kernel.info = (struct door_ioc_info){
		.attributes = DOOR_PRIVATE | DOOR_LOCAL | DOOR_IS_UNREF,
		.procedure = 6,
		.cookie = 7,
		.target = getpid(),
		.id = 8};
	door_create(nothing, NULL, DOOR_PRIVATE | DOOR_NO_CANCEL);
	calls_info = 0;
	deplete(DOOR_PRIVATE);
	assert_int_equal(1, calls_info);
	assert_int_equal(getpid(), last_info.di_target);
	assert_int_equal(6, last_info.di_proc);
	assert_int_equal(7, last_info.di_data);
	assert_int_equal(8, last_info.di_uniquifier);
	assert_int_equal(DOOR_PRIVATE | DOOR_LOCAL | DOOR_DEPLETION_CB,
			 last_info.di_attributes);
	assert_ptr_equal(noting, door_server_create(NULL));
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup(name, reset_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_arguments),
		TEST(test_kernels_errors),
		TEST(test_lost_control_is_opened_once),
		TEST(test_device_of_another_kind),
		TEST(test_first_shared_door),
		TEST(test_one_thread_is_coming),
		TEST(test_taken_threads_have_come),
		TEST(test_fork_in_a_thread_that_is_coming),
		TEST(test_doors_in_the_programs_fork_handler),
		TEST(test_private_doors_bind),
		TEST(test_descriptions),
		TEST(test_what_the_function_is_told),
	};

	pthread_atfork(NULL, NULL, program_in_child);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
