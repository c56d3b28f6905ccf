// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals, deaths and revocation on either side, before a call is delivered,
 * while it is served and after.
 */
#include "door_test.h"

static void on_signal(int sig)
{
	(void)sig;
	if (shared)
		atomic_fetch_add(&shared->value[7], 1);
}

static void handle(int sig, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	sigaction(sig, &sa, NULL);
}

/* A server whose only thread stays so. */
static void no_create(door_info_t *info)
{
	(void)info;
	atomic_fetch_add(&shared->created, 1);
}

/* As the library's own threads, it works on for a caller that has given up. */
static void *park(void *p)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	door_return(NULL, 0, NULL, 0);
	return p;
}

static int make_single(void)
{
	pthread_t thread;
	int d;

	door_server_create(no_create);
	d = door_create(obey, NULL, 0);
	pthread_create(&thread, NULL, park, NULL);
	return d;
}

FIXTURE(death)
{
	struct server s;
	struct caller c, waiter;
};

FIXTURE_SETUP(death)
{
	ASSERT_EQ(0, server_with(&self->s, make_single));
	/* The thread is there. */
	ASSERT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	atomic_store(&shared->ran, 0);
}

FIXTURE_TEARDOWN(death)
{
	server_stop(&self->s);
}

/* A call that stays in the procedure until shared->go. */
#define START_INSIDE()                                                       \
	do {                                                                 \
		ASSERT_EQ(0,                                                 \
			  caller_start(&self->c, self->s.door, OP_WAIT, 1)); \
		ASSERT_TRUE(wait_until(shared->inside == 1));                \
		ASSERT_TRUE(wait_until(caller_sleeps(&self->c)));            \
	} while (0)

/* A call that waits for the thread. */
#define START_WAITING()                                                \
	do {                                                           \
		ASSERT_EQ(0, caller_start(&self->waiter, self->s.door, \
					  OP_NOTHING, 0));             \
		ASSERT_TRUE(wait_until(caller_sleeps(&self->waiter))); \
	} while (0)

static void signal_during(struct __test_metadata *_metadata,
			  struct __fixture_metadata *f,
			  FIXTURE_DATA(death) * self, int flags)
{
	(void)f;
	handle(SIGUSR1, flags);
	START_INSIDE();
	ASSERT_EQ(0, pthread_kill(self->c.thread, SIGUSR1));
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(-1, self->c.ret);
	EXPECT_EQ(EINTR, self->c.err);
	/* 124: the procedure goes on, and the door works. */
	EXPECT_EQ(1, shared->inside);
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(shared->inside == 0));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(2, shared->ran);
}

TEST_F(death, c123_c124_client_signal)
{
	signal_during(_metadata, NULL, self, 0);
}

TEST_F(death, c123_c124_client_signal_sa_restart)
{
	signal_during(_metadata, NULL, self, SA_RESTART);
}

TEST_F(death, c125_retry_runs_twice)
{
	handle(SIGUSR1, 0);
	START_INSIDE();
	ASSERT_EQ(0, pthread_kill(self->c.thread, SIGUSR1));
	ASSERT_EQ(0, caller_join(&self->c));
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(self->s.door, OP_WAIT, 1));
	EXPECT_EQ(2, shared->ran);
}

TEST_F(death, c126_stop_and_continue)
{
	int status;
	pid_t pid;

	pid = ask_process(self->s.door, OP_WAIT, 1);
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_EQ(0, stop_and_continue(pid));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, shared->ran);
}

TEST_F(death, c126_answered_while_stopped)
{
	int status;
	pid_t pid;

	pid = ask_process(self->s.door, OP_WAIT, 1);
	ASSERT_TRUE(wait_until(shared->inside == 1));
	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	atomic_store(&shared->go, 1);
	/* The server thread is not held up. */
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, shared->ran);
}

TEST_F(death, stopped_then_killed)
{
	pid_t pid;

	pid = ask_process(self->s.door, OP_WAIT, 1);
	ASSERT_TRUE(wait_until(shared->inside == 1));
	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, handler_calls_the_door)
{
	struct sigaction sa = {.sa_handler = SIG_IGN};

	/* A handled signal after an ignored one: nothing is left behind. */
	sigaction(SIGUSR2, &sa, NULL);
	handle(SIGUSR1, 0);
	START_INSIDE();
	pthread_kill(self->c.thread, SIGUSR2);
	pthread_kill(self->c.thread, SIGUSR1);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(EINTR, self->c.err);
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, c127_signal_while_waiting)
{
	handle(SIGUSR1, 0);
	START_INSIDE();
	START_WAITING();
	ASSERT_EQ(0, pthread_kill(self->waiter.thread, SIGUSR1));
	ASSERT_EQ(0, caller_join(&self->waiter));
	EXPECT_EQ(-1, self->waiter.ret);
	EXPECT_EQ(EINTR, self->waiter.err);
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(0, self->c.ret);
	/* The one that gave up never ran. */
	EXPECT_EQ(1, shared->ran);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, c131_server_killed_during)
{
	START_INSIDE();
	kill(self->s.pid, SIGKILL);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(-1, self->c.ret);
	EXPECT_EQ(EINTR, self->c.err);
	waitpid(self->s.pid, NULL, 0);
	EXPECT_EQ(-1, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
}

TEST_F(death, c132_server_killed_while_waiting)
{
	START_INSIDE();
	START_WAITING();
	kill(self->s.pid, SIGKILL);
	ASSERT_EQ(0, caller_join(&self->waiter));
	EXPECT_EQ(-1, self->waiter.ret);
	EXPECT_EQ(EBADF, self->waiter.err);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(EINTR, self->c.err);
}

TEST_F(death, server_exits_during)
{
	EXPECT_EQ(-1, ask(self->s.door, OP_PROCESS_EXIT, 0));
	EXPECT_EQ(EINTR, errno);
	waitpid(self->s.pid, NULL, 0);
	EXPECT_EQ(-1, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
}

TEST_F(death, c133_server_execs_during)
{
	EXPECT_EQ(-1, ask(self->s.door, OP_EXEC, 0));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(-1, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, kill(self->s.pid, 0));
}

TEST_F(death, c134_revoke_in_the_procedure)
{
	EXPECT_EQ(0, ask(self->s.door, OP_REVOKE, 0));
	EXPECT_EQ(-1, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
}

TEST(c135_revoke_closes)
{
	int d, keep;

	share();
	d = door_create(obey, NULL, 0);
	keep = dup(d);
	EXPECT_EQ(0, door_revoke(d));
	EXPECT_FALSE(is_open(d));
	EXPECT_EQ(-1, door_call(keep, NULL));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, door_revoke(keep));
}

TEST_F(death, c136_revoke_by_others)
{
	int d, status;
	pid_t pid;

	EXPECT_EQ(-1, door_revoke(self->s.door));
	EXPECT_EQ(EPERM, errno);
	EXPECT_TRUE(is_open(self->s.door));
	EXPECT_EQ(-1, door_revoke(0));
	EXPECT_EQ(EBADF, errno);
	d = door_create(obey, NULL, 0);
	pid = fork();
	if (pid == 0)
		_exit(door_revoke(d) != -1 || errno != EPERM);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

/* The same process, so that it can be revoked from outside the procedure. */
TEST(c137_revoke_while_clients_queue)
{
	struct caller inside, waiting[3], neighbour;
	int d, keep, other;

	share();
	d = make_single();
	keep = dup(d);
	other = door_create(obey, NULL, 0);
	ASSERT_EQ(0, caller_start(&inside, keep, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, caller_start(&waiting[i], keep, OP_NOTHING, 0));
		ASSERT_TRUE(wait_until(caller_sleeps(&waiting[i])));
	}
	/* Who waits for the same thread, to call another door, goes on. */
	ASSERT_EQ(0, caller_start(&neighbour, other, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&neighbour)));
	ASSERT_EQ(0, door_revoke(d));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, caller_join(&waiting[i]));
		EXPECT_EQ(EBADF, waiting[i].err);
	}
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&inside));
	EXPECT_EQ(0, inside.ret);
	ASSERT_EQ(0, caller_join(&neighbour));
	EXPECT_EQ(0, neighbour.ret);
	EXPECT_EQ(2, shared->ran);
}

TEST_F(death, c138_client_closes_during)
{
	START_INSIDE();
	close(self->s.door);
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(0, self->c.ret);
	self->s.door = -1;
}

TEST_F(death, c139_client_killed_during)
{
	pid_t pid;

	pid = ask_process(self->s.door, OP_WAIT, 1);
	ASSERT_TRUE(wait_until(shared->inside == 1));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->inside == 0));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, client_killed_while_waiting)
{
	pid_t pid;

	START_INSIDE();
	pid = ask_process(self->s.door, OP_NOTHING, 0);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&self->c));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(2, shared->ran);
}

TEST_F(death, c140_cancel_client)
{
	void *ret;

	START_INSIDE();
	ASSERT_EQ(0, pthread_cancel(self->c.thread));
	ASSERT_EQ(0, pthread_join(self->c.thread, &ret));
	EXPECT_EQ(PTHREAD_CANCELED, ret);
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->inside == 0));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, c141_fork_in_the_procedure)
{
	struct request r = {.op = OP_FORK};
	char buf[16];
	door_arg_t a = {(char *)&r, sizeof(r), NULL, 0, buf, sizeof(buf)};

	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_EQ(6, a.data_size);
	EXPECT_EQ(0, memcmp(buf, "parent", 6));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(death, c113_procedure_returns)
{
	EXPECT_EQ(-1, ask(self->s.door, OP_PLAIN, 0));
	EXPECT_EQ(EINTR, errno);
}

TEST_F(death, c114_thread_exits)
{
	EXPECT_EQ(-1, ask(self->s.door, OP_THREAD_EXIT, 0));
	EXPECT_EQ(EINTR, errno);
}

TEST_F(death, thread_exits_past_libc)
{
	EXPECT_EQ(-1, ask(self->s.door, OP_RAW_EXIT, 0));
	EXPECT_EQ(EINTR, errno);
}

TEST(c113_door_works_with_other_threads)
{
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 50; i++) {
		EXPECT_EQ(-1, ask(s.door,
				  i % 3 == 0   ? OP_PLAIN
				  : i % 3 == 1 ? OP_THREAD_EXIT
					       : OP_RAW_EXIT,
				  0));
		EXPECT_EQ(EINTR, errno);
		EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	}
	server_stop(&s);
}

static void *handled(void *p)
{
	(void)p;
	handle(SIGUSR1, 0);
	atomic_store(&shared->value[2], (int)syscall(SYS_gettid));
	door_return(NULL, 0, NULL, 0);
	return NULL;
}

static int make_handled(void)
{
	pthread_t thread;
	int d;

	door_server_create(no_create);
	d = door_create(obey, NULL, 0);
	pthread_create(&thread, NULL, handled, NULL);
	return d;
}

TEST(c112_signal_for_a_parked_thread)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_handled));
	ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
	for (int i = 1; i <= 10; i++) {
		syscall(SYS_tgkill, s.pid, shared->value[2], SIGUSR1);
		ASSERT_TRUE(wait_until(shared->value[7] == i));
		ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
	}
	/* Stopped and continued as a whole. */
	kill(s.pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(s.pid, s.pid) == 'T'));
	kill(s.pid, SIGCONT);
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	server_stop(&s);
}

static void *poll_door(void *p)
{
	struct pollfd pfd = {.fd = *(int *)p, .events = POLLIN};

	atomic_store(&shared->value[0], (int)syscall(SYS_gettid));
	atomic_store(&shared->value[1], poll(&pfd, 1, DEADLINE_MS));
	atomic_store(&shared->value[2], pfd.revents);
	return NULL;
}

/* Who is waiting in poll() is told of the revocation, however it comes. */
TEST(poll_begun_before)
{
	for (int i = 0; i < 2; i++) {
		struct server s;
		pthread_t thread;
		long start;

		ASSERT_EQ(0, server_start(&s));
		atomic_store(&shared->value[0], 0);
		ASSERT_EQ(0, pthread_create(&thread, NULL, poll_door, &s.door));
		ASSERT_TRUE(wait_until(shared->value[0] &&
				       state_of(getpid(), shared->value[0]) ==
					       'S'));
		start = now_ms();
		if (i)
			kill(s.pid, SIGKILL);
		else
			ask(s.door, OP_REVOKE, 0);
		pthread_join(thread, NULL);
		EXPECT_EQ(1, shared->value[1]);
		EXPECT_EQ(POLLHUP, shared->value[2]);
		EXPECT_LT(now_ms() - start, DEADLINE_MS / 2);
		server_stop(&s);
	}
}

TEST_HARNESS_MAIN
