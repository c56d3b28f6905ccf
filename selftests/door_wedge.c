// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls whose clients do not run: frozen or stopped while they wait for a
 * thread. The thread that comes has their call and nothing to wait for; so have
 * others theirs. And what a client gives away is given once, whatever
 * interrupts it.
 */
#include "door_test.h"

#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define FREEZER "/tmp/door_wedge"
#define OVERLAY 0x794c7630

static int put(const char *file, const char *text)
{
	char path[64];
	int fd, ok;

	snprintf(path, sizeof(path), FREEZER "/x/%s", file);
	fd = open(path, O_WRONLY);
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

static int is_frozen(void)
{
	char state[16] = "";
	int fd = open(FREEZER "/x/freezer.state", O_RDONLY);

	if (read(fd, state, sizeof(state) - 1) < 0)
		state[0] = 0;
	close(fd);
	return !strncmp(state, "FROZEN", 6);
}

/*
 * A single server thread, busy until shared->go is 1, and a client in a process
 * of its own that waits for it.
 */
FIXTURE(wedge)
{
	struct server s;
	struct caller busy;
	pid_t pid;
};

FIXTURE_SETUP(wedge)
{
	ASSERT_EQ(0, server_with(&self->s, make_obeying_alone));
	ASSERT_EQ(0, caller_start(&self->busy, self->s.door, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
}

FIXTURE_TEARDOWN(wedge)
{
	server_stop(&self->s);
}

/* Exits with 0, or the error of its call. */
static pid_t start_client(int d)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(ask(d, OP_NOTHING, 0) ? errno : 0);
	}
	return wait_until(state_of(pid, pid) == 'S') ? pid : -1;
}

/*
 * Frozen as a suspended machine's tasks are, by the first kind of control
 * groups: it stays in its sleep, and does not wake from it.
 */
static int freeze(pid_t pid)
{
	char text[16];

	mkdir(FREEZER, 0700);
	if (mount("none", FREEZER, "cgroup", 0, "freezer") && errno != EBUSY)
		return -1;
	mkdir(FREEZER "/x", 0700);
	snprintf(text, sizeof(text), "%d", pid);
	return put("tasks", text) && put("freezer.state", "FROZEN") &&
			       wait_until(is_frozen())
		       ? 0
		       : -1;
}

static void thaw(void)
{
	put("freezer.state", "THAWED");
	umount(FREEZER);
}

TEST_F(wedge, frozen)
{
	struct caller c;
	int status;

	self->pid = start_client(self->s.door);
	ASSERT_LT(0, self->pid);
	if (freeze(self->pid)) {
		kill(self->pid, SIGKILL);
		SKIP(return, "no control groups that freeze");
	}
	ASSERT_EQ(0, caller_start(&c, self->s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	atomic_store(&shared->go, 1);
	/* Its call has been served, and so has the other. */
	EXPECT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(3, shared->ran);
	thaw();
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* A server whose clients are frozen can be killed. */
TEST_F(wedge, server_killed)
{
	int status;

	self->pid = start_client(self->s.door);
	ASSERT_LT(0, self->pid);
	if (freeze(self->pid)) {
		kill(self->pid, SIGKILL);
		SKIP(return, "no control groups that freeze");
	}
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&self->busy));
	kill(self->s.pid, SIGKILL);
	EXPECT_TRUE(wait_until(waitpid(self->s.pid, &status, WNOHANG) > 0));
	thaw();
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	EXPECT_TRUE(status == 0 || WEXITSTATUS(status) == EINTR);
}

/* It keeps its place, is served while it is stopped, and has its answer. */
TEST_F(wedge, stopped)
{
	struct caller c;
	int status;

	self->pid = start_client(self->s.door);
	ASSERT_LT(0, self->pid);
	kill(self->pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(self->pid, self->pid) == 'T'));
	ASSERT_EQ(0, caller_start(&c, self->s.door, OP_WAIT, 2));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	atomic_store(&shared->go, 1);
	/* The other one, which came later, is the third. */
	EXPECT_TRUE(wait_until(shared->ran == 3));
	EXPECT_EQ(2, shared->finished);
	EXPECT_EQ('T', state_of(self->pid, self->pid));
	atomic_store(&shared->go, 2);
	ASSERT_EQ(0, caller_join(&c));
	kill(self->pid, SIGCONT);
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(3, shared->ran);
}

/* Stopped again and again while it waits: it is called once. */
TEST_F(wedge, stopped_again_and_again)
{
	int status;

	self->pid = start_client(self->s.door);
	ASSERT_LT(0, self->pid);
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(0, stop_and_continue(self->pid));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(self->pid, waitpid(self->pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(2, shared->ran);
}

static void no_op(int sig)
{
	(void)sig;
}

/* Who has caught a signal and gives up is not called for any more. */
TEST_F(wedge, given_up_while_waiting)
{
	struct sigaction sa = {.sa_handler = no_op};
	struct caller c;

	sigaction(SIGUSR1, &sa, NULL);
	ASSERT_EQ(0, caller_start(&c, self->s.door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	pthread_kill(c.thread, SIGUSR1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(EINTR, c.err);
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(2, shared->ran);
}

/* One that ends takes its call with it. */
TEST_F(wedge, killed_while_waiting)
{
	for (int i = 0; i < 10; i++) {
		self->pid = start_client(self->s.door);
		ASSERT_LT(0, self->pid);
		kill(self->pid, SIGKILL);
		ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	}
	atomic_store(&shared->go, 1);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	EXPECT_EQ(2, shared->ran);
}

/* Stopped ones hear of the revocation when they go on. */
TEST(revoked_while_stopped)
{
	int status, d;
	pid_t pid;

	share();
	door_server_create(create_single);
	d = door_create(obey, NULL, 0);
	struct caller c;
	ASSERT_EQ(0, caller_start(&c, d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	pid = start_client(d);
	ASSERT_LT(0, pid);
	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	ASSERT_EQ(0, door_revoke(d));
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(EBADF, WEXITSTATUS(status));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(1, shared->ran);
}

/* OP_WAIT, or which file has come. */
static void note_file(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	struct request r = {.op = OP_NOTHING};
	struct stat st = {0};

	(void)cookie;
	enter();
	if (size == sizeof(r))
		memcpy(&r, argp, sizeof(r));
	while (r.op == OP_WAIT && !atomic_load(&shared->go))
		nap();
	if (n == 1 && !fstat(dp[0].d_data.d_desc.d_descriptor, &st))
		atomic_store(&shared->word[0], (long)st.st_ino);
	leave();
	door_return(NULL, 0, NULL, 0);
}

static int make_noting(void)
{
	door_server_create(create_single);
	return door_create(note_file, NULL, 0);
}

static int make_file(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	unlink(name);
	return fd;
}

static long inode_of(int fd)
{
	struct stat st = {0};

	return fstat(fd, &st) ? -1 : (long)st.st_ino;
}

/*
 * A file that does something at each close, as those of overlays do, given away
 * while no thread is there. Another one has its number since then; nobody takes
 * that for the first, whatever interrupts the wait.
 */
TEST(given_away_once)
{
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};
	struct caller busy, c = {0};
	struct server s;
	struct statfs fs;
	long sent, kept;
	int fd, other, status;

	ASSERT_EQ(0, server_with(&s, make_noting));
	ASSERT_EQ(0, caller_start(&busy, s.door, OP_WAIT, 0));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	fd = make_file("/door_wedge.sent");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstatfs(fd, &fs));
	if (fs.f_type != OVERLAY)
		SKIP(return, "no overlay");
	sent = inode_of(fd);
	desc.d_data.d_desc.d_descriptor = fd;
	c.door = s.door;
	c.arg = (door_arg_t){.desc_ptr = &desc, .desc_num = 1};
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
	ASSERT_TRUE(wait_until(caller_sleeps(&c) && !is_open(fd)));
	other = make_file("/door_wedge.kept");
	ASSERT_EQ(fd, other);
	kept = inode_of(other);
	/* An interruption without a handler: somebody attaches, and lets go. */
	pid_t tracer = fork();
	if (tracer == 0) {
		if (ptrace(PTRACE_ATTACH, atomic_load(&c.tid), 0, 0))
			_exit(1);
		waitpid(atomic_load(&c.tid), &status, __WALL);
		_exit(ptrace(PTRACE_DETACH, atomic_load(&c.tid), 0, 0) ? 2 : 0);
	}
	ASSERT_EQ(tracer, waitpid(tracer, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(sent, shared->word[0]);
	EXPECT_EQ(kept, inode_of(other));
	server_stop(&s);
}

TEST_HARNESS_MAIN
