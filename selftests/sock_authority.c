// SPDX-License-Identifier: GPL-2.0-only
/*
 * Marking gives nobody anything: whoever may not connect, may not connect when
 * everything is marked; who is not a socket's holder cannot mark it; who is who
 * is told as without. Each test is run plain as well, and says the same there.
 */
#include "sock_test.h"

#include <linux/bpf.h>
#include <grp.h>
#include <linux/landlock.h>
#include <sys/stat.h>

#define K (&variant->k)

#define NOBODY 65534

/* The calling process becomes an ordinary user's. */
static bool become_nobody(void)
{
	return !setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY);
}

/* What @fn returns in a process of its own, killed if it takes too long. */
static int in_child(int (*fn)(const struct kind *k, const struct addr *a),
		    const struct kind *k, const struct addr *a)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		alarm(20);
		_exit(fn(k, a));
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Marks, if the kind does, and connects; the errno. Who is refused is not
 * connected. */
static int connect_marked(const struct kind *k, const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct addr peer = {.len = sizeof(peer.ss)};
	int err = 0;

	if (fd < 0)
		return errno;
	if (k->cli)
		mark_connect(fd, &a->sa, a->len, NULL);
	if (connect(fd, &a->sa, a->len))
		err = errno;
	if (err && !getpeername(fd, &peer.sa, &peer.len))
		err = EISCONN;
	close(fd);
	return err;
}

static int connect_as_nobody(const struct kind *k, const struct addr *a)
{
	return become_nobody() ? connect_marked(k, a) : -1;
}

/* A listener of AF_UNIX at a path, of root's, with @mode. */
static int path_open(struct __test_metadata *_metadata, const struct kind *k,
		     struct addr *a, mode_t mode)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	memset(a, 0, sizeof(*a));
	a->un.sun_family = AF_UNIX;
	snprintf(a->un.sun_path, sizeof(a->un.sun_path), "/tmp/authority.%d",
		 getpid());
	a->len = sizeof(a->un);
	unlink(a->un.sun_path);
	ASSERT_EQ(0, bind(fd, &a->sa, a->len));
	ASSERT_EQ(0, chmod(a->un.sun_path, mode));
	if (k->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(fd));
	ASSERT_EQ(0, listen(fd, 8));
	return fd;
}

TEST_F(port, permissions_of_a_path)
{
	struct addr a;
	int fd;

	if (K->family != AF_UNIX)
		return;
	fd = path_open(_metadata, K, &a, 0600);
	EXPECT_EQ(EACCES, in_child(connect_as_nobody, K, &a));
	EXPECT_EQ(0, in_child(connect_marked, K, &a));
	ASSERT_EQ(0, chmod(a.un.sun_path, 0666));
	EXPECT_EQ(0, in_child(connect_as_nobody, K, &a));
	unlink(a.un.sun_path);
	close(fd);
}

static int connect_elsewhere(const struct kind *k, const struct addr *a)
{
	return unshare(CLONE_NEWNET) ? -1 : connect_marked(k, a);
}

/* Neither abstract names nor ports reach into another network namespace. */
TEST_F(port, another_network)
{
	int want = K->family == AF_UNIX	  ? ECONNREFUSED
		   : K->family == AF_INET ? ENETUNREACH
					  : EADDRNOTAVAIL;

	/* Its loopback is down. */
	EXPECT_EQ(want, in_child(connect_elsewhere, K, &self->addr));
}

/* ... where those that are there are joined as anywhere. */
TEST_F(port, joined_in_another_network)
{
	struct pair p;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, loopback(true));
	pair_open(_metadata, K, &p);
	close(p.cli);
	close(p.srv);
}

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/* A program for connections of a control group that says no to all. */
static int refusing_program(enum bpf_attach_type type)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static const char license[] = "GPL";
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = type,
		.insns = (uintptr_t)insns,
		.insn_cnt = 2,
		.license = (uintptr_t)license,
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int refuse_here(int group, enum bpf_attach_type type)
{
	union bpf_attr attr = {
		.target_fd = group,
		.attach_bpf_fd = refusing_program(type),
		.attach_type = type,
	};

	return bpf(BPF_PROG_ATTACH, &attr);
}

/* A new control group below the test's own. */
static int open_group(char *path, size_t size)
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[300], own[256] = "";

	if (!f)
		return -1;
	/* Other hierarchies come first, if somebody has mounted any. */
	while (fgets(line, sizeof(line), f))
		sscanf(line, "0::%255s", own);
	fclose(f);
	if (!*own)
		return -1;
	snprintf(path, size, "/sys/fs/cgroup%s/authority.%d", own, getpid());
	if (mkdir(path, 0755))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static const char *group_to_enter;

static int connect_in_group(const struct kind *k, const struct addr *a)
{
	char procs[512];
	int fd;

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", group_to_enter);
	fd = open(procs, O_WRONLY);
	if (fd < 0 || write(fd, "0", 1) != 1)
		return -1;
	close(fd);
	return connect_marked(k, a);
}

TEST_F(port, a_program_that_refuses)
{
	char path[512];
	int group;

	if (K->family == AF_UNIX)
		return;
	group = open_group(path, sizeof(path));
	ASSERT_GE(group, 0);
	ASSERT_EQ(0,
		  neg(refuse_here(group, K->family == AF_INET
						 ? BPF_CGROUP_INET4_CONNECT
						 : BPF_CGROUP_INET6_CONNECT)));
	group_to_enter = path;
	EXPECT_EQ(EPERM, in_child(connect_in_group, K, &self->addr));
	EXPECT_EQ(0, in_child(connect_marked, K, &self->addr));
	close(group);
	EXPECT_TRUE(wait_for(!rmdir(path)));
}

/* Names as of Linux 6.7; the headers may be older. */
struct landlock_net_ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
};
#define LANDLOCK_CONNECT_TCP (1ULL << 1)

static int connect_in_landlock(const struct kind *k, const struct addr *a)
{
	struct landlock_net_ruleset rules = {.handled_access_net =
						     LANDLOCK_CONNECT_TCP};
	int fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);

	if (fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_landlock_restrict_self, fd, 0))
		return -1;
	return connect_marked(k, a);
}

TEST_F(port, landlock)
{
	int abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);

	if (K->family == AF_UNIX)
		return;
	if (abi < 4)
		SKIP(return, "no rules for TCP in this kernel's landlock");
	EXPECT_EQ(EACCES, in_child(connect_in_landlock, K, &self->addr));
}

#define ROOTS_FD 900

static int mark_another_users(const struct kind *k, const struct addr *a)
{
	struct door_ioc_sock sock = {.fd = ROOTS_FD, .fd2 = ROOTS_FD};
	long ret;

	(void)k;
	(void)a;
	/* root still has its descriptor; this process has it no more. */
	close_range(3, ~0U, 0);
	if (!become_nobody())
		return -1;
	ret = sock_ioctl(DOOR_IOC_SOCK_LISTEN, &sock);
	if (ret == -EBADF)
		ret = sock_ioctl(DOOR_IOC_SOCK_PAIR, &sock);
	if (ret == -EBADF)
		ret = sock_ioctl(DOOR_IOC_SOCK_INFO, &sock);
	return ret < 0 ? -ret : 0;
}

TEST_F(port, only_who_holds_a_socket_marks_it)
{
	ASSERT_EQ(ROOTS_FD, fcntl(self->lis, F_DUPFD_CLOEXEC, ROOTS_FD));
	EXPECT_EQ(EBADF, in_child(mark_another_users, K, &self->addr));
	close(ROOTS_FD);
}

static int pipe_to_say[2];

static int who_connects(const struct kind *k, const struct addr *a)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char c;

	if (k->cli)
		mark_connect(fd, &a->sa, a->len, NULL);
	if (!become_nobody() || connect(fd, &a->sa, a->len))
		return 1;
	/* Stays until it has been asked for. */
	return read(pipe_to_say[0], &c, 1) != 1;
}

TEST_F(port, peer_is_who_connected)
{
	socklen_t len = sizeof(struct ucred);
	struct ucred who = {};
	int srv, status;
	pid_t pid;

	if (K->family != AF_UNIX)
		return;
	ASSERT_EQ(0, pipe(pipe_to_say));
	pid = fork();
	if (!pid)
		_exit(who_connects(K, &self->addr));
	srv = server_accept(_metadata, K, self->lis, -1);
	ASSERT_EQ(0, getsockopt(srv, SOL_SOCKET, SO_PEERCRED, &who, &len));
	EXPECT_EQ(NOBODY, who.uid);
	EXPECT_EQ(NOBODY, who.gid);
	EXPECT_EQ(pid, who.pid);
	ASSERT_EQ(1, write(pipe_to_say[1], "x", 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	close(srv);
	close(pipe_to_say[0]);
	close(pipe_to_say[1]);
}

TEST_F(link_unix, peercred)
{
	struct ucred u = {0};
	socklen_t len = sizeof(u);

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, getsockopt(i ? self->srv : self->cli, SOL_SOCKET,
					SO_PEERCRED, &u, &len));
		EXPECT_EQ(getpid(), u.pid);
		EXPECT_EQ(getuid(), u.uid);
	}
}

SOCK_TEST_MAIN
