// SPDX-License-Identifier: GPL-2.0-only
/* What a procedure gets, and what it may do with it. */
#include "door_test.h"

static const size_t sizes[] = {0,     1,     7,	    64,	    4095,   4096,
			       4097,  8191,  8192,  8193,   16383,  16384,
			       16385, 65536, 65537, 262144, 1048576};

static void note_argument(void *cookie, char *argp, size_t size,
			  door_desc_t *dp, uint_t n)
{
	(void)cookie;
	atomic_store(&shared->word[0], (long)(uintptr_t)argp);
	atomic_store(&shared->word[1], (long)size);
	atomic_store(&shared->word[2], (long)(uintptr_t)dp);
	atomic_store(&shared->word[3], n);
	door_return(NULL, 0, NULL, 0);
}

static int make_noting(void)
{
	return door_create(note_argument, NULL, 0);
}

TEST(c036_c153_empty_argument_has_no_address)
{
	door_arg_t a = {.data_ptr = (char *)DOOR_UNREF_DATA};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_noting));
	atomic_store(&shared->word[0], 5);
	ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(0, shared->word[0]);
	EXPECT_EQ(0, shared->word[1]);
	EXPECT_EQ(0, shared->word[2]);
	EXPECT_EQ(0, shared->word[3]);
	server_stop(&s);
}

TEST(c045_alignment)
{
	char data[70000];
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_noting));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		door_arg_t a = {.data_ptr = data, .data_size = sizes[i]};

		if (sizes[i] > sizeof(data))
			continue;
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(0, shared->word[0] % 16);
		EXPECT_EQ((long)sizes[i], shared->word[1]);
	}
	server_stop(&s);
}

static void scribble(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	(void)cookie;
	(void)dp;
	(void)n;
	memset(argp, 0x55, size);
	/* The argument itself is the answer. */
	door_return(argp, size, NULL, 0);
}

static int make_scribbling(void)
{
	return door_create(scribble, NULL, 0);
}

TEST(c043_c044_argument_is_the_servers)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_scribbling));
	for (size_t i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *data = malloc(sizes[i]);
		door_arg_t a = {.data_ptr = data, .data_size = sizes[i]};

		fill(data, sizes[i], 1);
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_TRUE(is_filled(data, sizes[i], 1));
		ASSERT_EQ(sizes[i], a.data_size);
		for (size_t j = 0; j < sizes[i]; j++)
			ASSERT_EQ(0x55, a.data_ptr[j]);
		munmap(a.rbuf, a.rsize);
		free(data);
	}
	server_stop(&s);
}

static void insist(void *cookie, char *argp, size_t size, door_desc_t *dp,
		   uint_t n)
{
	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	atomic_store(&shared->value[0],
		     door_return((char *)"four", 4, NULL, 0));
	atomic_store(&shared->err, errno);
	while (!atomic_load(&shared->go))
		nap();
	door_return(NULL, 0, NULL, 0);
}

static int make_insisting(void)
{
	return door_create(insist, NULL, 0);
}

static void *call_without(void *p)
{
	return (void *)(intptr_t)door_call(*(int *)p, NULL);
}

TEST(c050_result_not_wanted)
{
	struct server s;
	pthread_t thread;
	void *ret = (void *)1;

	ASSERT_EQ(0, server_with(&s, make_insisting));
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_without, &s.door));
	ASSERT_TRUE(wait_until(shared->err));
	EXPECT_EQ(-1, shared->value[0]);
	EXPECT_EQ(E2BIG, shared->err);
	/* Still blocked. */
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, &ret));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	server_stop(&s);
}

TEST_HARNESS_MAIN
