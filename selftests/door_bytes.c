// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often a byte of an argument or a result is copied, by the module's own
 * count: once, except for small results, which pass through kernel memory.
 */
#include "door_test.h"
#include "stats_test.h"

#define KIB 1024UL
#define MIB (KIB * KIB)

/* The first bytes of the argument say how large a result is wanted. */
static void give(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	static char result[MIB];
	uint32_t wanted = 0;

	(void)cookie;
	(void)dp;
	(void)n;
	if (size >= sizeof(wanted))
		memcpy(&wanted, argp, sizeof(wanted));
	door_return(result, wanted, NULL, 0);
}

static int make_giving(void)
{
	return door_create(give, NULL, 0);
}

FIXTURE(bytes)
{
	struct server s;
	char *argument;
	char *result;
};

FIXTURE_SETUP(bytes)
{
	ASSERT_EQ(0, server_with(&self->s, make_giving));
	self->argument = calloc(1, MIB);
	self->result = malloc(MIB);
	ASSERT_TRUE(self->argument && self->result);
}

FIXTURE_TEARDOWN(bytes)
{
	server_stop(&self->s);
}

/* What one call adds to the counters. */
struct cost {
	uint64_t calls, copied, pinned;
};

static int cost_of(FIXTURE_DATA(bytes) * self, size_t argument, uint32_t result,
		   bool rbuf, struct cost *cost)
{
	door_arg_t a = {.data_ptr = self->argument,
			.data_size = argument,
			.rbuf = rbuf ? self->result : NULL,
			.rsize = rbuf ? MIB : 0};
	struct stats before, after;

	memcpy(self->argument, &result, sizeof(result));
	if (!get_stats(&before) || door_call(self->s.door, &a) ||
	    a.data_size != result || !get_stats(&after))
		return -1;
	if (!rbuf && a.rsize)
		munmap(a.rbuf, a.rsize);
	cost->calls = C(after, CALLS) - C(before, CALLS);
	cost->copied =
		C(after, CALL_BYTES_COPIED) - C(before, CALL_BYTES_COPIED);
	cost->pinned =
		C(after, CALL_BYTES_PINNED) - C(before, CALL_BYTES_PINNED);
	return 0;
}

TEST_F(bytes, arguments_are_copied_once)
{
	static const struct {
		size_t size;
		bool pinned;
	} args[] = {
		{0, false},	   {4, false},		 {1000, false},
		{16 * KIB, false}, {16 * KIB + 1, true}, {MIB, true},
	};
	struct cost c;

	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		ASSERT_EQ(0, cost_of(self, args[i].size, 0, true, &c));
		EXPECT_EQ(1, c.calls);
		EXPECT_EQ(args[i].size, c.copied);
		EXPECT_EQ(args[i].pinned ? args[i].size : 0, c.pinned);
	}
}

TEST_F(bytes, results_are_copied_once_if_large)
{
	static const struct {
		uint32_t size;
		bool pinned;
	} results[] = {
		{1, false},
		{8 * KIB, false},
		{8 * KIB + 1, true},
		{MIB, true},
	};
	const size_t asked = sizeof(uint32_t);
	struct cost c;

	for (size_t i = 0; i < 2 * sizeof(results) / sizeof(results[0]); i++) {
		uint32_t size = results[i / 2].size;

		/* In rbuf and in a mapping. */
		ASSERT_EQ(0, cost_of(self, asked, size, i % 2, &c));
		EXPECT_EQ(1, c.calls);
		if (results[i / 2].pinned) {
			EXPECT_EQ(asked + size, c.copied);
			EXPECT_EQ(size, c.pinned);
		} else {
			EXPECT_EQ(asked + 2UL * size, c.copied);
			EXPECT_EQ(0, c.pinned);
		}
	}
}

/* The administrator chooses, within what the memory for it takes. */
TEST_F(bytes, limits_of_what_is_copied)
{
	struct cost c = {0};

	EXPECT_TRUE(set_parameter("args_copy_max", "4294967295"));
	EXPECT_TRUE(set_parameter("results_copy_max", "4294967295"));
	EXPECT_EQ(0, cost_of(self, 16 * KIB, 16 * KIB, true, &c));
	EXPECT_EQ(0, c.pinned);
	EXPECT_EQ(0, cost_of(self, 16 * KIB + 1, 16 * KIB + 1, true, &c));
	EXPECT_EQ(2 * (16 * KIB + 1), c.pinned);
	EXPECT_TRUE(set_parameter("args_copy_max", "0"));
	EXPECT_TRUE(set_parameter("results_copy_max", "0"));
	EXPECT_EQ(0, cost_of(self, 4, 1, true, &c));
	EXPECT_EQ(5, c.pinned);
	EXPECT_EQ(5, c.copied);
	EXPECT_TRUE(set_parameter("args_copy_max", "16384"));
	EXPECT_TRUE(set_parameter("results_copy_max", "8192"));
}

/* Nothing is copied for a call that is refused. */
TEST_F(bytes, nothing_for_nothing)
{
	door_arg_t a = {.data_ptr = self->argument, .data_size = MIB};
	struct stats before, after;

	ASSERT_TRUE(get_stats(&before));
	EXPECT_EQ(-1, door_call(0, &a));
	a.data_ptr = (char *)16;
	EXPECT_EQ(-1, door_call(self->s.door, &a));
	EXPECT_EQ(EFAULT, errno);
	a.data_size = 100;
	EXPECT_EQ(-1, door_call(self->s.door, &a));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_TRUE(get_stats(&after));
	EXPECT_EQ(C(before, CALLS), C(after, CALLS));
	EXPECT_EQ(C(before, CALL_BYTES_COPIED), C(after, CALL_BYTES_COPIED));
	EXPECT_EQ(C(before, CALL_BYTES_PINNED), C(after, CALL_BYTES_PINNED));
}

TEST_HARNESS_MAIN
