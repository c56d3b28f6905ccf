// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers that give up while the thread that works for them has its
 * cancellation disabled: that is no business of the thread's later callers, not
 * even if it enables it for them.
 */
#include "cancel_test.h"

/* A second door of the process, whose threads are cancelled at once. */
static int other = -1;

static void give_other(void)
{
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR};

	d.d_data.d_desc.d_descriptor = other;
	door_return(NULL, 0, &d, 1);
}

static int get_other(int d)
{
	struct request r = {.op = OP_WHERE};
	door_desc_t desc[2] = {0};
	door_arg_t a = {(char *)&r, sizeof(r),	  NULL,
			0,	    (char *)desc, sizeof(desc)};

	return door_call(d, &a) ? -1 : a.desc_ptr->d_data.d_desc.d_descriptor;
}

/* Waits; or works for a moment in which it may be cancelled. */
static void stubborn(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	struct request r = {.op = OP_NOTHING};
	int old;

	(void)cookie;
	(void)dp;
	(void)n;
	if (size >= sizeof(r))
		memcpy(&r, argp, sizeof(r));
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	atomic_store(&shared->value[TID], (int)syscall(SYS_gettid));
	if (r.op == OP_WHERE)
		give_other();
	if (r.op == OP_WAIT) {
		enter();
		while (atomic_load(&shared->go) < r.value)
			nap();
		leave();
	} else {
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
		pthread_testcancel();
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	}
	door_return(NULL, 0, NULL, 0);
}

static void cleaned(void *p)
{
	(void)p;
	leave();
	atomic_fetch_add(&shared->value[CLEANED], 1);
}

/* Enables its cancellation and waits for it. */
static void willing(void *cookie, char *argp, size_t size, door_desc_t *dp,
		    uint_t n)
{
	int old;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);
	pthread_cleanup_push(cleaned, NULL);
	enter();
	while (!atomic_load(&shared->go))
		nap();
	pthread_cleanup_pop(0);
	leave();
	door_return(NULL, 0, NULL, 0);
}

static int factory(door_info_t *info, void *(*start)(void *), void *arg,
		   void *cookie)
{
	pthread_t thread;

	(void)info;
	(void)cookie;
	if (pthread_create(&thread, NULL, start, arg))
		return -1;
	pthread_detach(thread);
	return 1;
}

static void setup(void *cookie)
{
	(void)cookie;
}

/* One thread, which the library has disabled. */
static int one_disabled(void)
{
	return door_xcreate(stubborn, NULL, DOOR_NO_DEPLETION_CB, factory, NULL,
			    NULL, 1);
}

/* One that the procedure disables; others can be made. */
static int one_enabled(void)
{
	return door_xcreate(stubborn, NULL, 0, factory, setup, NULL, 1);
}

static int default_shared(void)
{
	return door_create(stubborn, NULL, 0);
}

static int default_private(void)
{
	return door_create(stubborn, NULL, DOOR_PRIVATE);
}

static int (*make)(void);

static int make_two(void)
{
	other = door_xcreate(willing, NULL, 0, factory, setup, NULL, 1);
	return make();
}

FIXTURE(disabled)
{
	struct server s;
	int other;
};

FIXTURE_VARIANT(disabled)
{
	int (*make)(void);
	int same_thread;
};

FIXTURE_VARIANT_ADD(disabled, of_factory){
	.make = one_disabled,
	.same_thread = 1,
};

FIXTURE_VARIANT_ADD(disabled, by_procedure){
	.make = one_enabled,
};

FIXTURE_VARIANT_ADD(disabled, default_shared){
	.make = default_shared,
};

FIXTURE_VARIANT_ADD(disabled, default_private){
	.make = default_private,
};

FIXTURE_SETUP(disabled)
{
	handle(SIGUSR1);
	make = variant->make;
	ASSERT_EQ(0, server_with(&self->s, make_two));
	self->other = get_other(self->s.door);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(disabled)
{
	server_stop(&self->s);
}

TEST_F(disabled, next_caller)
{
	struct caller c, second;
	int tid;

	for (int i = 1; i <= 5; i++) {
		atomic_store(&shared->go, 0);
		ASSERT_EQ(0, start_inside(&c, self->s.door));
		tid = shared->value[TID];
		ASSERT_EQ(0, give_up(&c));
		/* Told of another one, the server has been told of this. */
		ASSERT_EQ(0, start_inside(&second, self->other));
		ASSERT_EQ(0, give_up(&second));
		ASSERT_TRUE(wait_until(shared->value[CLEANED] == i));
		atomic_store(&shared->go, 1);
		ASSERT_TRUE(wait_until(shared->inside == 0));
		for (int j = 0; j < 4; j++) {
			EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
			if (variant->same_thread)
				EXPECT_EQ(tid, shared->value[TID]);
		}
	}
}

static int make_willing(void)
{
	return door_create(willing, NULL, 0);
}

/* A thread of the library's function that the procedure enables. */
TEST(c128_enabled_by_the_procedure)
{
	struct caller c;
	struct server s;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&s, make_willing));
	ASSERT_EQ(0, start_inside(&c, s.door));
	ASSERT_EQ(0, give_up(&c));
	EXPECT_TRUE(wait_until(shared->value[CLEANED] == 1));
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(1, shared->value[CLEANED]);
	server_stop(&s);
}

TEST_HARNESS_MAIN
