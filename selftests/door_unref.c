// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unreferenced delivery. One door of the server hands out another, whose last
 * client is to be noticed.
 */
#include "door_test.h"

#include <sys/ioctl.h>

static int watched = -1;

/*
 * The thread has no call any more, and lives on. The library's descriptor is
 * its own; with a door, this one is the process's, too.
 */
static void stop_serving(void)
{
	struct door_ioc_create create = {.procedure = 1};
	int control = open("/dev/door", O_RDWR | O_CLOEXEC);
	int door = ioctl(control, DOOR_IOC_CREATE, &create);

	if (door < 0 || ioctl(control, DOOR_IOC_LEAVE))
		atomic_store(&shared->err, errno);
	close(door);
	close(control);
}

/* What the argument may ask for. */
enum { WAIT = 1, LEAVE_AND_WAIT };

static void watch(void *cookie, char *argp, size_t size, door_desc_t *dp,
		  uint_t n)
{
	door_info_t info;
	int op = 0;

	(void)cookie;
	if (argp == DOOR_UNREF_DATA) {
		atomic_store(&shared->value[0], size || dp || n);
		if (door_info(watched, &info) == 0)
			atomic_store(&shared->value[1],
				     (int)info.di_attributes);
		door_cred_t cred;
		atomic_store(&shared->value[2],
			     door_cred(&cred) || cred.dc_pid ||
				     cred.dc_euid != geteuid());
		atomic_fetch_add(&shared->unrefs, 1);
		while (atomic_load(&shared->value[4]))
			nap();
		door_return(NULL, 0, NULL, 0);
	}
	if (size == sizeof(op))
		memcpy(&op, argp, sizeof(op));
	atomic_fetch_add(&shared->inside, 1);
	if (op == LEAVE_AND_WAIT)
		stop_serving();
	while (op && !atomic_load(&shared->go))
		nap();
	atomic_fetch_sub(&shared->inside, 1);
	door_return(NULL, 0, NULL, 0);
}

static void dispense(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR};

	(void)cookie;
	(void)argp;
	(void)dp;
	(void)n;
	/* Any argument at all: revoke it first. */
	if (size) {
		door_revoke(dup(watched));
		door_return(NULL, 0, NULL, 0);
	}
	d.d_data.d_desc.d_descriptor = watched;
	door_return(NULL, 0, &d, 1);
}

static int make_with(uint_t attributes)
{
	watched = door_create(watch, NULL, attributes);
	return door_create(dispense, NULL, 0);
}

static int make_once(void)
{
	return make_with(DOOR_UNREF);
}

static int make_multi(void)
{
	return make_with(DOOR_UNREF_MULTI);
}

static int make_private(void)
{
	return make_with(DOOR_UNREF_MULTI | DOOR_PRIVATE);
}

static int make_limited(void)
{
	int d = make_multi();

	door_setparam(watched, DOOR_PARAM_DATA_MIN, 4);
	return d;
}

/* A descriptor of the watched door. */
static int obtain(int d)
{
	door_arg_t a = {0};
	int fd;

	if (door_call(d, &a) || a.desc_num != 1)
		return -1;
	fd = a.desc_ptr->d_data.d_desc.d_descriptor;
	munmap(a.rbuf, a.rsize);
	return fd;
}

/* Long enough for a notice that should not come to come. */
static void settle(int d)
{
	for (int i = 0; i < 20; i++)
		close(dup(d));
	for (int i = 0; i < 50; i++)
		nap();
}

FIXTURE(unref)
{
	struct server s;
};

FIXTURE_VARIANT(unref)
{
	int (*make)(void);
	int multi;
};

FIXTURE_VARIANT_ADD(unref, once){
	.make = make_once,
	.multi = 0,
};

FIXTURE_VARIANT_ADD(unref, multi){
	.make = make_multi,
	.multi = 1,
};

FIXTURE_VARIANT_ADD(unref, private){
	.make = make_private,
	.multi = 1,
};

FIXTURE_SETUP(unref)
{
	ASSERT_EQ(0, server_with(&self->s, variant->make));
}

FIXTURE_TEARDOWN(unref)
{
	server_stop(&self->s);
}

TEST_F(unref, c143_never_referenced)
{
	settle(self->s.door);
	EXPECT_EQ(0, shared->unrefs);
}

TEST_F(unref, c027_c121_c144_c145_c147_c152_notices)
{
	for (int i = 1; i <= 5; i++) {
		int d = obtain(self->s.door);

		ASSERT_LE(0, d);
		close(d);
		ASSERT_TRUE(
			wait_until(shared->unrefs == (variant->multi ? i : 1)));
	}
	settle(self->s.door);
	EXPECT_EQ(variant->multi ? 5 : 1, shared->unrefs);
	/* The arguments, IS_UNREF (154), the attribute (27), the ids (121). */
	EXPECT_EQ(0, shared->value[0]);
	EXPECT_TRUE(shared->value[1] & DOOR_IS_UNREF);
	EXPECT_EQ(0, shared->value[1] & DOOR_UNREF);
	EXPECT_EQ(0, shared->value[2]);
}

TEST_F(unref, c146_c148_c155_only_the_last)
{
	int a = obtain(self->s.door), b = obtain(self->s.door), c = dup(b);
	pid_t pid;

	close(a);
	close(b);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	close(c);
	settle(self->s.door);
	EXPECT_EQ(0, shared->unrefs);
	/* 155: killed, not closed. */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_TRUE(wait_until(shared->unrefs == 1));
	settle(self->s.door);
	EXPECT_EQ(1, shared->unrefs);
}

static void *call_and_wait(void *p)
{
	int op = WAIT;
	door_arg_t a = {.data_ptr = (char *)&op, .data_size = sizeof(op)};

	return (void *)(intptr_t)door_call(*(int *)p, &a);
}

TEST_F(unref, c149_after_the_last_call)
{
	int d = obtain(self->s.door);
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, call_and_wait, &d));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	close(d);
	settle(self->s.door);
	EXPECT_EQ(0, shared->unrefs);
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	EXPECT_TRUE(wait_until(shared->unrefs == 1));
	settle(self->s.door);
	EXPECT_EQ(1, shared->unrefs);
}

/* Its thread has left the call, and does not end. */
TEST_F(unref, after_the_last_call_was_left)
{
	int d = obtain(self->s.door), op = LEAVE_AND_WAIT;
	door_arg_t a = {.data_ptr = (char *)&op, .data_size = sizeof(op)};

	EXPECT_EQ(-1, door_call(d, &a));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(0, shared->err);
	close(d);
	EXPECT_TRUE(wait_until(shared->unrefs == 1));
	EXPECT_EQ(1, shared->inside);
	atomic_store(&shared->go, 1);
}

TEST_F(unref, c150_revoked)
{
	int d = obtain(self->s.door);
	door_arg_t a = {.data_ptr = "x", .data_size = 1};

	ASSERT_EQ(0, door_call(self->s.door, &a));
	close(d);
	settle(self->s.door);
	EXPECT_EQ(0, shared->unrefs);
}

TEST_F(unref, c154_referenced_again)
{
	int d = obtain(self->s.door);

	atomic_store(&shared->value[4], 1);
	close(d);
	ASSERT_TRUE(wait_until(shared->unrefs == 1));
	/* While the notice is being handled: no second one before it ends. */
	close(obtain(self->s.door));
	settle(self->s.door);
	EXPECT_EQ(1, shared->unrefs);
	atomic_store(&shared->value[4], 0);
	if (variant->multi)
		EXPECT_TRUE(wait_until(shared->unrefs == 2));
	settle(self->s.door);
	EXPECT_EQ(1 + variant->multi, shared->unrefs);
}

TEST(c066_limits_do_not_apply)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_limited));
	close(obtain(s.door));
	EXPECT_TRUE(wait_until(shared->unrefs == 1));
	server_stop(&s);
}

/* Without the library, so that no thread waits until the test wants one to. */
FIXTURE(raw)
{
	int control;
	int door;
	struct door_ioc_return r;
	struct server s;
};

FIXTURE_SETUP(raw)
{
	struct door_ioc_create create = {.attributes = DOOR_ATTR_UNREF_MULTI};

	share();
	self->control = open("/dev/door", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->control);
	self->door = ioctl(self->control, DOOR_IOC_CREATE, &create);
	ASSERT_LE(0, self->door);
}

FIXTURE_TEARDOWN(raw)
{
}

/* Another process gets the door. */
static int start_visit(struct server *s, int d)
{
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {.desc_ptr = &desc, .desc_num = 1};

	desc.d_data.d_desc.d_descriptor = d;
	return server_start(s) || door_call(s->door, &a);
}

static int visit(FIXTURE_DATA(raw) * self)
{
	int ret = start_visit(&self->s, self->door);

	server_stop(&self->s);
	return ret;
}

/* Answers and waits. Return: the state of the next invocation. */
static int next_state(FIXTURE_DATA(raw) * self)
{
	memset(&self->r, 0, sizeof(self->r));
	return ioctl(self->control, DOOR_IOC_RETURN, &self->r)
		       ? -1
		       : (int)self->r.state;
}

#define CALL DOOR_RETURN_DEPLETED
#define NOTICE (DOOR_RETURN_UNREF | DOOR_RETURN_DEPLETED)

TEST_F(raw, c147_c149_one_at_a_time)
{
	struct caller c[2];
	uint64_t call;

	/* Two that go before anybody can be told: one notice. */
	ASSERT_EQ(0, visit(self));
	ASSERT_EQ(0, visit(self));
	ASSERT_EQ(NOTICE, next_state(self));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, caller_start(&c[i], self->door, OP_NOTHING, 0));
		ASSERT_TRUE(wait_until(caller_sleeps(&c[i])));
	}
	ASSERT_EQ(CALL, next_state(self));
	EXPECT_EQ(sizeof(struct request), self->r.arg_size);
	/* One goes during a call, but now another one is there. */
	ASSERT_EQ(0, visit(self));
	ASSERT_EQ(0, start_visit(&self->s, self->door));
	ASSERT_EQ(CALL, next_state(self));
	ASSERT_EQ(0, caller_join(&c[0]));
	call = self->r.call;
	server_stop(&self->s);
	/* It carries nothing, and is an invocation like others. */
	ASSERT_EQ(NOTICE, next_state(self));
	ASSERT_EQ(0, caller_join(&c[1]));
	EXPECT_EQ(0, self->r.arg_size);
	EXPECT_EQ(0, self->r.arg_ptr);
	EXPECT_LT(call, self->r.call);
	/* To stop serving ends it, too. */
	ASSERT_EQ(0, visit(self));
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_LEAVE));
	ASSERT_EQ(NOTICE, next_state(self));
}

static void *wait_for_notice(void *p)
{
	struct door_ioc_return r = {0};

	atomic_store(&shared->word[1], (int)syscall(SYS_gettid));
	if (ioctl(*(int *)p, DOOR_IOC_RETURN, &r) == 0)
		atomic_store(&shared->word[0], r.state);
	return NULL;
}

/* The thread that is told counts as one that serves, and so does its end. */
TEST_F(raw, c096_c147_told_of_depletion)
{
	pthread_t thread[2];

	for (int i = 0; i < 2; i++) {
		atomic_store(&shared->word[1], 0);
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, wait_for_notice,
					    &self->control));
		ASSERT_TRUE(
			wait_until(shared->word[1] &&
				   state_of(getpid(), shared->word[1]) == 'S'));
	}
	ASSERT_EQ(0, visit(self));
	ASSERT_TRUE(wait_until(shared->word[0]));
	EXPECT_EQ(DOOR_RETURN_UNREF, shared->word[0]);
	ASSERT_EQ(0, pthread_join(thread[1], NULL));
	atomic_store(&shared->word[0], 0);
	ASSERT_EQ(0, visit(self));
	ASSERT_EQ(0, pthread_join(thread[0], NULL));
	EXPECT_EQ(NOTICE, shared->word[0]);
}

/* Whichever comes first, no door is left behind; run.sh counts them. */
TEST_F(unref, server_goes_with_the_last_client)
{
	for (int i = 0; i < 20; i++) {
		int d = obtain(self->s.door);

		ASSERT_LE(0, d);
		kill(self->s.pid, SIGKILL);
		for (volatile int n = i * 3000; n > 0; n--)
			;
		close(d);
		server_stop(&self->s);
		ASSERT_EQ(0, server_with(&self->s, variant->make));
	}
}

TEST_HARNESS_MAIN
