// SPDX-License-Identifier: GPL-2.0-only
/* The client half of libdoor, with a kernel that says what the test wants. */
// LINK: lib/door.c lib/control.c
// WRAP: ioctl
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <door.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/door.h>

#define DOOR 77

static unsigned long last[4];
static int calls, answer, answer_errno;
static struct door_ioc_info info_answer;
static struct door_ioc_param param_answer;

int __wrap_ioctl(int fd, unsigned long command, ...);

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	assert_int_equal(DOOR, fd);
	last[calls++ % 4] = command;
	/* Whatever is asked for, an abandoned call is abandoned. */
	if (command == DOOR_IOC_ABANDON)
		return 0;
	if (command == DOOR_IOC_INFO)
		*(struct door_ioc_info *)arg = info_answer;
	if (command == DOOR_IOC_GETPARAM)
		((struct door_ioc_param *)arg)->value = param_answer.value;
	if (command == DOOR_IOC_SETPARAM)
		param_answer = *(struct door_ioc_param *)arg;
	errno = answer_errno;
	return answer;
}

static int reset(void **state)
{
	(void)state;
	calls = answer = answer_errno = 0;
	return 0;
}

static void say(int err)
{
	answer = err ? -1 : 0;
	answer_errno = err;
}

static void test_call_passes_errors(void **state)
{
	static const int errors[] = {EBADF, ENOBUFS, ENOTSUP, ENFILE,
				     E2BIG, EFAULT,  EMFILE,  EOVERFLOW};
	door_arg_t a = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		say(errors[i]);
		assert_int_equal(-1, door_call(DOOR, &a));
		assert_int_equal(errors[i], errno);
	}
	assert_int_equal(sizeof(errors) / sizeof(errors[0]), calls);
}

static void test_no_door_is_ebadf(void **state)
{
	door_info_t info;
	size_t value;

	(void)state;
	say(ENOTTY);
	assert_int_equal(-1, door_call(DOOR, NULL));
	assert_int_equal(EBADF, errno);
	assert_int_equal(-1, door_info(DOOR, &info));
	assert_int_equal(EBADF, errno);
	assert_int_equal(-1, door_revoke(DOOR));
	assert_int_equal(EBADF, errno);
	assert_int_equal(-1, door_getparam(DOOR, DOOR_PARAM_DATA_MIN, &value));
	assert_int_equal(EBADF, errno);
	assert_int_equal(-1, door_setparam(DOOR, DOOR_PARAM_DATA_MIN, 0));
	assert_int_equal(EBADF, errno);
}

static void test_interrupted_call_is_abandoned(void **state)
{
	(void)state;
	say(EINTR);
	assert_int_equal(-1, door_call(DOOR, NULL));
	assert_int_equal(EINTR, errno);
	assert_int_equal(2, calls);
	assert_int_equal(DOOR_IOC_CALL, last[0]);
	assert_int_equal(DOOR_IOC_ABANDON, last[1]);
}

static void test_info_is_translated(void **state)
{
	door_info_t info;

	(void)state;
	memset(&info, 0xcc, sizeof(info));
	info_answer = (struct door_ioc_info){.target = 5,
					     .attributes = DOOR_ATTR_LOCAL,
					     .procedure = 6,
					     .cookie = 7,
					     .id = UINT64_MAX - 1};
	assert_int_equal(0, door_info(DOOR, &info));
	assert_int_equal(5, info.di_target);
	assert_int_equal(DOOR_LOCAL, info.di_attributes);
	assert_int_equal(6, info.di_proc);
	assert_int_equal(7, info.di_data);
	assert_true(info.di_uniquifier == UINT64_MAX - 1);
	assert_int_equal(0, info.di_resv[0]);
	assert_int_equal(0, info.di_resv[3]);
}

static void test_info_bad_pointer(void **state)
{
	(void)state;
	assert_int_equal(-1, door_info(DOOR, (door_info_t *)16));
	assert_int_equal(EFAULT, errno);
}

/* Its beginning is there. */
static void test_info_half_bad_pointer(void **state)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_true(pages != MAP_FAILED);
	assert_int_equal(0, mprotect(pages + page, page, PROT_NONE));
	errno = 0;
	assert_int_equal(-1, door_info(DOOR, (void *)(pages + page - 8)));
	assert_int_equal(EFAULT, errno);
	munmap(pages, 2 * page);
}

static void test_unlimited_is_size_max(void **state)
{
	size_t value = 0;

	(void)state;
	param_answer.value = UINT64_MAX;
	assert_int_equal(0, door_getparam(DOOR, DOOR_PARAM_DATA_MAX, &value));
	assert_true(value == SIZE_MAX);
	assert_int_equal(0, door_setparam(DOOR, DOOR_PARAM_DATA_MAX, SIZE_MAX));
	assert_true(param_answer.value == UINT64_MAX);
	assert_int_equal(DOOR_IOC_PARAM_DATA_MAX, param_answer.param);
}

static void test_attributes_are_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(DOOR_ATTR_UNREF, DOOR_UNREF);
	assert_int_equal(DOOR_ATTR_PRIVATE, DOOR_PRIVATE);
	assert_int_equal(DOOR_ATTR_UNREF_MULTI, DOOR_UNREF_MULTI);
	assert_int_equal(DOOR_ATTR_REFUSE_DESC, DOOR_REFUSE_DESC);
	assert_int_equal(DOOR_ATTR_NO_CANCEL, DOOR_NO_CANCEL);
	assert_int_equal(DOOR_ATTR_NO_DEPLETION, DOOR_NO_DEPLETION_CB);
	assert_int_equal(DOOR_ATTR_PRIVCREATE, DOOR_PRIVCREATE);
	assert_int_equal(DOOR_ATTR_LOCAL, DOOR_LOCAL);
	assert_int_equal(DOOR_ATTR_REVOKED, DOOR_REVOKED);
	assert_int_equal(DOOR_ATTR_IS_UNREF, DOOR_IS_UNREF);
	assert_int_equal(DOOR_IOC_PARAM_DESC_MAX, DOOR_PARAM_DESC_MAX);
	assert_int_equal(DOOR_IOC_PARAM_DATA_MAX, DOOR_PARAM_DATA_MAX);
	assert_int_equal(DOOR_IOC_PARAM_DATA_MIN, DOOR_PARAM_DATA_MIN);
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_call_passes_errors),
		TEST(test_no_door_is_ebadf),
		TEST(test_interrupted_call_is_abandoned),
		TEST(test_info_is_translated),
		TEST(test_info_bad_pointer),
		TEST(test_info_half_bad_pointer),
		TEST(test_unlimited_is_size_max),
		TEST(test_attributes_are_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
