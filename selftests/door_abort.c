// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel tells a process about callers that have given up, and whether
 * a thread is ever cancelled for a call that it is not in.
 */
#include "cancel_test.h"

#include <sys/ioctl.h>

/*
 * Many calls, given up at any moment. Each has a number, and a server thread
 * knows which it works for until it works for the next: wherever it is when it
 * is cancelled, that call must not have been answered.
 */
#define HAMMER_CALLS 20000
/* Less than all of them where everything takes long. */
#define HAMMER_MS 60000
#define HAMMER_CLIENTS 4

struct hammer {
	atomic_int next;
	atomic_int answered;
	atomic_int given_up;
	atomic_int cancelled;
	atomic_int wrong;
	atomic_int err; /* of the last call that failed without a signal */
	unsigned char done[HAMMER_CALLS];
	atomic_char hit[HAMMER_CALLS];
};

static struct hammer *hammer;
static pthread_key_t ends;
static __thread int working_for;

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

static void thread_ends(void *p)
{
	(void)p;
	atomic_fetch_add(&hammer->cancelled, 1);
	atomic_fetch_add(&hammer->hit[working_for], 1);
	atomic_fetch_add(&shared->value[ENDED], 1);
}

static void *park_counted(void *p)
{
	pthread_setspecific(ends, &ends);
	return park_enabled(p);
}

static void create_counted(door_info_t *info)
{
	pthread_t thread;

	(void)info;
	if (pthread_create(&thread, NULL, park_counted, NULL) == 0)
		pthread_detach(thread);
}

static void nap_ns(long ns)
{
	struct timespec t = {0, ns};

	nanosleep(&t, NULL);
}

static void hammered(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	int nr;

	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	memcpy(&nr, argp, sizeof(nr));
	working_for = nr;
	switch (nr % 4) {
	case 0:
		break;
	case 1:
		pthread_testcancel();
		sched_yield();
		break;
	case 2:
		nap_ns(nr % 100000);
		break;
	case 3:
		for (volatile int i = 0; i < nr % 5000; i++)
			;
	}
	door_return((char *)&nr, sizeof(nr), NULL, 0);
}

static int make_hammered(void)
{
	pthread_key_create(&ends, thread_ends);
	door_server_create(create_counted);
	return door_create(hammered, NULL, 0);
}

static void *hammer_on(void *p)
{
	const struct server *s = p;
	int nr, got, before;

	for (;;) {
		door_arg_t a = {(char *)&nr, sizeof(nr),   NULL,
				0,	     (char *)&got, sizeof(got)};

		nr = atomic_fetch_add(&hammer->next, 1);
		if (nr >= HAMMER_CALLS)
			return NULL;
		before = caught;
		if (door_call(s->door, &a)) {
			/* Without a signal, its thread was taken from it. */
			if (errno == EINTR && caught != before) {
				atomic_fetch_add(&hammer->given_up, 1);
			} else {
				atomic_store(&hammer->err, errno);
				atomic_fetch_add(&hammer->wrong, 1);
			}
			continue;
		}
		hammer->done[nr] = 1;
		atomic_fetch_add(&hammer->answered, 1);
		if (a.data_size != sizeof(nr) || got != nr)
			atomic_fetch_add(&hammer->wrong, 1);
	}
}

FIXTURE(hammer)
{
	struct server s;
};

FIXTURE_SETUP(hammer)
{
	handle(SIGUSR1);
	hammer = mmap(NULL, sizeof(*hammer), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, hammer);
	ASSERT_EQ(0, server_with(&self->s, make_hammered));
}

FIXTURE_TEARDOWN(hammer)
{
	server_stop(&self->s);
}

TEST_F_TIMEOUT(hammer, c128_at_any_moment, 170)
{
	pthread_t client[HAMMER_CLIENTS];
	unsigned int seed = 4711;
	long end = now_ms() + HAMMER_MS;
	int both = 0, calls;

	for (int i = 0; i < HAMMER_CLIENTS; i++)
		ASSERT_EQ(0, pthread_create(&client[i], NULL, hammer_on,
					    &self->s));
	while (hammer->next < HAMMER_CALLS && now_ms() < end) {
		nap_ns(next_random(&seed) % 300000);
		pthread_kill(client[next_random(&seed) % HAMMER_CLIENTS],
			     SIGUSR1);
	}
	calls = atomic_exchange(&hammer->next, HAMMER_CALLS);
	if (calls > HAMMER_CALLS)
		calls = HAMMER_CALLS;
	for (int i = 0; i < HAMMER_CLIENTS; i++)
		ASSERT_EQ(0, pthread_join(client[i], NULL));
	/* Whatever was started and has not ended waits; so do two that do not
	 * serve. */
	EXPECT_TRUE(
		wait_until(threads(self->s.pid, 0, 0) ==
			   shared->value[STARTED] - shared->value[ENDED] + 2));
	for (int i = 0; i < HAMMER_CALLS; i++)
		both += hammer->done[i] && hammer->hit[i];
	EXPECT_EQ(0, both);
	EXPECT_EQ(0, hammer->wrong);
	EXPECT_EQ(0, hammer->err);
	EXPECT_EQ(calls, hammer->answered + hammer->given_up);
	EXPECT_LE(hammer->cancelled, hammer->given_up);
	/* It was worth it. */
	EXPECT_LT(calls / 4, hammer->answered);
	EXPECT_LT(1000, calls);
	EXPECT_LT(50, hammer->cancelled);
	TH_LOG("%d answered, %d given up, %d threads cancelled",
	       hammer->answered, hammer->given_up, hammer->cancelled);
}

/* Without the library: what the command says, and what it keeps to itself. */
FIXTURE(notice)
{
	int control;
	int door;
	pthread_t thread;
	atomic_int tid;
	atomic_long serial;
	int (*instead)(int control); /* of the answer */
	struct caller c;
};

static void *serve_raw(void *p)
{
	FIXTURE_DATA(notice) *self = p;
	struct door_ioc_return r = {0};

	atomic_store(&self->tid, (int)syscall(SYS_gettid));
	for (;;) {
		if (ioctl(self->control, DOOR_IOC_RETURN, &r))
			return NULL;
		atomic_store(&self->serial, (long)r.call);
		enter();
		while (r.arg_size && !atomic_load(&shared->go))
			nap();
		leave();
		if (r.arg_size && self->instead) {
			atomic_store(&shared->err,
				     self->instead(self->control) ? errno : 0);
			atomic_store(&shared->value[ENDED], 1);
			while (atomic_load(&shared->value[ENDED]))
				nap();
		}
		memset(&r, 0, sizeof(r));
	}
}

FIXTURE_SETUP(notice)
{
	struct door_ioc_create create = {.procedure = 1};

	handle(SIGUSR1);
	share();
	self->control = open("/dev/door", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->control);
	self->door = ioctl(self->control, DOOR_IOC_CREATE, &create);
	ASSERT_LE(0, self->door);
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, serve_raw, self));
}

FIXTURE_TEARDOWN(notice)
{
}

/* Waits in a thread of its own, so that it can be seen to wait. */
struct told {
	pthread_t thread;
	atomic_int tid;
	int control;
	int ret, err;
	struct door_ioc_aborted ioc;
};

static void *wait_to_be_told(void *p)
{
	struct told *t = p;

	atomic_store(&t->tid, (int)syscall(SYS_gettid));
	t->ret = ioctl(t->control, DOOR_IOC_ABORTED, &t->ioc);
	t->err = errno;
	return NULL;
}

#define START_WAIT(t)                                                     \
	do {                                                              \
		(t)->control = self->control;                             \
		ASSERT_EQ(0, pthread_create(&(t)->thread, NULL,           \
					    wait_to_be_told, (t)));       \
		ASSERT_TRUE(wait_until(                                   \
			(t)->tid &&state_of(getpid(), (t)->tid) == 'S')); \
	} while (0)

TEST_F(notice, tells_which_and_only_once)
{
	struct door_ioc_aborted ioc;
	struct told t = {0};

	ASSERT_EQ(0, start_inside(&self->c, self->door));
	ASSERT_EQ(0, give_up(&self->c));
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_ABORTED, &ioc));
	EXPECT_EQ((unsigned long)self->serial, ioc.call);
	EXPECT_EQ(self->tid, ioc.thread);
	EXPECT_EQ(0, ioc.reserved);
	START_WAIT(&t);
	pthread_kill(t.thread, SIGUSR1);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(-1, t.ret);
	EXPECT_EQ(EINTR, t.err);
}

TEST_F(notice, wakes_the_one_that_waits)
{
	struct told t = {0};

	START_WAIT(&t);
	ASSERT_EQ(0, start_inside(&self->c, self->door));
	EXPECT_EQ('S', state_of(getpid(), t.tid));
	ASSERT_EQ(0, give_up(&self->c));
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(0, t.ret);
	EXPECT_EQ((unsigned long)self->serial, t.ioc.call);
}

/* Nobody listened while it ran: nobody hears of it afterwards. */
TEST_F(notice, does_not_accumulate)
{
	struct told t = {0};

	for (int i = 0; i < 5; i++) {
		atomic_store(&shared->go, 0);
		ASSERT_EQ(0, start_inside(&self->c, self->door));
		ASSERT_EQ(0, give_up(&self->c));
		atomic_store(&shared->go, 1);
		ASSERT_TRUE(wait_until(shared->inside == 0));
		ASSERT_EQ(0, door_call(self->door, NULL));
	}
	START_WAIT(&t);
	atomic_store(&shared->go, 0);
	ASSERT_EQ(0, start_inside(&self->c, self->door));
	ASSERT_EQ(0, give_up(&self->c));
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(0, t.ret);
	EXPECT_EQ((unsigned long)self->serial, t.ioc.call);
}

/* Nothing is said of a door that does not want it. */
TEST_F(notice, none_without_cancellation)
{
	struct door_ioc_create create = {.procedure = 1,
					 .attributes = DOOR_ATTR_NO_CANCEL};
	int d = ioctl(self->control, DOOR_IOC_CREATE, &create);
	struct told t = {0};

	ASSERT_LE(0, d);
	ASSERT_EQ(0, start_inside(&self->c, d));
	ASSERT_EQ(0, give_up(&self->c));
	START_WAIT(&t);
	pthread_kill(t.thread, SIGUSR1);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(-1, t.ret);
	EXPECT_EQ(EINTR, t.err);
}

/* The caller gives up; then the thread does what it does instead of answering.
 */
#define START_ENDED(how)                                          \
	do {                                                      \
		self->instead = (how);                            \
		ASSERT_EQ(0, start_inside(&self->c, self->door)); \
		ASSERT_EQ(0, give_up(&self->c));                  \
		atomic_store(&shared->go, 1);                     \
		ASSERT_TRUE(wait_until(shared->value[ENDED]));    \
	} while (0)

static int stop_serving(int control)
{
	return ioctl(control, DOOR_IOC_LEAVE);
}

TEST_F(notice, none_after_leaving)
{
	struct told t = {0};

	START_ENDED(stop_serving);
	EXPECT_EQ(0, shared->err);
	START_WAIT(&t);
	pthread_kill(t.thread, SIGUSR1);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(-1, t.ret);
	EXPECT_EQ(EINTR, t.err);
}

static int answer_badly(int control)
{
	struct door_ioc_return r = {.data_ptr = 16, .data_size = 1};

	return ioctl(control, DOOR_IOC_RETURN, &r);
}

/* An answer that fails ends nothing. */
TEST_F(notice, kept_if_the_answer_fails)
{
	struct door_ioc_aborted ioc;

	START_ENDED(answer_badly);
	EXPECT_EQ(EFAULT, shared->err);
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_ABORTED, &ioc));
	EXPECT_EQ((unsigned long)self->serial, ioc.call);
	EXPECT_EQ(self->tid, ioc.thread);
}

TEST_F(notice, errors)
{
	struct door_ioc_aborted ioc;
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(ioctl(self->control, DOOR_IOC_ABORTED, &ioc) != -1 ||
		      errno != EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-1, ioctl(self->control, _IO(DOOR_IOC_MAGIC, 0x0f), &ioc));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1,
		  ioctl(self->control, _IOR(DOOR_IOC_MAGIC, 0x0f, int), &ioc));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, start_inside(&self->c, self->door));
	ASSERT_EQ(0, give_up(&self->c));
	EXPECT_EQ(-1, ioctl(self->control, DOOR_IOC_ABORTED, (void *)1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_HARNESS_MAIN
