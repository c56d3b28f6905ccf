// SPDX-License-Identifier: GPL-2.0-only
/*
 * Private doors that nobody can call any more: revoked, or without an open
 * file, a name, or a call. Their threads end, and not before.
 */
#include "name_test.h"

static int own_door = -1;
static pthread_barrier_t made;

/* A thread of the program's own. */
static void *bind_and_serve(void *p)
{
	pthread_barrier_wait(&made);
	door_bind(own_door);
	door_return(NULL, 0, NULL, 0);
	return p;
}

static void own_create(door_info_t *info)
{
	pthread_t thread;

	if (info && !(info->di_attributes & DOOR_DEPLETION_CB)) {
		pthread_create(&thread, NULL, bind_and_serve, NULL);
		pthread_detach(thread);
	}
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

static int by_default(void)
{
	return door_create(obey, NULL, DOOR_PRIVATE);
}

static int by_program(void)
{
	door_server_create(own_create);
	pthread_barrier_init(&made, NULL, 2);
	own_door = door_create(obey, NULL, DOOR_PRIVATE);
	pthread_barrier_wait(&made);
	return own_door;
}

static int by_factory(void)
{
	return door_xcreate(obey, NULL, 0, factory, NULL, NULL, 3);
}

FIXTURE(ends)
{
	int first;
};

FIXTURE_VARIANT(ends)
{
	int (*make)(void);
};

FIXTURE_VARIANT_ADD(ends, by_default){
	.make = by_default,
};

FIXTURE_VARIANT_ADD(ends, by_program){
	.make = by_program,
};

FIXTURE_VARIANT_ADD(ends, by_factory){
	.make = by_factory,
};

static int count_threads(void)
{
	return threads(getpid(), 0, 0);
}

FIXTURE_SETUP(ends)
{
	int d;

	share();
	/* The library's own thread is there, and those of this door end. */
	d = variant->make();
	ASSERT_EQ(0, ask(d, OP_NOTHING, 0));
	ASSERT_EQ(0, door_revoke(d));
	ASSERT_TRUE(wait_until(count_threads() == 2));
	self->first = 2;
}

FIXTURE_TEARDOWN(ends)
{
}

/* One that is revoked is over, whoever has it still. */
TEST_F(ends, revoked_or_closed)
{
	int kept[20];

	for (int i = 0; i < 20; i++) {
		int d = variant->make();

		ASSERT_LE(0, d);
		ASSERT_EQ(0, ask(d, OP_NOTHING, 0));
		kept[i] = i % 2 ? dup(d) : -1;
		ASSERT_EQ(0, i % 2 ? door_revoke(d) : close(d));
	}
	EXPECT_TRUE(wait_until(count_threads() == self->first));
	for (int i = 1; i < 20; i += 2)
		close(kept[i]);
}

/* A call that runs gets its answer first. */
TEST_F(ends, revoked_in_a_call)
{
	int d = variant->make();
	struct caller c;

	ASSERT_EQ(0, caller_start(&c, d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_EQ(0, door_revoke(d));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_TRUE(wait_until(count_threads() == self->first));
}

/* The device, in this thread, and a private door without a thread. */
struct bare {
	int control;
	int door;
	uint64_t id;
};

static int bare_make(struct bare *b, uint32_t attributes)
{
	struct door_ioc_create c = {
		.procedure = 1, .attributes = DOOR_ATTR_PRIVATE | attributes};

	b->control = open("/dev/door", O_RDWR | O_CLOEXEC);
	b->door = ioctl(b->control, DOOR_IOC_CREATE, &c);
	b->id = b->door < 0 ? 0 : id_of(b->door);
	return b->id ? 0 : -1;
}

static int bare_bind(const struct bare *b)
{
	struct door_ioc_bind bind = {.id = b->id};

	return ioctl(b->control, DOOR_IOC_BIND, &bind) ? errno : 0;
}

static int bare_return(const struct bare *b, struct door_ioc_return *r)
{
	memset(r, 0, sizeof(*r));
	return ioctl(b->control, DOOR_IOC_RETURN, r) ? errno : 0;
}

/* Bound before or after: told at once, as often as it asks; then free again. */
TEST(bound_to_what_is_revoked)
{
	struct door_ioc_return r;
	struct bare b;

	ASSERT_EQ(0, bare_make(&b, 0));
	ASSERT_EQ(0, bare_bind(&b));
	ASSERT_EQ(0, ioctl(b.door, DOOR_IOC_REVOKE));
	EXPECT_EQ(EIDRM, bare_return(&b, &r));
	EXPECT_EQ(EIDRM, bare_return(&b, &r));
	ASSERT_EQ(0, ioctl(b.control, DOOR_IOC_UNBIND));
	ASSERT_EQ(0, bare_bind(&b));
	EXPECT_EQ(EIDRM, bare_return(&b, &r));
	ASSERT_EQ(0, ioctl(b.control, DOOR_IOC_UNBIND));
	close(b.door);
	EXPECT_EQ(EINVAL, bare_bind(&b));
}

static void *revoke_later(void *p)
{
	struct bare *b = (struct bare *)p;

	wait_until(state_of(getpid(), getpid()) == 'S');
	ioctl(b->door, DOOR_IOC_REVOKE);
	return NULL;
}

static void *close_later(void *p)
{
	struct bare *b = (struct bare *)p;

	wait_until(state_of(getpid(), getpid()) == 'S');
	close(b->door);
	return NULL;
}

TEST(told_while_it_waits)
{
	void *(*const ends[])(void *) = {revoke_later, close_later};
	struct door_ioc_return r;
	struct bare b;
	pthread_t t;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, bare_make(&b, 0));
		ASSERT_EQ(0, bare_bind(&b));
		ASSERT_EQ(0, pthread_create(&t, NULL, ends[i], &b));
		EXPECT_EQ(EIDRM, bare_return(&b, &r));
		pthread_join(t, NULL);
		EXPECT_EQ(EIDRM, bare_return(&b, &r));
	}
}

/*
 * Who is still to be told that the door is unreferenced is told so, and by the
 * notice itself the door is in use.
 */
TEST(unreferenced_first)
{
	struct door_ioc_return r;
	struct bare b;
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {.desc_ptr = &d, .desc_num = 1};
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	ASSERT_EQ(0, bare_make(&b, DOOR_ATTR_UNREF));
	ASSERT_EQ(0, bare_bind(&b));
	d.d_data.d_desc.d_descriptor = b.door;
	ASSERT_EQ(0, door_call(s.door, &a));
	close(b.door);
	/* It is in the server, which keeps it until it ends. */
	kill(s.pid, SIGKILL);
	ASSERT_EQ(0, bare_return(&b, &r));
	EXPECT_EQ(DOOR_RETURN_UNREF, r.state & DOOR_RETURN_UNREF);
	EXPECT_EQ(EIDRM, bare_return(&b, &r));
	server_stop(&s);
}

static void *queue_a_call(void *p)
{
	return (void *)(intptr_t)(door_call(*(int *)p, NULL) ? errno : 0);
}

/* A call that waits for its first thread, though its descriptor is closed. */
TEST(queued_call_first)
{
	struct door_ioc_return r;
	struct bare b;
	void *err;
	pthread_t t;
	int d;

	ASSERT_EQ(0, bare_make(&b, 0));
	ASSERT_EQ(0, bare_bind(&b));
	d = b.door;
	ASSERT_EQ(0, pthread_create(&t, NULL, queue_a_call, &d));
	ASSERT_TRUE(wait_until(threads(getpid(), 'S', 0) == 1));
	close(b.door);
	ASSERT_EQ(0, bare_return(&b, &r));
	EXPECT_EQ(b.id, r.id);
	EXPECT_EQ(EIDRM, bare_return(&b, &r));
	pthread_join(t, &err);
	EXPECT_EQ(NULL, err);
}

/* As long as it has a name somebody may come. */
TEST(name_is_enough)
{
	char path[] = "/tmp/door_private.XXXXXX";
	int d;

	close(mkstemp(path));
	share();
	d = by_default();
	ASSERT_EQ(0, ask(d, OP_NOTHING, 0));
	ASSERT_EQ(0, fattach(d, path));
	close(d);
	for (int i = 0; i < 3; i++)
		ASSERT_TRUE(is_door(path));
	ASSERT_EQ(0, fdetach(path));
	/* Only the library's own is left. */
	EXPECT_TRUE(wait_until(count_threads() == 2));
	unlink(path);
}

struct race {
	struct bare b;
	atomic_int go;
	int how;
};

static void *end_in_race(void *p)
{
	struct race *r = (struct race *)p;

	while (!atomic_load(&r->go))
		;
	if (r->how)
		close(r->b.door);
	else
		ioctl(r->b.door, DOOR_IOC_REVOKE);
	return NULL;
}

/* Whoever comes first, nobody waits for ever. */
TEST(bound_at_the_same_time)
{
	struct door_ioc_return r;
	pthread_t t;

	for (int i = 0; i < 100; i++) {
		struct race race = {.how = i & 1};
		int err;

		ASSERT_EQ(0, bare_make(&race.b, 0));
		ASSERT_EQ(0, pthread_create(&t, NULL, end_in_race, &race));
		atomic_store(&race.go, 1);
		err = bare_bind(&race.b);
		EXPECT_TRUE(!err || err == EINVAL);
		if (!err)
			err = bare_return(&race.b, &r);
		EXPECT_TRUE(err == EIDRM || err == EINVAL);
		pthread_join(t, NULL);
		ioctl(race.b.control, DOOR_IOC_UNBIND);
		if (!race.how)
			close(race.b.door);
		close(race.b.control);
	}
}

TEST_HARNESS_MAIN
