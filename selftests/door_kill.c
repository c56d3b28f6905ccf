// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at any moment of many calls. Who calls a server that is killed gets
 * its own answer, or EINTR, and from then on EBADF; who is served by one whose
 * other clients are killed does not notice.
 */
#include <stdbool.h>

#include "door_test.h"

#include "kill_test.h"

#define CALLERS 3
#define SIZE 24000

/* An echo of something that only this call has sent. Return: 0 or errno. */
static int echo(int d, unsigned int what, bool *mine)
{
	static __thread char arg[SIZE], result[SIZE];
	size_t n = what % 7 ? what % 500 : SIZE - sizeof(struct request);
	struct request r = {.op = OP_ECHO};
	door_arg_t a = {.data_ptr = arg,
			.data_size = sizeof(r) + n,
			.rbuf = result,
			.rsize = sizeof(result)};

	memcpy(arg, &r, sizeof(r));
	fill(arg + sizeof(r), n, what);
	if (door_call(d, &a))
		return errno;
	*mine = a.data_size == n && is_filled(a.data_ptr, n, what);
	return 0;
}

FIXTURE(kill){};

FIXTURE_SETUP(kill)
{
}

FIXTURE_TEARDOWN(kill)
{
}

/**
 * struct calls - a thread that calls until it cannot
 * @err: why it stopped
 * @wrong: answers that were another call's
 * @odd: errors that have no place there
 */
struct calls {
	pthread_t thread;
	int door;
	unsigned int number;
	int err;
	int wrong;
	int odd;
};

static void *call_on(void *p)
{
	struct calls *c = (struct calls *)p;
	bool mine = true;

	do {
		c->err = echo(c->door, c->number += 16, &mine);
		c->wrong += !mine;
		c->odd += c->err && c->err != EINTR && c->err != EBADF;
	} while (c->err != EBADF && !c->odd);
	return NULL;
}

TEST_F_TIMEOUT(kill, server, KILL_TIMEOUT)
{
	unsigned int seed = kill_seed();

	for (int i = 0; i < kills_wanted(); i++) {
		struct calls c[CALLERS] = {};
		struct server s;
		pid_t k;

		ASSERT_EQ(0, server_start(&s));
		for (int n = 0; n < CALLERS; n++) {
			c[n].door = s.door;
			c[n].number = n;
			ASSERT_EQ(0, pthread_create(&c[n].thread, NULL, call_on,
						    &c[n]));
		}
		k = kill_later(s.pid, &seed);
		for (int n = 0; n < CALLERS; n++) {
			ASSERT_EQ(0, pthread_join(c[n].thread, NULL));
			EXPECT_EQ(0, c[n].wrong);
			EXPECT_EQ(0, c[n].odd)
			{
				TH_LOG("a call failed with %d", c[n].err);
			}
		}
		ASSERT_TRUE(both_gone(s.pid, k));
		close(s.sock);
		close(s.door);
	}
}

static void call_and_count(int d, struct score *score)
{
	unsigned int what = 0;
	bool mine = true;

	while (!echo(d, what++, &mine) && mine)
		score->sent++;
	pause();
}

TEST_F_TIMEOUT(kill, client, KILL_TIMEOUT)
{
	struct score *score = score_make();
	unsigned int seed = kill_seed(), what = 0;
	bool mine = true;
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < kills_wanted(); i++) {
		pid_t v = fork(), k;

		if (!v) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			call_and_count(s.door, score);
			_exit(1);
		}
		k = kill_later(v, &seed);
		while (kill(k, 0) == 0 && waitpid(k, NULL, WNOHANG) == 0) {
			ASSERT_EQ(0, echo(s.door, what++, &mine));
			ASSERT_TRUE(mine);
		}
		ASSERT_TRUE(both_gone(v, k));
		ASSERT_EQ(0, echo(s.door, what++, &mine));
		ASSERT_TRUE(mine);
	}
	/* What the victims had begun comes to its end. */
	EXPECT_TRUE(wait_until(shared->inside == 0));
	server_stop(&s);
}

TEST_HARNESS_MAIN
