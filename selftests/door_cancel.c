// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callers that give up, and what becomes of the threads that work for them:
 * cancelled where cancellation is enabled, but never for another call.
 */
#include "cancel_test.h"

#include <setjmp.h>

static void cleaned(void *p)
{
	(void)p;
	leave();
	atomic_fetch_add(&shared->value[CLEANED], 1);
}

/* For a procedure that calls another door. */
static int next_door = -1;

static void be_inside(const char *argp, size_t size)
{
	struct request r = {.op = OP_NOTHING};

	if (size >= sizeof(r))
		memcpy(&r, argp, sizeof(r));
	enter();
	if (r.op == OP_WAIT && next_door >= 0)
		ask(next_door, OP_WAIT, r.value);
	while (r.op == OP_WAIT && atomic_load(&shared->go) < r.value)
		nap();
}

/* As obey(), in a thread that may be cancelled while it waits or calls. */
static void patient(void *cookie, char *argp, size_t size, door_desc_t *dp,
		    uint_t n)
{
	(void)cookie;
	(void)dp;
	(void)n;
	atomic_store(&shared->value[TID], (int)syscall(SYS_gettid));
	pthread_cleanup_push(cleaned, NULL);
	be_inside(argp, size);
	pthread_cleanup_pop(0);
	leave();
	door_return(NULL, 0, NULL, 0);
}

/* Threads that can be cancelled. */
static void create_enabled(door_info_t *info)
{
	pthread_t thread;

	(void)info;
	if (pthread_create(&thread, NULL, park_enabled, NULL) == 0)
		pthread_detach(thread);
}

static int make_patient(void)
{
	door_server_create(create_enabled);
	return door_create(patient, NULL, 0);
}

static int make_no_cancel(void)
{
	door_server_create(create_enabled);
	return door_create(patient, NULL, DOOR_NO_CANCEL);
}

static int thread_is_gone(pid_t pid, int tid)
{
	return state_of(pid, tid) == '?';
}

FIXTURE(cancel)
{
	struct server s;
	struct caller c;
};

FIXTURE_SETUP(cancel)
{
	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&self->s, make_patient));
}

FIXTURE_TEARDOWN(cancel)
{
	server_stop(&self->s);
}

/* Called with the thread id of the procedure at work. */
#define EXPECT_CANCELLED(tid)                                                \
	do {                                                                 \
		EXPECT_TRUE(wait_until(shared->value[CLEANED] == 1));        \
		EXPECT_TRUE(wait_until(thread_is_gone(self->s.pid, (tid)))); \
		EXPECT_EQ(0, shared->inside);                                \
		EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));              \
		EXPECT_EQ(1, shared->value[CLEANED]);                        \
	} while (0)

TEST_F(cancel, c128_signal)
{
	ASSERT_EQ(0, start_inside(&self->c, self->s.door));
	int tid = shared->value[TID];

	ASSERT_EQ(0, give_up(&self->c));
	EXPECT_CANCELLED(tid);
}

TEST_F(cancel, c128_c139_client_killed)
{
	pid_t pid = fork();

	if (pid == 0) {
		ask(self->s.door, OP_WAIT, 1);
		_exit(0);
	}
	ASSERT_TRUE(wait_until(shared->inside == 1));
	int tid = shared->value[TID];

	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_CANCELLED(tid);
}

TEST_F(cancel, c128_c140_client_thread_cancelled)
{
	void *ret;

	ASSERT_EQ(0, start_inside(&self->c, self->s.door));
	int tid = shared->value[TID];

	ASSERT_EQ(0, pthread_cancel(self->c.thread));
	ASSERT_EQ(0, pthread_join(self->c.thread, &ret));
	EXPECT_EQ(PTHREAD_CANCELED, ret);
	EXPECT_CANCELLED(tid);
}

static sigjmp_buf outside;

static void jump(int sig)
{
	(void)sig;
	siglongjmp(outside, 1);
}

static void *make_it_jump(void *p)
{
	wait_until(shared->inside == 1 && state_of(getpid(), getpid()) == 'S');
	pthread_kill(*(pthread_t *)p, SIGUSR2);
	return p;
}

/* Out of a call, from a handler: as an answer of EINTR, but for the answer. */
static void jump_out(struct __test_metadata *_metadata, int d, int flags)
{
	struct sigaction sa = {.sa_handler = jump, .sa_flags = flags};
	pthread_t self = pthread_self(), other;
	int type = -1;

	ASSERT_EQ(0, sigaction(SIGUSR2, &sa, NULL));
	ASSERT_EQ(0, pthread_create(&other, NULL, make_it_jump, &self));
	if (!sigsetjmp(outside, 1))
		ask(d, OP_WAIT, 1);
	ASSERT_EQ(0, pthread_join(other, NULL));
	EXPECT_EQ(0, pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type));
	EXPECT_EQ(PTHREAD_CANCEL_DEFERRED, type);
}

TEST_F(cancel, jump_out_of_the_call)
{
	jump_out(_metadata, self->s.door, SA_RESTART);
	int tid = shared->value[TID];

	EXPECT_CANCELLED(tid);
}

TEST_F(cancel, jump_from_another_stack)
{
	static char memory[64 * 1024];
	stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};

	ASSERT_EQ(0, sigaltstack(&stack, NULL));
	jump_out(_metadata, self->s.door, SA_ONSTACK);
	int tid = shared->value[TID];

	EXPECT_CANCELLED(tid);
}

/* What the program has chosen is what it finds again. */
TEST_F(cancel, type_is_kept)
{
	static const int types[] = {PTHREAD_CANCEL_ASYNCHRONOUS,
				    PTHREAD_CANCEL_DEFERRED};
	int type = -1;

	for (int i = 0; i < 2; i++) {
		pthread_setcanceltype(types[i], NULL);
		EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
		pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
		EXPECT_EQ(types[i], type);
	}
}

/* A client that is stopped has not given up; one that is killed then has. */
TEST_F(cancel, c128_stopped_then_killed)
{
	pid_t pid = fork();

	if (pid == 0) {
		ask(self->s.door, OP_WAIT, 1);
		_exit(0);
	}
	ASSERT_TRUE(wait_until(shared->inside == 1));
	int tid = shared->value[TID];

	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->value[CLEANED]);
	EXPECT_EQ(1, shared->inside);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_CANCELLED(tid);
}

/* Answered in time: no request, whatever the client does afterwards. */
TEST_F(cancel, c128_not_after_the_answer)
{
	pid_t pid = fork();

	if (pid == 0) {
		ask(self->s.door, OP_WAIT, 1);
		pause();
	}
	ASSERT_TRUE(wait_until(shared->inside == 1));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->inside == 0));
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->value[CLEANED]);
}

/* A second call that is given up shows that the first would have been told of.
 */
TEST_F(cancel, c129_no_cancel)
{
	struct caller other;
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_no_cancel));
	ASSERT_EQ(0, start_inside(&self->c, s.door));
	ASSERT_EQ(0, give_up(&self->c));
	ASSERT_EQ(0, start_inside(&other, self->s.door));
	ASSERT_EQ(0, give_up(&other));
	ASSERT_TRUE(wait_until(shared->value[CLEANED] == 1));
	EXPECT_EQ(1, shared->inside);
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(shared->inside == 0));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(1, shared->value[CLEANED]);
	server_stop(&s);
}

/* Both doors in one process, served by the same threads. */
static int make_both(void)
{
	next_door = -1;
	door_server_create(create_enabled);
	served_door = door_create(patient, NULL, 0);
	return door_create(patient, NULL, DOOR_NO_CANCEL);
}

TEST(c129_no_cancel_among_others)
{
	struct caller c;
	struct server s;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&s, make_both));
	ASSERT_EQ(0, start_inside(&c, s.door));
	ASSERT_EQ(0, give_up(&c));
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(shared->inside == 0));
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->value[CLEANED]);
	server_stop(&s);
}

TEST(c129_default_threads_are_not_cancelled)
{
	struct caller c;
	struct server s;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_start(&s));
	ASSERT_EQ(0, start_inside(&c, s.door));
	ASSERT_EQ(0, give_up(&c));
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(shared->finished == 1));
	for (int i = 0; i < 20; i++)
		EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	server_stop(&s);
}

/* Answers with data and a descriptor of which nothing else is left. */
static void answer_late(void *cookie, char *argp, size_t size, door_desc_t *dp,
			uint_t n)
{
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};

	(void)cookie;
	(void)argp;
	(void)dp;
	(void)n;
	enter();
	if (!size) {
		leave();
		door_return(NULL, 0, NULL, 0);
	}
	d.d_data.d_desc.d_descriptor = dup(0);
	atomic_store(&shared->value[FD], d.d_data.d_desc.d_descriptor);
	while (!atomic_load(&shared->go))
		nap();
	leave();
	door_return((char *)"late", 4, &d, 1);
	atomic_store(&shared->value[UNEXPECTED], 1);
}

static int make_late(void)
{
	return door_create(answer_late, NULL, 0);
}

TEST(c130_answer_after_the_client_has_gone)
{
	char path[64];
	struct caller c;
	struct server s;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&s, make_late));
	ASSERT_EQ(0, start_inside(&c, s.door));
	ASSERT_TRUE(wait_until(shared->value[FD] > 0));
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s.pid,
		 shared->value[FD]);
	ASSERT_EQ(0, give_up(&c));
	EXPECT_EQ(0, access(path, F_OK));
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(access(path, F_OK)));
	EXPECT_EQ(0, door_call(s.door, NULL));
	EXPECT_EQ(0, shared->value[UNEXPECTED]);
	server_stop(&s);
}

/* In the first call, comes to an end when the test says. */
static void create_slowly(door_info_t *info)
{
	static atomic_int calls;

	create_enabled(info);
	if (atomic_fetch_add(&calls, 1) != 1)
		return;
	atomic_store(&shared->value[CREATING], 1);
	while (!atomic_load(&shared->go))
		nap();
	atomic_store(&shared->value[CREATED], 1);
}

static int make_slow(void)
{
	door_server_create(create_slowly);
	return door_create(patient, NULL, 0);
}

/* The function that makes threads works for all; only then is it cancelled. */
TEST(c128_while_a_thread_is_made)
{
	struct caller c, other;
	struct server s;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&s, make_slow));
	ASSERT_EQ(0, caller_start(&c, s.door, OP_WAIT, 2));
	ASSERT_TRUE(wait_until(shared->value[CREATING] == 1));
	ASSERT_EQ(0, give_up(&c));
	/* Told of a second one, the server has been told of the first. */
	ASSERT_EQ(0, start_inside(&other, s.door));
	ASSERT_EQ(0, give_up(&other));
	ASSERT_TRUE(wait_until(shared->value[CLEANED] == 1));
	atomic_store(&shared->go, 1);
	EXPECT_TRUE(wait_until(shared->value[CLEANED] == 2));
	EXPECT_EQ(1, shared->value[CREATED]);
	EXPECT_EQ(2, shared->ran);
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	server_stop(&s);
}

static int outer_of;

static int make_outer(void)
{
	next_door = outer_of;
	return make_patient();
}

/* The one in the middle is in door_call(), where it can be cancelled. */
TEST_F(cancel, c128_chain)
{
	struct server outer;

	outer_of = self->s.door;
	ASSERT_EQ(0, server_with(&outer, make_outer));
	ASSERT_EQ(0, caller_start(&self->c, outer.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 2));
	ASSERT_TRUE(wait_until(caller_sleeps(&self->c)));
	ASSERT_EQ(0, give_up(&self->c));
	EXPECT_TRUE(wait_until(shared->value[CLEANED] == 2));
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, ask(outer.door, OP_NOTHING, 0));
	server_stop(&outer);
}

/* The program closes what it has not opened, as daemons do. */
static int make_closing(void)
{
	char path[64], target[64] = "";
	int d = make_patient();

	for (int fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		memset(target, 0, sizeof(target));
		if (readlink(path, target, sizeof(target) - 1) > 0 &&
		    !strcmp(target, "/dev/door"))
			close(fd);
	}
	return d;
}

static int make_forked(void)
{
	pid_t pid;

	make_patient();
	pid = fork();
	if (pid) {
		waitpid(pid, NULL, 0);
		_exit(0);
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return make_patient();
}

static void give_up_once(struct __test_metadata *_metadata, int (*make)(void))
{
	struct server s;
	struct caller c;

	handle(SIGUSR1);
	ASSERT_EQ(0, server_with(&s, make));
	ASSERT_EQ(0, start_inside(&c, s.door));
	ASSERT_EQ(0, give_up(&c));
	EXPECT_TRUE(wait_until(shared->value[CLEANED] == 1));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	server_stop(&s);
}

TEST(c128_control_closed)
{
	give_up_once(_metadata, make_closing);
}

TEST(c128_forked_server)
{
	give_up_once(_metadata, make_forked);
}

TEST_HARNESS_MAIN
