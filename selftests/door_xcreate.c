// SPDX-License-Identifier: GPL-2.0-only
/* Doors with a thread factory of their own. */
#include "door_test.h"

static atomic_int factory_calls, setups, answer = 1;

static void setup(void *cookie)
{
	(void)cookie;
	atomic_fetch_add(&setups, 1);
}

static int factory(door_info_t *info, void *(*start)(void *), void *arg,
		   void *cookie)
{
	pthread_t thread;
	int ret = atomic_load(&answer);

	(void)info;
	(void)cookie;
	atomic_fetch_add(&factory_calls, 1);
	if (ret == 1)
		pthread_create(&thread, NULL, start, arg);
	return ret;
}

static void cancel_state(void *cookie, char *argp, size_t size, door_desc_t *dp,
			 uint_t n)
{
	int old;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	atomic_store(&shared->value[0], old);
	door_return(NULL, 0, NULL, 0);
}

TEST(c019_c105_threads_are_bound)
{
	struct caller c[10];
	door_info_t info;
	int d;

	share();
	d = door_xcreate(obey, NULL, 0, factory, NULL, NULL, 10);
	ASSERT_LE(0, d);
	EXPECT_EQ(10, factory_calls);
	ASSERT_EQ(0, door_info(d, &info));
	EXPECT_TRUE(info.di_attributes & DOOR_PRIVATE);
	EXPECT_TRUE(info.di_attributes & DOOR_PRIVCREATE);
	for (int i = 0; i < 10; i++)
		ASSERT_EQ(0, caller_start(&c[i], d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 10));
	atomic_store(&shared->go, 1);
	for (int i = 0; i < 10; i++) {
		ASSERT_EQ(0, caller_join(&c[i]));
		EXPECT_EQ(0, c[i].ret);
	}
}

TEST(depletion_uses_the_factory)
{
	struct caller c[5];
	int d;

	share();
	d = door_xcreate(obey, NULL, 0, factory, NULL, NULL, 1);
	ASSERT_LE(0, d);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, caller_start(&c[i], d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 5));
	EXPECT_LE(5, factory_calls);
	atomic_store(&shared->go, 1);
	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, caller_join(&c[i]));
}

TEST(c106_no_depletion)
{
	struct caller a, b;
	int d;

	share();
	d = door_xcreate(obey, NULL, DOOR_NO_DEPLETION_CB, factory, NULL, NULL,
			 1);
	ASSERT_LE(0, d);
	ASSERT_EQ(0, caller_start(&a, d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_EQ(0, caller_start(&b, d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(caller_sleeps(&b)));
	EXPECT_EQ(1, shared->inside);
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&a));
	ASSERT_EQ(0, caller_join(&b));
	EXPECT_EQ(1, factory_calls);
}

TEST(c107_errors)
{
	int fds, d;

	share();
	d = door_create(obey, NULL, 0);
	ASSERT_LE(0, d);
	fds = count_fds();
	EXPECT_EQ(-1, door_xcreate(obey, NULL, 0, factory, NULL, NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_xcreate(obey, NULL, 0, NULL, NULL, NULL, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_xcreate(obey, NULL, 0x800, factory, NULL, NULL, 1));
	EXPECT_EQ(EINVAL, errno);
	atomic_store(&answer, 0);
	EXPECT_EQ(-1, door_xcreate(obey, NULL, 0, factory, NULL, NULL, 1));
	EXPECT_EQ(EINVAL, errno);
	atomic_store(&answer, -1);
	EXPECT_EQ(-1, door_xcreate(obey, NULL, 0, factory, NULL, NULL, 1));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(fds, count_fds());
}

TEST(c108_setup)
{
	int d;

	share();
	d = door_xcreate(cancel_state, NULL, 0, factory, setup, NULL, 2);
	ASSERT_LE(0, d);
	EXPECT_EQ(2, setups);
	ASSERT_EQ(0, door_call(d, NULL));
	EXPECT_EQ(PTHREAD_CANCEL_ENABLE, shared->value[0]);
	d = door_xcreate(cancel_state, NULL, 0, factory, NULL, NULL, 1);
	ASSERT_EQ(0, door_call(d, NULL));
	EXPECT_EQ(PTHREAD_CANCEL_DISABLE, shared->value[0]);
}

TEST_HARNESS_MAIN
