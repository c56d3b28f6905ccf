// SPDX-License-Identifier: GPL-2.0-only
/*
 * Large arguments and results are copied from their sender's own memory. What
 * if the receiver never takes them, because its memory is such that a page
 * fault does not end?
 */
#include "door_test.h"

#include <linux/userfaultfd.h>
#include <sched.h>
#include <sys/ioctl.h>

#define SIZE (1 << 20)
#define LOAN_MS 5000

FIXTURE(loan)
{
	struct server s;
	int fault;
	char *rbuf;
	struct caller c;
	long start; /* before the loan, in ms */
};

/* Indices of shared->value. */
enum { STUCK, SEEN, HANDLED };

/* The thread that serves: the others count for nothing. */
static __thread bool serves;

static void on_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&shared->value[HANDLED], serves);
}

/* A file's memory: as long as somebody has it, the file cannot be sealed. */
static char *make_sealable(int *fd)
{
	*fd = memfd_create("door", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0 || ftruncate(*fd, SIZE))
		return MAP_FAILED;
	return mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
}

static int unmap_and_seal(char *p, int fd)
{
	munmap(p, SIZE);
	return fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) ? errno : 0;
}

static char *lent;
static int lent_fd;

/* OP_FILL: @lent, when it is told. OP_NOTHING: has it come back? */
static void lend(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	struct request r;

	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	serves = true;
	enter();
	memcpy(&r, argp, sizeof(r));
	while (atomic_load(&shared->go) < r.value)
		nap();
	if (r.op == OP_NOTHING)
		atomic_store(&shared->err, unmap_and_seal(lent, lent_fd));
	leave();
	door_return(lent, r.op == OP_FILL ? SIZE : 0, NULL, 0);
}

static int make_one_threaded(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &sa, NULL);
	lent = make_sealable(&lent_fd);
	if (lent == MAP_FAILED)
		return -1;
	fill(lent, SIZE, 0);
	door_server_create(create_single);
	return door_create(lend, NULL, 0);
}

/* From now on faults in this memory wait until the result is closed. */
static int make_endless(char *p)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register range = {.mode = UFFDIO_REGISTER_MODE_MISSING};
	int fault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	range.range.start = (uintptr_t)p;
	range.range.len = SIZE;
	if (fault < 0 || ioctl(fault, UFFDIO_API, &api) ||
	    ioctl(fault, UFFDIO_REGISTER, &range))
		return -1;
	return fault;
}

/* A caller that has its answer and hangs. */
static void hang(struct __test_metadata *_metadata, FIXTURE_DATA(loan) * self)
{
	struct pollfd p = {.events = POLLIN};

	ASSERT_EQ(0, madvise(self->rbuf, SIZE, MADV_DONTNEED));
	self->fault = make_endless(self->rbuf);
	ASSERT_LE(0, self->fault);
	self->c.door = self->s.door;
	self->c.request = (struct request){.op = OP_FILL, .size = SIZE};
	self->c.arg = (door_arg_t){.data_ptr = (char *)&self->c.request,
				   .data_size = sizeof(self->c.request),
				   .rbuf = self->rbuf,
				   .rsize = SIZE};
	self->start = now_ms();
	ASSERT_EQ(0,
		  pthread_create(&self->c.thread, NULL, caller_run, &self->c));
	p.fd = self->fault;
	ASSERT_EQ(1, poll(&p, 1, DEADLINE_MS));
}

FIXTURE_SETUP(loan)
{
	ASSERT_EQ(0, server_with(&self->s, make_one_threaded));
	self->rbuf = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->rbuf);
	hang(_metadata, self);
}

FIXTURE_TEARDOWN(loan)
{
	close(self->fault);
	server_stop(&self->s);
}

static void expect_all(struct __test_metadata *_metadata, struct caller *c)
{
	ASSERT_EQ(0, caller_join(c));
	EXPECT_EQ(0, c->ret);
	EXPECT_EQ(SIZE, c->arg.data_size);
	EXPECT_TRUE(is_filled(c->arg.rbuf, SIZE, 0));
}

/*
 * The thread is there for others again soon, and its memory is its own; the
 * caller has its results whenever it takes them.
 */
TEST_F(loan, taken_back)
{
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_LT(now_ms() - self->start, LOAN_MS - 1000);
	EXPECT_EQ(0, shared->err);
	close(self->fault);
	expect_all(_metadata, &self->c);
}

/* So it does if there is a signal for it. */
TEST_F(loan, signal)
{
	threads(self->s.pid, 0, SIGUSR1);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->err);
	close(self->fault);
	expect_all(_metadata, &self->c);
}

static long cpu_ms(pid_t pid)
{
	struct timespec ts = {0};
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &ts))
		return -1;
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/*
 * At once, rather than running in circles for what is left of a quarter of a
 * second. A machine that is late, or that counts as used what it has taken
 * away, says nothing about that: again.
 */
TEST_F(loan, signal_at_once)
{
	bool at_once = false;
	long used, late;

	for (int i = 1; i <= 50; i++) {
		used = cpu_ms(self->s.pid);
		threads(self->s.pid, 0, SIGUSR1);
		late = now_ms() - self->start;
		ASSERT_TRUE(wait_until(shared->value[HANDLED] == i));
		used = cpu_ms(self->s.pid) - used;
		at_once = late < 100 && used < 50;
		close(self->fault);
		expect_all(_metadata, &self->c);
		if (at_once)
			break;
		hang(_metadata, self);
	}
	EXPECT_TRUE(at_once);
}

/* Who takes it in time gets all of it. */
TEST_F(loan, taken_in_time)
{
	close(self->fault);
	expect_all(_metadata, &self->c);
}

/* Nor does a loan make it immortal. */
TEST_F(loan, server_killed)
{
	int status;

	kill(self->s.pid, SIGKILL);
	EXPECT_TRUE(wait_until(waitpid(self->s.pid, &status, WNOHANG) > 0));
	close(self->fault);
	ASSERT_EQ(0, caller_join(&self->c));
	if (self->c.ret) {
		EXPECT_EQ(EINTR, self->c.err);
	} else {
		EXPECT_TRUE(is_filled(self->rbuf, SIZE, 0));
	}
}

static int args_fault = -1;

/* Lets the thread that receives go on when it is told. */
static void *let_go(void *p)
{
	struct pollfd pfd = {.fd = args_fault, .events = POLLIN};

	poll(&pfd, 1, DEADLINE_MS);
	atomic_store(&shared->value[STUCK], pfd.revents == POLLIN);
	while (!atomic_load(&shared->go))
		nap();
	close(args_fault);
	return p;
}

/* After the first large argument, the next one comes to memory that hangs. */
static void receive(void *cookie, char *argp, size_t size, door_desc_t *dp,
		    uint_t n)
{
	pthread_t thread;

	(void)cookie;
	(void)dp;
	(void)n;
	enter();
	if (size == SIZE && args_fault < 0) {
		madvise(argp, SIZE, MADV_DONTNEED);
		args_fault = make_endless(argp);
		atomic_store(&shared->err, args_fault < 0 ? errno : 0);
		pthread_create(&thread, NULL, let_go, NULL);
	} else if (size == SIZE) {
		atomic_store(&shared->value[SEEN], argp[0]);
	}
	leave();
	door_return(NULL, 0, NULL, 0);
}

static int make_receiving(void)
{
	door_server_create(create_single);
	return door_create(receive, NULL, DOOR_NO_CANCEL);
}

/* Whoever gives up has its memory back, and nobody sees what it does there. */
TEST(given_up_before_received)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct caller c = {0};
	struct server s;
	char *arg;
	int fd;

	sigaction(SIGUSR1, &sa, NULL);
	ASSERT_EQ(0, server_with(&s, make_receiving));
	arg = make_sealable(&fd);
	ASSERT_NE(MAP_FAILED, arg);
	memset(arg, 'a', SIZE);
	c.door = s.door;
	c.arg = (door_arg_t){.data_ptr = arg, .data_size = SIZE};
	ASSERT_EQ(0, door_call(s.door, &c.arg));
	ASSERT_EQ(0, shared->err);
	c.arg = (door_arg_t){.data_ptr = arg, .data_size = SIZE};
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
	ASSERT_TRUE(wait_until(shared->value[STUCK]));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	pthread_kill(c.thread, SIGUSR1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(-1, c.ret);
	EXPECT_EQ(EINTR, c.err);
	memset(arg, 's', SIZE);
	EXPECT_EQ(0, unmap_and_seal(arg, fd));
	atomic_store(&shared->go, 1);
	/* There is one thread, and it has gone on without that argument. */
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->value[SEEN]);
	EXPECT_EQ(2, shared->ran);
	server_stop(&s);
}

static int have_it_filled(int d)
{
	struct request r = {.op = OP_FILL, .value = 1};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	if (door_call(d, &a))
		return errno;
	return a.data_size != SIZE || !is_filled(a.data_ptr, SIZE, 0);
}

/* A caller that is stopped is lent nothing, and has its results all the same.
 */
TEST(not_lent_to_the_stopped)
{
	struct server s;
	int status;
	long start;
	pid_t pid;

	ASSERT_EQ(0, server_with(&s, make_one_threaded));
	pid = fork();
	if (pid == 0)
		_exit(have_it_filled(s.door));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	start = now_ms();
	atomic_store(&shared->go, 1);
	/* There is one thread, and it is there, with its memory. */
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_LT(now_ms() - start, LOAN_MS - 2000);
	EXPECT_EQ(0, shared->err);
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	server_stop(&s);
}

FIXTURE(killed)
{
	char *rbuf;
};

FIXTURE_SETUP(killed)
{
	self->rbuf = malloc(SIZE);
	ASSERT_NE(NULL, self->rbuf);
}

FIXTURE_TEARDOWN(killed)
{
	free(self->rbuf);
}

/* All of it or an error, whenever the lender dies. */
TEST_F_TIMEOUT(killed, while_lending, 120)
{
	for (int i = 0; i < 20; i++) {
		struct server s;
		struct caller c = {
			.request = {.op = OP_FILL, .value = i, .size = SIZE}};

		ASSERT_EQ(0, server_start(&s));
		memset(self->rbuf, 0, SIZE);
		c.door = s.door;
		c.arg = (door_arg_t){.data_ptr = (char *)&c.request,
				     .data_size = sizeof(c.request),
				     .rbuf = self->rbuf,
				     .rsize = SIZE};
		atomic_store(&shared->finished, 0);
		ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
		while (!atomic_load(&shared->finished))
			sched_yield();
		for (volatile int n = i * 2000; n > 0; n--)
			;
		server_stop(&s);
		ASSERT_EQ(0, caller_join(&c));
		if (c.ret) {
			EXPECT_EQ(EINTR, c.err);
		} else {
			EXPECT_EQ(SIZE, c.arg.data_size);
			EXPECT_TRUE(is_filled(self->rbuf, SIZE, i));
		}
	}
}

TEST_HARNESS_MAIN
