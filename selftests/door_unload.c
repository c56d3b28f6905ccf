// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left of the module when it goes: files that had a name while others
 * open them, tasks that have been in a call. The module is loaded again after
 * each, and nobody else uses it meanwhile.
 */
#include "name_test.h"

#define ROUNDS_MS 6000
#define OPENERS 3

/* Indices of shared->value. */
enum { ROUND, DOORS, FILES, WRONG, GRANDCHILD, RESTARTED };

/* A value of shared->go. */
#define GONE 2

static int module_loaded(void)
{
	return access("/sys/module/door", F_OK) == 0;
}

static int load(void)
{
	int fd = open(getenv("DOOR_MODULE"), O_RDONLY | O_CLOEXEC), ret;

	ret = (int)syscall(SYS_finit_module, fd, "", 0);
	close(fd);
	return ret;
}

/* As soon as nothing has it any more. */
static int unload(void)
{
	return wait_until(syscall(SYS_delete_module, "door", O_NONBLOCK) == 0 ||
			  !module_loaded())
		       ? 0
		       : -1;
}

/* The library would keep its descriptor of /dev/door. */
static int detach(const char *path)
{
	struct door_ioc_name ioc = {.fd = open(path, O_PATH)};
	int control = open("/dev/door", O_RDWR), ret;

	ret = ioctl(control, DOOR_IOC_DETACH, &ioc);
	close(control);
	close(ioc.fd);
	return ret;
}

/* A process of its own, which has nothing of the module's. */
static pid_t fork_without(const struct server *s)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(s->door);
		close(s->sock);
	}
	return pid;
}

/* Each open gives one or the other, and each of them works as what it is. */
static void open_again_and_again(const char *path)
{
	struct door_ioc_info info;
	int fd;

	while (atomic_load(&shared->value[ROUND]) >= 0) {
		fd = open(path, O_RDONLY);
		if (fd < 0) {
			atomic_store(&shared->err, errno);
			atomic_fetch_add(&shared->value[WRONG], 1);
			continue;
		}
		if (reads_data(fd))
			atomic_fetch_add(&shared->value[FILES], 1);
		else if (ioctl(fd, DOOR_IOC_INFO, &info) == 0 && info.id == 1)
			atomic_fetch_add(&shared->value[DOORS], 1);
		else
			atomic_fetch_add(&shared->value[WRONG], 1);
		close(fd);
	}
	_exit(0);
}

FIXTURE(unload)
{
	struct server s;
	struct place p;
	pid_t child[OPENERS];
};

FIXTURE_SETUP(unload)
{
	share();
	ASSERT_NE(NULL, getenv("DOOR_MODULE"));
	ASSERT_EQ(0, place_make(&self->p, "/dev/shm"));
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, load());
	ASSERT_EQ(0, server_start(&self->s));
}

FIXTURE_TEARDOWN(unload)
{
	place_clear(&self->p);
	if (!module_loaded())
		EXPECT_EQ(0, load());
}

static void stop_server(struct server *s)
{
	server_stop(s);
	s->door = -1;
}

/*
 * The name ends by detaching, by revocation and with the server, in turn; the
 * module goes right after that.
 */
TEST_F_TIMEOUT(unload, opening_what_had_a_name, 120)
{
	long end = now_ms() + ROUNDS_MS;
	int round = 0, doors, status;

	for (int i = 0; i < OPENERS; i++) {
		self->child[i] = fork_without(&self->s);
		if (self->child[i] == 0)
			open_again_and_again(self->p.path);
	}
	for (;;) {
		doors = shared->value[DOORS];
		ASSERT_EQ(0, fattach(self->s.door, self->p.path));
		ASSERT_TRUE(wait_until(shared->value[DOORS] > doors));
		if (round % 3 == 0)
			ASSERT_EQ(0, detach(self->p.path));
		if (round % 3 == 1)
			ASSERT_EQ(0, ask(self->s.door, OP_REVOKE, 0));
		stop_server(&self->s);
		ASSERT_EQ(0, unload());
		round++;
		if (now_ms() >= end && round >= 3)
			break;
		ASSERT_EQ(0, load());
		ASSERT_EQ(0, server_start(&self->s));
	}
	atomic_store(&shared->value[ROUND], -1);
	for (int i = 0; i < OPENERS; i++) {
		ASSERT_EQ(self->child[i], waitpid(self->child[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(0, shared->value[WRONG])
	{
		TH_LOG("errno %d", shared->err);
	}
	EXPECT_TRUE(has_data(self->p.path));
	TH_LOG("%d rounds, %d doors, %d files", round, shared->value[DOORS],
	       shared->value[FILES]);
}

static int restart(void)
{
	errno = 0;
	return syscall(SYS_restart_syscall) == -1 ? errno : 0;
}

/* When the module has gone. Sleeping would put something else in its place. */
static void restart_when_gone(int who)
{
	while (atomic_load(&shared->go) != GONE)
		sched_yield();
	atomic_store(&shared->value[who], restart());
	/* Not the end of it: its child would end, too, perhaps too soon. */
	for (;;)
		pause();
}

static const struct server *called;

static void fork_in_handler(int sig)
{
	(void)sig;
	if (fork_without(called) == 0)
		restart_when_gone(GRANDCHILD);
}

/* Calls, and when that is over waits for the module to go. */
static pid_t start_caller(const struct server *s)
{
	struct sigaction sa = {.sa_handler = fork_in_handler};
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(s->sock);
	called = s;
	sigaction(SIGUSR1, &sa, NULL);
	atomic_store(&shared->err, ask(s->door, OP_WAIT, 1) ? errno : 0);
	atomic_fetch_add(&shared->value[ROUND], 1);
	close(s->door);
	restart_when_gone(RESTARTED);
	return 0;
}

TEST_F(unload, restart_of_a_call)
{
	pid_t pid = start_caller(&self->s);

	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_EQ(0, stop_and_continue(pid));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->value[ROUND] == 1));
	EXPECT_EQ(0, shared->err);
	stop_server(&self->s);
	ASSERT_EQ(0, unload());
	atomic_store(&shared->go, GONE);
	ASSERT_TRUE(wait_until(shared->value[RESTARTED]));
	EXPECT_EQ(EINTR, shared->value[RESTARTED]);
}

TEST_F(unload, restart_inherited)
{
	pid_t pid = start_caller(&self->s);

	ASSERT_TRUE(wait_until(shared->inside == 1));
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
	kill(pid, SIGUSR1);
	ASSERT_TRUE(wait_until(shared->value[ROUND] == 1));
	EXPECT_EQ(EINTR, shared->err);
	atomic_store(&shared->go, 1);
	stop_server(&self->s);
	ASSERT_EQ(0, unload());
	atomic_store(&shared->go, GONE);
	ASSERT_TRUE(wait_until(shared->value[GRANDCHILD] &&
			       shared->value[RESTARTED]));
	EXPECT_EQ(EINTR, shared->value[GRANDCHILD]);
	EXPECT_EQ(EINTR, shared->value[RESTARTED]);
}

TEST_HARNESS_MAIN
