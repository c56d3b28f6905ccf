// SPDX-License-Identifier: GPL-2.0-only
/*
 * What processes do to each other while doors are in use: fork in a procedure
 * and elsewhere, start other programs, trace.
 */
#include "door_test.h"

#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>

extern char **environ;

static int forking_door = -1;

static void no_create(door_info_t *info)
{
	(void)info;
}

static void *ask_where(void *p)
{
	struct request r = {.op = OP_WHERE};
	struct where w = {0};
	door_arg_t a = {(char *)&r, sizeof(r), NULL, 0, (char *)&w, sizeof(w)};
	int ret = door_call(*(int *)p, &a);

	/* The whole child ends here, well if its first thread has served. */
	_exit(ret || w.tid != getpid());
}

/* The child has its parent's thread; now it serves a door of its own. */
static void child_serves(void)
{
	static int own;
	pthread_t thread;

	door_server_create(no_create);
	own = door_create(obey, NULL, 0);
	if (own < 0 || pthread_create(&thread, NULL, ask_where, &own))
		_exit(2);
	door_return((char *)"child", 5, NULL, 0);
	_exit(3);
}

/* In the child of a thread that is bound to a door of its parent. */
static int child_is_orphan(void)
{
	if (door_return((char *)"child", 5, NULL, 0) != -1 || errno != EINVAL)
		return 0;
	if (door_return(NULL, 0, NULL, 0) != -1 || errno != EINVAL)
		return 0;
	if (door_bind(forking_door) != -1 || errno != EINVAL)
		return 0;
	return door_unbind() == 0 && door_unbind() == -1 && errno == EBADF;
}

/* Answers with what has become of the child. */
static void fork_here(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	door_info_t info;
	int status = -1;
	pid_t pid;

	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	atomic_fetch_add(&shared->value[0], 1);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (cookie && !child_is_orphan())
			_exit(4);
		/* The descriptor is a client's. */
		if (door_info(forking_door, &info) ||
		    (info.di_attributes & DOOR_LOCAL) ||
		    door_revoke(forking_door) != -1 || errno != EPERM)
			_exit(5);
		child_serves();
	}
	waitpid(pid, &status, 0);
	door_return((char *)&status, sizeof(status), NULL, 0);
}

static int make_forking(void)
{
	forking_door = door_create(fork_here, NULL, 0);
	return forking_door;
}

static int make_forking_bound(void)
{
	forking_door = door_create(fork_here, (void *)1, DOOR_PRIVATE);
	return forking_door;
}

FIXTURE(fork)
{
	struct server s;
};

FIXTURE_VARIANT(fork)
{
	int (*make)(void);
};

FIXTURE_VARIANT_ADD(fork, shared){
	.make = make_forking,
};

FIXTURE_VARIANT_ADD(fork, bound){
	.make = make_forking_bound,
};

FIXTURE_SETUP(fork)
{
	ASSERT_EQ(0, server_with(&self->s, variant->make));
}

FIXTURE_TEARDOWN(fork)
{
	server_stop(&self->s);
}

TEST_F(fork, c015_c028_c136_c141_in_the_procedure)
{
	int status = -1;
	door_arg_t a = {.rbuf = (char *)&status, .rsize = sizeof(status)};

	for (int i = 1; i <= 5; i++) {
		status = -1;
		ASSERT_EQ(0, door_call(self->s.door, &a));
		EXPECT_EQ(sizeof(status), a.data_size);
		EXPECT_EQ(0, status);
		EXPECT_EQ(i, shared->value[0]);
	}
}

/* A program that the procedure starts leaves the server alone. */
static void spawn_here(void *cookie, char *argp, size_t size, door_desc_t *dp,
		       uint_t n)
{
	char *argv[] = {(char *)"true", NULL};
	int status = -1;
	pid_t pid;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	/* The child shares our memory until it executes. */
	if (posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	door_return((char *)&status, sizeof(status), NULL, 0);
}

static int make_spawning(void)
{
	return door_create(spawn_here, NULL, 0);
}

TEST(spawn_in_the_procedure)
{
	struct server s;
	int status;
	door_arg_t a = {.rbuf = (char *)&status, .rsize = sizeof(status)};

	ASSERT_EQ(0, server_with(&s, make_spawning));
	for (int i = 0; i < 10; i++) {
		status = -1;
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(0, status);
	}
	server_stop(&s);
}

struct sharing {
	int control, door;
	int create, serve, revoke; /* the errors */
	char stack[65536] __attribute__((aligned(16)));
};

static int child_shares(void *p)
{
	struct sharing *s = p;
	struct door_ioc_create create = {0};
	struct door_ioc_return r = {0};

	s->create = ioctl(s->control, DOOR_IOC_CREATE, &create) < 0 ? errno : 0;
	s->serve = ioctl(s->control, DOOR_IOC_RETURN, &r) ? errno : 0;
	s->revoke = ioctl(s->door, DOOR_IOC_REVOKE) ? errno : 0;
	return 0;
}

/* The same memory does not make it the same process. */
TEST(child_shares_the_memory)
{
	struct door_ioc_create create = {0};
	struct sharing *s = calloc(1, sizeof(*s));
	pid_t pid;

	ASSERT_NE(NULL, s);
	s->control = open("/dev/door", O_RDWR | O_CLOEXEC);
	s->door = ioctl(s->control, DOOR_IOC_CREATE, &create);
	ASSERT_LE(0, s->door);
	pid = clone(child_shares, s->stack + sizeof(s->stack),
		    CLONE_VM | SIGCHLD, s);
	ASSERT_LT(0, pid);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(EPERM, s->create);
	EXPECT_EQ(EPERM, s->serve);
	EXPECT_EQ(EPERM, s->revoke);
	EXPECT_EQ(0, ioctl(s->door, DOOR_IOC_REVOKE));
	free(s);
}

/* Another thread of the client forks, and the child ends. */
TEST(client_forks_during)
{
	struct server s;
	struct caller c;
	pid_t pid;

	ASSERT_EQ(0, server_start(&s));
	ASSERT_EQ(0, caller_start(&c, s.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	for (int i = 0; i < 5; i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	}
	EXPECT_TRUE(caller_sleeps(&c));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(1, shared->ran);
	server_stop(&s);
}

static void notice(void *cookie, char *argp, size_t size, door_desc_t *dp,
		   uint_t n)
{
	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	if (argp == DOOR_UNREF_DATA)
		atomic_fetch_add(&shared->unrefs, 1);
	else
		atomic_fetch_add(&shared->ran, 1);
	door_return(NULL, 0, NULL, 0);
}

static int make_with_children(void)
{
	int d = door_create(notice, NULL, DOOR_UNREF_MULTI);
	pid_t pid;

	for (int i = 0; i < 10; i++) {
		pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	atomic_store(&shared->value[0], shared->unrefs);
	return d;
}

/* Children that have the door and end: nobody's last descriptor. */
TEST(c151_children_of_the_server)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_with_children));
	EXPECT_EQ(0, shared->value[0]);
	EXPECT_EQ(0, door_call(s.door, NULL));
	EXPECT_EQ(1, shared->ran);
	EXPECT_EQ(0, shared->unrefs);
	server_stop(&s);
}

/* What a debugger or strace does to a thread that it looks at for a moment. */
static int trace_once(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, 0, 0))
		return -1;
	for (int i = 0; i < 3; i++) {
		if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) ||
		    waitpid(tid, &status, __WALL) != tid || !WIFSTOPPED(status))
			return -1;
		if (i < 2 && ptrace(PTRACE_CONT, tid, 0, 0))
			return -1;
	}
	return ptrace(PTRACE_DETACH, tid, 0, 0) ? -1 : 0;
}

/* The thread that serves, and is the only one that does. */
static void *park(void *p)
{
	atomic_store(&shared->value[1], (int)syscall(SYS_gettid));
	door_return(NULL, 0, NULL, 0);
	return p;
}

static int make_single(void)
{
	pthread_t thread;

	door_server_create(no_create);
	pthread_create(&thread, NULL, park, NULL);
	return door_create(obey, NULL, 0);
}

TEST(c142_traced)
{
	struct server s;
	pid_t pid, queued;
	int status;

	ASSERT_EQ(0, server_with(&s, make_single));
	ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
	/* The thread that waits for calls. */
	ASSERT_TRUE(wait_until(state_of(s.pid, shared->value[1]) == 'S'));
	ASSERT_EQ(0, trace_once(shared->value[1]));
	ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
	/* A client that is served, and one that waits for the thread. */
	pid = ask_process(s.door, OP_WAIT, 1);
	ASSERT_TRUE(wait_until(shared->inside == 1));
	queued = ask_process(s.door, OP_NOTHING, 0);
	for (int i = 0; i < 5; i++) {
		ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
		ASSERT_EQ(0, trace_once(pid));
		ASSERT_TRUE(wait_until(state_of(queued, queued) == 'S'));
		ASSERT_EQ(0, trace_once(queued));
	}
	ASSERT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, waitpid(queued, &status, WNOHANG));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	ASSERT_EQ(queued, waitpid(queued, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(4, shared->ran);
	server_stop(&s);
}

static int heir[2];

static int inherit(void *p)
{
	(void)p;
	close(heir[1]);
	while (read(heir[0], &(char){0}, 1) > 0)
		;
	return 0;
}

/* A child that keeps the memory map. */
static int make_inherited(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	int d = door_create(obey, NULL, 0);

	if (clone(inherit, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL) < 0)
		return -1;
	return d;
}

/* Nobody else is taken for the owner once it is gone. */
TEST(owner_gone_memory_not)
{
	door_info_t info;
	struct server s;

	ASSERT_EQ(0, pipe2(heir, O_CLOEXEC));
	ASSERT_EQ(0, server_with(&s, make_inherited));
	ASSERT_EQ(0, door_info(s.door, &info));
	EXPECT_EQ(s.pid, info.di_target);
	close(s.sock);
	ASSERT_EQ(s.pid, waitpid(s.pid, NULL, 0));
	ASSERT_EQ(0, door_info(s.door, &info));
	EXPECT_EQ(-1, info.di_target);
	/* What keeps its memory does not keep its doors. */
	EXPECT_TRUE(wait_until(door_info(s.door, &info) == 0 &&
			       (info.di_attributes & DOOR_REVOKED)));
	close(heir[1]);
	close(s.door);
}

TEST_HARNESS_MAIN
