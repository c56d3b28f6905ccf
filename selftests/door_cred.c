// SPDX-License-Identifier: GPL-2.0-only
/* Who calls. */
#include "door_test.h"

#include <alloca.h>
#include <grp.h>
#include <sched.h>
#include <ucred.h>

struct answer {
	int ret, err;
	door_cred_t cred;
	int uret, groups;
	uid_t suid;
	gid_t group;
	pid_t upid, of_pidfd;
};

static int next_door = -1;

static pid_t pid_of(int pidfd)
{
	char path[64], line[128];
	int pid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "Pid: %d", &pid) == 1)
			break;
	if (f)
		fclose(f);
	return pid;
}

static void who(void *cookie, char *argp, size_t size, door_desc_t *dp,
		uint_t n)
{
	static ucred_t *uc;
	struct answer a = {0};
	const gid_t *groups;
	int fd;

	(void)cookie;
	(void)argp;
	(void)dp;
	(void)n;
	if (size && next_door >= 0) {
		door_arg_t call = {.rbuf = (char *)&a, .rsize = sizeof(a)};

		door_call(next_door, &call);
		door_return((char *)&a, sizeof(a), NULL, 0);
	}
	a.ret = door_cred(&a.cred);
	a.err = errno;
	a.uret = door_ucred(&uc);
	if (a.uret == 0) {
		a.suid = ucred_getsuid(uc);
		a.upid = ucred_getpid(uc);
		a.groups = ucred_getgroups(uc, &groups);
		if (a.groups > 0)
			a.group = groups[a.groups - 1];
	}
	fd = door_pidfd();
	if (fd >= 0) {
		a.of_pidfd = pid_of(fd);
		close(fd);
	}
	door_return((char *)&a, sizeof(a), NULL, 0);
}

static int make_who(void)
{
	return door_create(who, NULL, 0);
}

static struct answer ask_who(int d, size_t size)
{
	struct answer answer = {.ret = -2};
	door_arg_t a = {(char *)&answer, size,		NULL, 0,
			(char *)&answer, sizeof(answer)};

	door_call(d, &a);
	return answer;
}

FIXTURE(cred)
{
	struct server s;
};

FIXTURE_SETUP(cred)
{
	ASSERT_EQ(0, server_with(&self->s, make_who));
}

FIXTURE_TEARDOWN(cred)
{
	server_stop(&self->s);
}

TEST_F(cred, c115_c120_caller)
{
	struct answer a;

	for (int i = 0; i < 3; i++) {
		a = ask_who(self->s.door, 0);
		ASSERT_EQ(0, a.ret);
		EXPECT_EQ(geteuid(), a.cred.dc_euid);
		EXPECT_EQ(getegid(), a.cred.dc_egid);
		EXPECT_EQ(getuid(), a.cred.dc_ruid);
		EXPECT_EQ(getgid(), a.cred.dc_rgid);
		EXPECT_EQ(getpid(), a.cred.dc_pid);
		EXPECT_EQ(0, a.uret);
		EXPECT_EQ(getpid(), a.upid);
		EXPECT_EQ(getpid(), a.of_pidfd);
	}
}

TEST_F(cred, c116_c117_ids_of_the_caller)
{
	static const gid_t groups[] = {7, 8, 9};
	int status;
	pid_t pid;

	/* Needs root; the descriptor was opened by another process. */
	ASSERT_EQ(0, geteuid());
	pid = fork();
	if (pid == 0) {
		struct answer a;

		if (setgroups(3, groups) || setresgid(30, 31, 32) ||
		    setresuid(20, 21, 22))
			_exit(100);
		a = ask_who(self->s.door, 0);
		_exit(!(a.ret == 0 && a.cred.dc_ruid == 20 &&
			a.cred.dc_euid == 21 && a.suid == 22 &&
			a.cred.dc_rgid == 30 && a.cred.dc_egid == 31 &&
			a.cred.dc_pid == getpid() && a.groups == 3 &&
			a.group == 9));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* As libraries of illumos do, and daemons with small stacks. */
static void who_on_stack(void *cookie, char *argp, size_t size, door_desc_t *dp,
			 uint_t n)
{
	ucred_t *uc = (ucred_t *)alloca(ucred_size());
	struct answer a = {0};

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	a.ret = door_ucred(&uc);
	a.err = errno;
	if (a.ret == 0)
		a.upid = ucred_getpid(uc);
	door_return((char *)&a, sizeof(a), NULL, 0);
}

static void create_small(door_info_t *info)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)info;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	pthread_create(&thread, &attr, serve_alone, NULL);
	pthread_attr_destroy(&attr);
}

static int make_small(void)
{
	door_server_create(create_small);
	return door_create(who_on_stack, NULL, 0);
}

TEST(c120_small_stack)
{
	struct server s;
	struct answer a;

	ASSERT_EQ(0, server_with(&s, make_small));
	a = ask_who(s.door, 0);
	EXPECT_EQ(0, a.ret);
	EXPECT_EQ(getpid(), a.upid);
	server_stop(&s);
}

static int hop(void)
{
	return door_create(who, NULL, 0);
}

TEST_F(cred, c118_chain)
{
	struct server middle;
	struct answer a;

	next_door = self->s.door;
	ASSERT_EQ(0, server_with(&middle, hop));
	a = ask_who(middle.door, 1);
	EXPECT_EQ(0, a.ret);
	EXPECT_EQ(middle.pid, a.cred.dc_pid);
	server_stop(&middle);
}

TEST(c119_no_invocation)
{
	door_cred_t cred;
	ucred_t *uc = NULL;

	EXPECT_EQ(-1, door_cred(&cred));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_ucred(&uc));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(NULL, uc);
	EXPECT_EQ(-1, door_pidfd());
	EXPECT_EQ(EINVAL, errno);
}

static void late(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	door_cred_t cred;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	enter();
	while (!atomic_load(&shared->go))
		nap();
	atomic_store(&shared->value[0], door_cred(&cred));
	atomic_store(&shared->err, errno);
	door_return(NULL, 0, NULL, 0);
}

static int make_late(void)
{
	return door_create(late, NULL, 0);
}

TEST(c119_client_gone)
{
	struct server s;
	pid_t pid;

	ASSERT_EQ(0, server_with(&s, make_late));
	pid = fork();
	if (pid == 0)
		_exit(door_call(s.door, NULL));
	ASSERT_TRUE(wait_until(shared->inside == 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->err));
	EXPECT_EQ(-1, shared->value[0]);
	EXPECT_EQ(EINVAL, shared->err);
	server_stop(&s);
}

static int make_in_namespaces(void)
{
	int pair[2], d;
	pid_t pid;

	/* The second process is the first of a new pid namespace. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_fd(pair[1], make_who());
		pause();
	}
	d = recv_fd(pair[0]);
	return d;
}

TEST(c122_other_namespaces)
{
	struct server s;
	struct answer a;

	ASSERT_EQ(0, server_with(&s, make_in_namespaces));
	a = ask_who(s.door, 0);
	ASSERT_EQ(0, a.ret);
	EXPECT_EQ(65534, a.cred.dc_euid);
	EXPECT_EQ(65534, a.cred.dc_ruid);
	EXPECT_EQ(0, a.cred.dc_pid);
	EXPECT_EQ(0, a.of_pidfd);
	server_stop(&s);
}

TEST_HARNESS_MAIN
