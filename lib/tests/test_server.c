// SPDX-License-Identifier: GPL-2.0-only
/* A server thread of libdoor, with a kernel that says what the test wants. */
// LINK: lib/server.c lib/create.c lib/xcreate.c lib/cancel.c lib/door.c
// LINK: lib/control.c lib/threads.c lib/private.c
// WRAP: open,close,ioctl,free
#include "tests/kernel.h"

#define DOOR 77

static int ret, err;
static char *argument;
static uintptr_t frame[2];
static int nr;

/* The end of every script. */
static void stop(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	argument = argp;
	pthread_exit(NULL);
}

static void answer(void *cookie, char *argp, size_t size, door_desc_t *dp,
		   uint_t n)
{
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR};

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	frame[nr++ % 2] = (uintptr_t)&d;
	ret = door_return((char *)"data", 4, &d, 1);
	err = errno;
	door_return(NULL, 0, NULL, 0);
	pthread_exit(NULL);
}

static void *serve(void *p)
{
	ret = door_return(NULL, 0, NULL, 0);
	err = errno;
	return p;
}

/* A server thread from its birth to its end. */
static void run(void)
{
	pthread_t thread;

	ret = err = nr = 0;
	assert_int_equal(0, pthread_create(&thread, NULL, serve, NULL));
	assert_int_equal(0, pthread_join(thread, NULL));
}

static void test_signal_does_not_answer_twice(void **state)
{
	(void)state;
	kernel.script[0].procedure = answer;
	kernel.script[1].err = EINTR;
	kernel.script[2].err = EINTR;
	kernel.script[3].procedure = stop;
	run();
	assert_int_equal(4, kernel.returns);
	assert_int_equal(4, kernel.seen[1].data_size);
	assert_int_equal(1, kernel.seen[1].desc_num);
	for (int i = 2; i <= 3; i++) {
		assert_int_equal(0, kernel.seen[i].data_size);
		assert_int_equal(0, kernel.seen[i].desc_num);
	}
}

static void becomes_another(void)
{
	kernel.lost = kernel.last;
}

static void test_lost_control_is_opened_once(void **state)
{
	static const int errors[] = {EPERM, ENOTTY, EBADF};

	for (int i = 0; i < 3; i++) {
		reset(state);
		kernel.script[0].procedure = answer;
		kernel.script[1].err = errors[i];
		kernel.script[2].procedure = stop;
		run();
		/* The answer goes again: it has not been given. */
		assert_int_equal(3, kernel.returns);
		assert_int_equal(4, kernel.seen[2].data_size);
		assert_int_equal(1, kernel.seen[2].desc_num);
		/* EPERM: it is ours to close; else it is not. */
		assert_int_equal(errors[i] == EPERM, kernel.closes);
		reset(state);
		kernel.script[0].procedure = answer;
		kernel.script[1].err = errors[i];
		kernel.script[2].err = errors[i];
		kernel.script[3].procedure = stop;
		run();
		assert_int_equal(-1, ret);
		assert_int_equal(errors[i], err);
		assert_in_range(kernel.opens, 1, 2);
	}
}

/* Not everything says ENOTTY to commands that it does not know. */
static void test_another_device_has_its_own_errors(void **state)
{
	(void)state;
	kernel.script[0].procedure = answer;
	kernel.script[1].err = EINVAL;
	kernel.script[1].meanwhile = becomes_another;
	kernel.script[2].procedure = stop;
	run();
	assert_int_equal(3, kernel.returns);
	assert_int_equal(4, kernel.seen[2].data_size);
	assert_int_equal(0, kernel.closes);
}

static void test_errors_leave_the_caller(void **state)
{
	static const int errors[] = {E2BIG, EFAULT, EMFILE, EINVAL, ENOMEM};

	for (int i = 0; i < 5; i++) {
		reset(state);
		kernel.script[0].procedure = answer;
		kernel.script[1].err = errors[i];
		kernel.script[2].procedure = stop;
		run();
		assert_int_equal(-1, ret);
		assert_int_equal(errors[i], err);
		/* The second attempt, with nothing. */
		assert_int_equal(3, kernel.returns);
		assert_int_equal(0, kernel.seen[2].data_size);
		assert_int_equal(0, kernel.leaves);
	}
}

/* Bound to a door that nobody can call any more: it never comes back. */
static void test_nothing_left_to_serve(void **state)
{
	(void)state;
	kernel.script[0].err = EIDRM;
	run();
	assert_int_equal(0, ret);
	assert_int_equal(1, kernel.returns);
	reset(state);
	kernel.script[0].procedure = answer;
	kernel.script[1].err = EIDRM;
	run();
	assert_int_equal(0, ret);
	assert_int_equal(2, kernel.returns);
	/* The answer has been given. */
	assert_int_equal(4, kernel.seen[1].data_size);
	assert_int_equal(0, kernel.leaves);
}

static void test_procedure_that_returns_leaves(void **state)
{
	(void)state;
	kernel.script[0].procedure = nothing;
	run();
	assert_int_equal(1, kernel.returns);
	assert_int_equal(1, kernel.leaves);
}

static void test_stack_starts_at_the_base(void **state)
{
	(void)state;
	kernel.script[0].procedure = answer;
	kernel.script[1].procedure = answer;
	kernel.script[2].procedure = stop;
	run();
	assert_int_equal(2, nr);
	assert_true(frame[0] == frame[1]);
}

static void test_unreferenced(void **state)
{
	(void)state;
	kernel.script[0].procedure = stop;
	kernel.script[0].state = DOOR_RETURN_UNREF;
	run();
	assert_ptr_equal(DOOR_UNREF_DATA, argument);
}

static void test_bind(void **state)
{
	(void)state;
	kernel.info_err = ENOTTY;
	assert_int_equal(-1, door_bind(DOOR));
	assert_int_equal(EBADF, errno);
	kernel.info_err = 0;
	kernel.info.attributes = DOOR_LOCAL;
	assert_int_equal(-1, door_bind(DOOR));
	assert_int_equal(EINVAL, errno);
	kernel.info.attributes = DOOR_PRIVATE;
	assert_int_equal(-1, door_bind(DOOR));
	assert_int_equal(EINVAL, errno);
	assert_int_equal(0, kernel.binds);
	assert_int_equal(-1, door_unbind());
	assert_int_equal(EBADF, errno);
	kernel.info.attributes = DOOR_PRIVATE | DOOR_LOCAL;
	kernel.info.id = 5;
	kernel.bind_err[0] = EBADF;
	assert_int_equal(0, door_bind(DOOR));
	assert_int_equal(2, kernel.binds);
	assert_int_equal(5, kernel.bound[1]);
	assert_int_equal(0, door_unbind());
	assert_int_equal(1, kernel.unbinds);
	assert_int_equal(-1, door_unbind());
}

/* In the child; the exit status is the number of the first wrong step. */
static int orphan(void)
{
	int before = kernel.returns;

	if (door_return(NULL, 0, NULL, 0) != -1 || errno != EINVAL)
		return 1;
	if (kernel.returns != before)
		return 2;
	if (door_unbind() != 0 || kernel.unbinds)
		return 3;
	if (door_unbind() != -1 || errno != EBADF)
		return 4;
	/* Now it asks the kernel, which has no call for it. */
	if (door_return(NULL, 0, NULL, 0) != -1 || errno != EIO)
		return 5;
	return 0;
}

static void test_orphan_after_fork(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	kernel.info.attributes = DOOR_PRIVATE | DOOR_LOCAL;
	kernel.info.id = 5;
	assert_int_equal(0, door_bind(DOOR));
	pid = fork();
	if (pid == 0)
		_exit(orphan());
	assert_int_equal(pid, waitpid(pid, &status, 0));
	assert_int_equal(0, status);
	assert_int_equal(0, door_unbind());
	assert_int_equal(1, kernel.unbinds);
}

void __real_free(void *p);
void __wrap_free(void *p);

static int frees;

void __wrap_free(void *p)
{
	frees++;
	__real_free(p);
}

static void fork_here(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	pid_t pid;

	nothing(cookie, argp, size, dp, n);
	frees = 0;
	pid = fork();
	if (pid == 0)
		_exit(frees);
	waitpid(pid, &ret, 0);
	pthread_exit(NULL);
}

/* The allocator may have a handler that runs only later. */
static void test_child_frees_nothing(void **state)
{
	(void)state;
	kernel.script[0].procedure = fork_here;
	run();
	assert_int_equal(0, ret);
	/* The parent does, when the thread ends. */
	assert_int_equal(1, frees);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signal_does_not_answer_twice),
		TEST(test_lost_control_is_opened_once),
		TEST(test_another_device_has_its_own_errors),
		TEST(test_errors_leave_the_caller),
		TEST(test_nothing_left_to_serve),
		TEST(test_procedure_that_returns_leaves),
		TEST(test_stack_starts_at_the_base),
		TEST(test_unreferenced),
		TEST(test_bind),
		TEST(test_orphan_after_fork),
		TEST(test_child_frees_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
