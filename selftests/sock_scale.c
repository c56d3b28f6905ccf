// SPDX-License-Identifier: GPL-2.0-only
/*
 * Much of everything: bytes, connections at once, connections in a row, and
 * what they leave behind in the kernel. DOOR_TEST_MB (default 100) and
 * DOOR_TEST_CHURN (default 10000) set how much.
 */
#include "sock_test.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>

LINK_FIXTURE(bulk)
FIXTURE_VARIANT_ADD(bulk, tcp4_plain){.k = {.family = AF_INET}};
FIXTURE_VARIANT_ADD(bulk, unix_plain){.k = {.family = AF_UNIX}};
FIXTURE_VARIANT_ADD(bulk, tcp4_door){
	.k = {.family = AF_INET, .srv = true, .cli = true}};
FIXTURE_VARIANT_ADD(bulk, tcp6_door){
	.k = {.family = AF_INET6, .srv = true, .cli = true}};
FIXTURE_VARIANT_ADD(bulk, unix_door){
	.k = {.family = AF_UNIX, .srv = true, .cli = true}};
FIXTURE_VARIANT_ADD(bulk, pair_door){
	.k = {.family = AF_UNIX, .pair = true, .srv = true, .cli = true}};

static long how_many(const char *name, long otherwise)
{
	const char *s = getenv(name);

	return s ? atol(s) : otherwise;
}

static void more_files(struct __test_metadata *_metadata)
{
	struct rlimit r = {.rlim_cur = 8192, .rlim_max = 8192};

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &r));
}

static ssize_t bg_send_stream(struct bg *bg)
{
	return send_all(bg->fd, bg->flags, bg->len);
}

TEST_F_TIMEOUT(bulk, bytes_both_ways, 600)
{
	size_t len = how_many("DOOR_TEST_MB", 100) << 20;
	pid_t pid = fork();
	struct bg bg = {.fn = bg_send_stream, .len = len};
	int status;

	ASSERT_GE(pid, 0);
	bg.fd = pid ? self->srv : self->cli;
	bg.flags = pid ? 0 : 77;
	close(pid ? self->cli : self->srv);
	*(pid ? &self->cli : &self->srv) = -1;
	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	bg_start(&bg);
	EXPECT_TRUE(recv_all(bg.fd, pid ? 77 : 0, len));
	pthread_join(bg.thread, NULL);
	EXPECT_EQ(1, bg.ret);
	shutdown(bg.fd, SHUT_WR);
	EXPECT_EQ(0, recv(bg.fd, &(char){0}, 1, 0));
	if (!pid)
		_exit(0);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* Echoes whatever comes on any connection, until killed. */
static void echo_server(int lis)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = lis}, got[64];
	int ep = epoll_create1(0);
	char buf[512];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	set_nonblock(lis, true);
	epoll_ctl(ep, EPOLL_CTL_ADD, lis, &ev);
	for (;;) {
		int n = epoll_wait(ep, got, 64, -1), fd;

		for (int i = 0; i < n; i++) {
			ssize_t r;

			if (got[i].data.fd != lis) {
				fd = got[i].data.fd;
				r = read(fd, buf, sizeof(buf));
				if (r <= 0 || write(fd, buf, r) != r)
					close(fd);
				continue;
			}
			while ((fd = accept4(lis, NULL, NULL, SOCK_NONBLOCK)) >=
			       0) {
				ev.data.fd = fd;
				epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
			}
		}
	}
}

static pid_t start_echo(struct __test_metadata *_metadata, const struct kind *k,
			struct addr *a)
{
	int lis = port_open(_metadata, k, a);
	pid_t pid = fork();

	ASSERT_GE(pid, 0);
	if (!pid) {
		echo_server(lis);
		_exit(1);
	}
	close(lis);
	return pid;
}

TEST_F_TIMEOUT(bulk, thousand_connections, 480)
{
	struct kind k = variant->k;
	static int fd[1000];
	struct addr a;
	char buf[100];
	pid_t pid;

	k.pair = false;
	more_files(_metadata);
	pid = start_echo(_metadata, &k, &a);
	for (int i = 0; i < 1000; i++) {
		fd[i] = client_open(_metadata, &k, &a);
		ASSERT_EQ(100, write(fd[i], pattern(i * 13), 100));
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 1000; i++) {
			ASSERT_EQ(100, recv(fd[i], buf, 100, MSG_WAITALL));
			ASSERT_TRUE(check(buf, i * 13, 100));
			ASSERT_EQ(100, write(fd[i], pattern(i * 13), 100));
		}
	}
	for (int i = 0; i < 1000; i++) {
		if (kind_joined(&k))
			ASSERT_EQ(DOOR_SOCK_JOINED, sock_info(fd[i], NULL));
		close(fd[i]);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F_TIMEOUT(bulk, churn, 600)
{
	long n = how_many("DOOR_TEST_CHURN", 10000);
	struct kind k = variant->k;
	struct addr a;
	pid_t pid;
	char c;

	if (kind_plain(&k))
		n /= 10;
	k.pair = false;
	pid = start_echo(_metadata, &k, &a);
	for (long i = 0; i < n; i++) {
		int fd = client_open(_metadata, &k, &a);

		ASSERT_EQ(1, write(fd, &(char){i}, 1));
		ASSERT_EQ(1, read(fd, &c, 1));
		ASSERT_EQ((char)i, c);
		close(fd);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

TEST_F(bulk, module_stays_while_in_use)
{
	int n = module_users();

	if (kind_plain(&variant->k))
		return;
	ASSERT_GT(n, 0);
	EXPECT_ERR(EAGAIN, syscall(SYS_delete_module, "door", O_NONBLOCK));
	ASSERT_TRUE(send_all(self->cli, 0, 1000));
	EXPECT_TRUE(recv_all(self->srv, 0, 1000));
	close(self->cli);
	close(self->srv);
	/* Nothing of these two is left. */
	EXPECT_TRUE(wait_for(module_users() <= n - 2))
	{
		TH_LOG("%d users before, %d after", n, module_users());
	}
	self->cli = -1;
	self->srv = -1;
}

TEST_F(bulk, module_is_free_afterwards)
{
	struct kind k = variant->k;
	struct addr a;
	long n;
	int lis, cli, srv;

	if (kind_plain(&k))
		return;
	k.pair = false;
	close(self->cli);
	close(self->srv);
	self->cli = -1;
	self->srv = -1;
	ASSERT_TRUE(wait_for(module_users() == 0));
	for (int how = 0; how < 5; how++) {
		lis = port_open(_metadata, &k, &a);
		cli = client_socket(_metadata, &k, &a);
		if (how > 0)
			ASSERT_EQ(0, connect(cli, &a.sa, a.len));
		srv = how > 1 ? accept(lis, NULL, NULL) : -1;
		if (how > 2)
			ASSERT_TRUE(send_all(cli, 0, 10000));
		if (how > 3)
			ASSERT_EQ(100, read(srv, (char[100]){0}, 100));
		ASSERT_GT(module_users(), 0);
		close(lis);
		close(cli);
		close(srv);
		n = -1;
		EXPECT_TRUE(wait_for((n = module_users()) == 0))
		{
			TH_LOG("%ld users left after step %d", n, how);
		}
	}
}

/* ---- memory, as a control group of our own is charged for it ------------- */

#define CGROUPS "/sys/fs/cgroup"

static bool put_line(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, line, strlen(line)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

static bool charged(long *kb, const char *group)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/memory.current", group);
	*kb = number_in(path, "%ld") / 1024;
	return *kb >= 0;
}

/* In a process of its own: what 1000 pairs cost, in KiB, or -1. */
static long cost_in(struct __test_metadata *_metadata, const struct kind *k,
		    bool used, const char *group)
{
	static struct pair p[1000];
	char path[128];
	long before, after;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	if (!put_line(path, "0"))
		return -1;
	/* One for what is charged once. */
	pair_open(_metadata, k, &p[0]);
	if (!charged(&before, group))
		return -1;
	for (int i = 0; i < 1000; i++) {
		pair_open(_metadata, k, &p[i]);
		if (!used)
			continue;
		for (int dir = 0; dir < 2; dir++) {
			if (!send_all(dir ? p[i].cli : p[i].srv, 0, 100) ||
			    !recv_all(dir ? p[i].srv : p[i].cli, 0, 100))
				return -1;
		}
	}
	return charged(&after, group) ? after - before : -1;
}

static long cost_kb(struct __test_metadata *_metadata, const struct kind *k,
		    bool used)
{
	char group[64];
	long *kb = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	*kb = -1;
	snprintf(group, sizeof(group), CGROUPS "/door-%d", getpid());
	put_line(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(group, 0755))
		return -1;
	pid = fork();
	if (!pid) {
		*kb = cost_in(_metadata, k, used, group);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	wait_for(!rmdir(group));
	return *kb;
}

TEST_F_TIMEOUT(bulk, idle_pairs_cost_little, 240)
{
	struct kind plain = {.family = variant->k.family,
			     .pair = variant->k.pair};
	long base, idle, used;

	if (!kind_joined(&variant->k))
		return;
	more_files(_metadata);
	base = cost_kb(_metadata, &plain, false);
	if (base < 0)
		SKIP(return, "no memory control group: %s", strerror(errno));
	idle = cost_kb(_metadata, &variant->k, false);
	used = cost_kb(_metadata, &variant->k, true);
	TH_LOG("1000 pairs: %ld KiB plain, %ld joined, %ld just used", base,
	       idle, used);
	/* On top of the sockets at most 2 KiB a pair, and what debugging adds.
	 */
	EXPECT_GE(idle, 0);
	EXPECT_LE(idle, base + base / 2 + 2000);
}

SOCK_TEST_MAIN
