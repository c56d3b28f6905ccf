// SPDX-License-Identifier: GPL-2.0-only
/* Limits on what calls may carry. */
#include "door_test.h"

#include <sys/ioctl.h>

static int call_sized(int d, size_t size)
{
	char *p = calloc(1, size + 1);
	door_arg_t a = {.data_ptr = p, .data_size = size};
	int ret = door_call(d, &a), err = errno;

	if (ret == 0 && a.rsize)
		munmap(a.rbuf, a.rsize);
	free(p);
	errno = err;
	return ret;
}

FIXTURE(param)
{
	int d;
};

FIXTURE_SETUP(param)
{
	share();
	self->d = door_create(obey, NULL, 0);
	ASSERT_LE(0, self->d);
}

FIXTURE_TEARDOWN(param)
{
	close(self->d);
}

TEST_F(param, c056_defaults)
{
	size_t v = 1;

	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DATA_MIN, &v));
	EXPECT_EQ(0, v);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DATA_MAX, &v));
	EXPECT_EQ(SIZE_MAX, v);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DESC_MAX, &v));
	EXPECT_EQ(INT_MAX, v);
}

TEST_F(param, c057_refuse_desc)
{
	int d = door_create(obey, NULL, DOOR_REFUSE_DESC);
	size_t v = 1;

	EXPECT_EQ(0, door_getparam(d, DOOR_PARAM_DESC_MAX, &v));
	EXPECT_EQ(0, v);
	EXPECT_EQ(0, door_setparam(d, DOOR_PARAM_DESC_MAX, 0));
	EXPECT_EQ(-1, door_setparam(d, DOOR_PARAM_DESC_MAX, 1));
	EXPECT_EQ(ENOTSUP, errno);
	EXPECT_EQ(0, door_getparam(d, DOOR_PARAM_DESC_MAX, &v));
	EXPECT_EQ(0, v);
}

TEST_F(param, c058_exact_size)
{
	ASSERT_EQ(0, door_setparam(self->d, DOOR_PARAM_DATA_MAX, 64));
	ASSERT_EQ(0, door_setparam(self->d, DOOR_PARAM_DATA_MIN, 64));
	EXPECT_EQ(0, call_sized(self->d, 64));
	EXPECT_EQ(1, shared->ran);
	EXPECT_EQ(-1, call_sized(self->d, 63));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_EQ(-1, call_sized(self->d, 65));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_EQ(1, shared->ran);
}

TEST_F(param, c059_crossed_limits)
{
	size_t v;

	ASSERT_EQ(0, door_setparam(self->d, DOOR_PARAM_DATA_MAX, 100));
	EXPECT_EQ(-1, door_setparam(self->d, DOOR_PARAM_DATA_MIN, 101));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, door_setparam(self->d, DOOR_PARAM_DATA_MIN, 50));
	EXPECT_EQ(-1, door_setparam(self->d, DOOR_PARAM_DATA_MAX, 49));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DATA_MAX, &v));
	EXPECT_EQ(100, v);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DATA_MIN, &v));
	EXPECT_EQ(50, v);
}

TEST_F(param, c060_desc_max_range)
{
	size_t v;

	EXPECT_EQ(-1, door_setparam(self->d, DOOR_PARAM_DESC_MAX,
				    (size_t)INT_MAX + 1));
	EXPECT_EQ(ERANGE, errno);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DESC_MAX, &v));
	EXPECT_EQ(INT_MAX, v);
}

TEST_F(param, c061_unknown)
{
	static const int bad[] = {0, 4, -1, INT_MAX};
	size_t v;

	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(-1, door_getparam(self->d, bad[i], &v));
		EXPECT_EQ(EINVAL, errno);
		EXPECT_EQ(-1, door_setparam(self->d, bad[i], 0));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(param, c062_not_the_owner)
{
	struct server s;
	size_t v;

	ASSERT_EQ(0, server_start(&s));
	EXPECT_EQ(-1, door_setparam(s.door, DOOR_PARAM_DATA_MAX, 1));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, door_getparam(s.door, DOOR_PARAM_DATA_MAX, &v));
	EXPECT_EQ(SIZE_MAX, v);
	server_stop(&s);
}

TEST_F(param, c063_forked_child)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(door_setparam(self->d, DOOR_PARAM_DATA_MAX, 1) != -1 ||
		      errno != EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_F(param, c064_revoked)
{
	int d = dup(self->d);
	size_t v = 1;

	ASSERT_EQ(0, door_revoke(d));
	EXPECT_EQ(-1, door_setparam(self->d, DOOR_PARAM_DATA_MAX, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, door_getparam(self->d, DOOR_PARAM_DATA_MIN, &v));
	EXPECT_EQ(0, v);
}

TEST_F(param, c065_bad_pointer)
{
	EXPECT_EQ(-1,
		  door_getparam(self->d, DOOR_PARAM_DATA_MAX, (size_t *)16));
	EXPECT_EQ(EFAULT, errno);
}

/* Whatever the administrator says, nothing is asked for that cannot be had. */
TEST_F(param, transfer_max_is_not_endless)
{
	struct door_ioc_call ioc = {.data_ptr = (uintptr_t)self,
				    .data_size = 1ULL << 40};

	ASSERT_TRUE(set_parameter("transfer_max", "18446744073709551615"));
	EXPECT_EQ(-1, ioctl(self->d, DOOR_IOC_CALL, &ioc));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_TRUE(set_parameter("transfer_max", "1073741824"));
}

static int fetch_sized(int d, size_t size)
{
	struct request r = {.op = OP_FAIL_THEN_NOTHING, .size = size};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	if (door_call(d, &a))
		return errno;
	if (a.data_size)
		munmap(a.rbuf, a.rsize);
	return a.data_size == size ? 0 : shared->err;
}

/* Small ones and large ones, which are neither copied nor counted alike. */
TEST_F(param, transfer_max_is_exact)
{
	static const size_t max[] = {1000, 100000};
	char value[16];

	for (int i = 0; i < 2; i++) {
		snprintf(value, sizeof(value), "%zu", max[i]);
		ASSERT_TRUE(set_parameter("transfer_max", value));
		EXPECT_EQ(0, call_sized(self->d, max[i]));
		EXPECT_EQ(-1, call_sized(self->d, max[i] + 1));
		EXPECT_EQ(E2BIG, errno);
		EXPECT_EQ(0, fetch_sized(self->d, max[i]));
		EXPECT_EQ(E2BIG, fetch_sized(self->d, max[i] + 1));
	}
	EXPECT_TRUE(set_parameter("transfer_max", "1073741824"));
}

TEST_F(param, no_door)
{
	size_t v;

	EXPECT_EQ(-1, door_getparam(-1, DOOR_PARAM_DATA_MAX, &v));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_setparam(0, DOOR_PARAM_DATA_MAX, 0));
	EXPECT_EQ(EBADF, errno);
}

TEST_HARNESS_MAIN
