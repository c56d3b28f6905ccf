// SPDX-License-Identifier: GPL-2.0-only
/* Who calls, by a kernel that says what the test wants. */
// LINK: lib/cred.c lib/server.c lib/cancel.c lib/control.c lib/private.c
// LINK: lib/door.c
// WRAP: open,close,ioctl,syscall
#include "tests/kernel.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <ucred.h>

#define PIDFD 60

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

static pid_t opened;

long __wrap_syscall(long number, ...)
{
	va_list ap;

	if (number != SYS_pidfd_open)
		return __real_syscall(number);
	va_start(ap, number);
	opened = va_arg(ap, pid_t);
	va_end(ap);
	return PIDFD;
}

static int ret, err;
static size_t size;
static const gid_t *groups;
static void (*ask)(void);

static void asks(void *cookie, char *argp, size_t arg_size, door_desc_t *dp,
		 uint_t n)
{
	nothing(cookie, argp, arg_size, dp, n);
	ask();
	err = errno;
	pthread_exit(NULL);
}

static void *serve(void *p)
{
	door_return(NULL, 0, NULL, 0);
	return p;
}

static void in_procedure(void (*what)(void))
{
	pthread_t thread;

	ask = what;
	opened = 0;
	kernel.script[0].procedure = asks;
	assert_int_equal(0, pthread_create(&thread, NULL, serve, NULL));
	assert_int_equal(0, pthread_join(thread, NULL));
}

static void ask_pidfd(void)
{
	ret = door_pidfd();
}

static void test_pidfd(void **state)
{
	(void)state;
	kernel.creds[0] = kernel.creds[1] = (struct door_ioc_cred){.pid = 7};
	in_procedure(ask_pidfd);
	assert_int_equal(PIDFD, ret);
	assert_int_equal(7, opened);
	assert_int_equal(0, kernel.closes);
}

/* Reaped, it has no number; and by another one it is not who was meant. */
static void test_pidfd_of_a_caller_that_goes(void **state)
{
	static const pid_t later[] = {0, 8};

	for (int i = 0; i < 2; i++) {
		reset(state);
		kernel.creds[0].pid = 7;
		kernel.creds[1].pid = later[i];
		in_procedure(ask_pidfd);
		assert_int_equal(-1, ret);
		assert_int_equal(EINVAL, err);
		assert_int_equal(1, kernel.closes);
	}
	reset(state);
	in_procedure(ask_pidfd);
	assert_int_equal(-1, ret);
	assert_int_equal(ESRCH, err);
	assert_int_equal(0, opened);
}

static void ask_groups(void)
{
	/* The memory of a program that allocates it on its stack. */
	char memory[4096];
	ucred_t *uc = (ucred_t *)memory;

	size = ucred_size();
	memset(memory, 0xcc, sizeof(memory));
	ret = door_ucred(&uc);
	if (ret == 0)
		ret = ucred_getgroups(uc, &groups);
}

static void test_groups(void **state)
{
	(void)state;
	kernel.creds[0].groups_num = 1000;
	in_procedure(ask_groups);
	assert_in_range(size, 1, 4096);
	assert_int_equal(1000, ret);
	assert_int_equal(1000, kernel.asked_groups);
	/* All or none. */
	reset(state);
	kernel.creds[0].groups_num = 1001;
	in_procedure(ask_groups);
	assert_int_equal(-1, ret);
	assert_int_equal(EOVERFLOW, err);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_pidfd),
		TEST(test_pidfd_of_a_caller_that_goes),
		TEST(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
