// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile user, with nothing but a descriptor of another user's door:
 * whatever he does, that server goes on answering others, about as fast as it
 * would if he only burned as much processor time; and he gains nothing.
 *
 * Times are compared with those of the same machine, a moment before, with as
 * many processes that do nothing but turn: a busy or slow machine changes both.
 */
#include "door_test.h"

#include "stall_test.h"

#include <sched.h>
#include <stropts.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#define HOSTILE 65533
#define CROWD 4
#define CALLS 200
/* How many times slower the slow calls may be, and a floor for what is no wait.
 */
#define RATIO 20
#define FLOOR_US 200000L
/*
 * A server with one thread waits for results to be taken, a quarter of a second
 * each time, and may be asked for some by each of the crowd.
 */
#define ALONE_US 3000000L

static long now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int by_size(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/*
 * What 99 of 100 of @calls of a third user take no longer than. -1: one failed.
 * Is over as soon as it is sure to be more than @limit.
 */
static long slow_call(int d, int calls, long limit)
{
	static long us[CALLS];
	int slower = 0;

	for (int i = 0; i < calls; i++) {
		long from = now_us();

		if (ask(d, OP_NOTHING, 0))
			return -1;
		us[i] = now_us() - from;
		slower += us[i] > limit;
		if (slower > calls / 100)
			return us[i];
	}
	qsort(us, calls, sizeof(*us), by_size);
	return us[calls * 99 / 100];
}

/* One of the crowd; does it again and again, and never returns. */
typedef void misdeed(int d);

static void become_hostile(void)
{
	if (setresgid(HOSTILE, HOSTILE, HOSTILE) ||
	    setresuid(HOSTILE, HOSTILE, HOSTILE))
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whatever he starts has to go with him. */
	signal(SIGCHLD, SIG_IGN);
}

static void crowd_start(pid_t *pid, misdeed *run, int d)
{
	for (int i = 0; i < CROWD; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			setpgid(0, 0);
			become_hostile();
			atomic_fetch_add(&shared->value[0], 1);
			for (;;)
				run(d);
		}
		setpgid(pid[i], pid[i]);
	}
}

static void crowd_end(pid_t *pid)
{
	for (int i = 0; i < CROWD; i++) {
		kill(-pid[i], SIGKILL);
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
}

static void only_turn(int d)
{
	(void)d;
	for (;;)
		__asm__ volatile("");
}

/* Whatever he has started goes on, or hangs, until he is killed. */
static void sit_still(void)
{
	for (;;)
		pause();
}

/* Waits in a call and is stopped; his place is kept, and nobody waits for him.
 */
static void is_stopped(int d)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct request r = {.op = OP_FILL, .size = 1 << 16};
		door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

		for (;;)
			if (!door_call(d, &a) && a.rsize)
				munmap(a.rbuf, a.rsize);
	}
	for (int i = 0; i < 5; i++)
		nap();
	kill(pid, SIGSTOP);
	atomic_fetch_add(&shared->value[1], 1);
	sit_still();
}

static void is_killed(int d)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			ask(d, OP_NOTHING, 0);
	}
	nap();
	kill(pid, SIGKILL);
}

static void runs_when_nobody_does(int d)
{
	struct sched_param p = {0};

	sched_setscheduler(0, SCHED_IDLE, &p);
	for (;;)
		ask(d, OP_ECHO, 0);
}

static int his_door;
static struct stall in, out;

static void *takes_nothing(void *p)
{
	struct request r = {.op = OP_FILL, .size = 1 << 16};
	door_arg_t a = {.data_ptr = (char *)&r,
			.data_size = sizeof(r),
			.rbuf = in.mem,
			.rsize = in.size};

	door_call(his_door, &a);
	return p;
}

static void *brings_it_slowly(void *p)
{
	door_arg_t a = {.data_ptr = out.mem, .data_size = 10000};

	door_call(his_door, &a);
	return p;
}

/* Asks for much into memory that stalls, and brings some that does. */
static void stalls(int d)
{
	pthread_t thread[2];

	his_door = d;
	if (!stall_open(&in, 1 << 16, 0) ||
	    !stall_open(&out, 1 << 16, STALL_PAGE))
		_exit(1);
	pthread_create(&thread[0], NULL, takes_nothing, NULL);
	pthread_create(&thread[1], NULL, brings_it_slowly, NULL);
	while (!stall_hit(&in, 1000))
		;
	atomic_fetch_add(&shared->value[1], 1);
	sit_still();
}

/* As much as goes, and takes none of it. */
static void wants_much(int d)
{
	static char big[2 << 20];
	struct request r = {.op = OP_FILL, .size = 4 << 20};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	if (!door_call(d, &a) && a.rbuf)
		munmap(a.rbuf, a.rsize);
	a = (door_arg_t){.data_ptr = big, .data_size = sizeof(big)};
	door_call(d, &a);
	a = (door_arg_t){.data_ptr = (char *)&r,
			 .data_size = sizeof(r),
			 .rbuf = (char *)8,
			 .rsize = 8 << 20};
	door_call(d, &a);
}

static void floods(int d)
{
	door_desc_t desc[200];
	door_arg_t a = {.desc_ptr = desc, .desc_num = 200};

	for (int i = 0; i < 200; i++)
		desc[i] = (door_desc_t){.d_attributes = DOOR_DESCRIPTOR,
					.d_data.d_desc.d_descriptor = d};
	door_call(d, &a);
}

static void *serve_own(void *p)
{
	door_bind(*(int *)p);
	door_return(NULL, 0, NULL, 0);
	return p;
}

/* A server of his own that comes and goes. */
static void binds(int d)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (int i = 0; i < 20; i++) {
			pthread_t t;
			int own = door_create(obey, NULL, DOOR_PRIVATE);

			pthread_create(&t, NULL, serve_own, &own);
			ask(own, OP_NOTHING, 0);
			ask(d, OP_NOTHING, 0);
			door_bind(own);
			door_unbind();
			door_revoke(own);
			close(own);
		}
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void names(int d)
{
	char path[] = "/tmp/door_hostile.XXXXXX";
	int fd = mkstemp(path);

	fchmod(fd, 0666);
	for (int i = 0; i < 20; i++) {
		fattach(d, path);
		close(open(path, O_RDONLY));
		fdetach(path);
	}
	unlink(path);
	close(fd);
}

static void talks_nonsense(int d)
{
	static unsigned int seed;
	uint64_t ioc[16];

	if (!seed)
		seed = getpid();
	for (int i = 0; i < 16; i++)
		ioc[i] = rand_r(&seed) % 3 ? rand_r(&seed) : 0;
	/* Every size and direction; no call, which might wait for nobody. */
	for (unsigned int nr = 0; nr < 0x50; nr++)
		if (nr != _IOC_NR(DOOR_IOC_CALL))
			ioctl(d,
			      _IOC(rand_r(&seed) % 4, DOOR_IOC_MAGIC, nr,
				   rand_r(&seed) % 130),
			      ioc);
	ioctl(d, DOOR_IOC_CALL, ioc);
	ioctl(d, DOOR_IOC_CALL, 8);
}

FIXTURE(hostile)
{
	struct server s;
	char stalling; /* whether users may have memory that does */
};

FIXTURE_VARIANT(hostile)
{
	misdeed *run;
	bool alone;
};

#define MISDEED(what)                      \
	FIXTURE_VARIANT_ADD(hostile, what) \
	{                                  \
		.run = what                \
	}

MISDEED(is_stopped);
MISDEED(is_killed);
MISDEED(runs_when_nobody_does);
MISDEED(stalls);
MISDEED(wants_much);
MISDEED(floods);
MISDEED(binds);
MISDEED(names);
MISDEED(talks_nonsense);

/* Against a server that has one thread: whoever keeps it keeps everybody. */
#define MISDEED_ALONE(what)                        \
	FIXTURE_VARIANT_ADD(hostile, what##_alone) \
	{                                          \
		.run = what, .alone = true         \
	}

MISDEED_ALONE(is_stopped);
MISDEED_ALONE(is_killed);
MISDEED_ALONE(runs_when_nobody_does);
MISDEED_ALONE(stalls);

/* Of yet another user. */
static int make_modest(void)
{
	if (setresgid(1, 1, 1) || setresuid(1, 1, 1))
		return -1;
	return door_create(obey, NULL, 0);
}

static int make_modest_alone(void)
{
	door_server_create(create_single);
	return make_modest();
}

#define MAY_STALL "/proc/sys/vm/unprivileged_userfaultfd"

/* Return: what was there before. */
static char let_stall(char yes)
{
	int fd = open(MAY_STALL, O_RDWR);
	char before = 0;

	if (pread(fd, &before, 1, 0) != 1 || pwrite(fd, &yes, 1, 0) != 1)
		before = 0;
	close(fd);
	return before;
}

FIXTURE_SETUP(hostile)
{
	self->stalling = let_stall('1');
	ASSERT_NE(0, self->stalling);
	ASSERT_EQ(0, server_with(&self->s, variant->alone ? make_modest_alone
							  : make_modest));
	ASSERT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

FIXTURE_TEARDOWN(hostile)
{
	let_stall(self->stalling);
	server_stop(&self->s);
}

static long most(long a, long b)
{
	return a > b ? a : b;
}

TEST_F_TIMEOUT(hostile, others_are_served, 300)
{
	/* Those of one thread may take a second each. */
	int calls = variant->alone ? CALLS / 10 : CALLS;
	long undisturbed, disturbed = 0, limit;
	pid_t pid[CROWD];

	crowd_start(pid, only_turn, -1);
	ASSERT_TRUE(wait_until(shared->value[0] == CROWD));
	undisturbed = slow_call(self->s.door, calls, LONG_MAX);
	crowd_end(pid);
	ASSERT_LT(0, undisturbed);
	limit = most(RATIO * undisturbed,
		     variant->alone ? ALONE_US * slow() : FLOOR_US);
	/* What it costs others is seen again, or it was something else. */
	for (int i = 0; i < 3; i++) {
		atomic_store(&shared->value[0], 0);
		atomic_store(&shared->value[1], 0);
		crowd_start(pid, variant->run, self->s.door);
		ASSERT_TRUE(wait_until(shared->value[0] == CROWD));
		if (variant->run == stalls || variant->run == is_stopped)
			ASSERT_TRUE(wait_until(shared->value[1] > 0));
		disturbed = slow_call(self->s.door, calls, limit);
		crowd_end(pid);
		ASSERT_LT(0, disturbed);
		if (disturbed <= limit)
			break;
	}
	printf("# 99 of 100 calls: %ld us, with him %ld us, no more than %ld "
	       "us\n",
	       undisturbed, disturbed, limit);
	EXPECT_LE(disturbed, limit);
	/* And everything that he left is gone through in the end. */
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

/* What he may not do with the door: nothing but call it. */
static int gains_something(int d)
{
	struct door_ioc_param p = {.param = DOOR_IOC_PARAM_DATA_MAX,
				   .value = 1};
	struct door_ioc_create c = {.procedure = 1};
	struct door_ioc_return r = {0};
	struct door_ioc_info info = {0};
	struct door_ioc_cred cred = {0};
	struct door_ioc_bind bind = {0};
	struct itimerval again = {.it_interval.tv_sec = 1,
				  .it_value.tv_sec = 1};
	int control = open("/dev/door", O_RDWR);

	if (control < 0 || ioctl(control, DOOR_IOC_CREATE, &c) < 0)
		return 1;
	if (!ioctl(d, DOOR_IOC_REVOKE) || errno != EPERM)
		return 2;
	if (!ioctl(d, DOOR_IOC_SETPARAM, &p) || errno != EPERM)
		return 3;
	if (ioctl(d, DOOR_IOC_INFO, &info) || info.procedure || info.cookie)
		return 4;
	bind.id = info.id;
	if (!ioctl(control, DOOR_IOC_BIND, &bind) || errno != EINVAL)
		return 5;
	if (!ioctl(control, DOOR_IOC_CRED, &cred) || errno != EINVAL)
		return 6;
	/* Nor serve it: there are no calls but those of his own doors. */
	setitimer(ITIMER_REAL, &again, NULL);
	if (!ioctl(control, DOOR_IOC_RETURN, &r) || errno != EINTR)
		return 7;
	if (!ioctl(control, DOOR_IOC_CRED, &cred) || errno != EINVAL)
		return 8;
	if (!ioctl(control, DOOR_IOC_UNBIND) || errno != EBADF)
		return 9;
	return 0;
}

static void no_op(int sig)
{
	(void)sig;
}

TEST(gains_nothing)
{
	struct sigaction sa = {.sa_handler = no_op};
	struct caller c;
	struct server s;
	int status;
	pid_t pid;

	ASSERT_EQ(0, server_with(&s, make_modest));
	/* Somebody's call is running meanwhile. */
	ASSERT_EQ(0, caller_start(&c, s.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	pid = fork();
	if (pid == 0) {
		sigaction(SIGALRM, &sa, NULL);
		become_hostile();
		_exit(gains_something(s.door));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status >> 8);
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	server_stop(&s);
}

TEST_HARNESS_MAIN
