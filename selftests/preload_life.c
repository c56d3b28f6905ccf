// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interposer in programs that do to descriptors, processes and threads what
 * programs do: it holds nothing that they could take away from it, and leaves
 * nothing behind.
 */
#include "preload_test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <spawn.h>
#include <sys/resource.h>

extern char **environ;

static const int families[] = {AF_INET, AF_INET6, AF_UNIX};

TEST(every_family_joins)
{
	struct addr a;
	int l, c;

	for (int f = 0; f < 3; f++) {
		TH_LOG("family %d", families[f]);
		l = listen_on(_metadata, families[f], &a);
		EXPECT_EQ(DOOR_SOCK_MARKED, sock_info(l, NULL));
		c = connect_to(_metadata, &a);
		accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
		EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(c, NULL));
	}
}

TEST(no_descriptor_stays)
{
	struct addr a;
	int l, c, s, fds[2], before;

	l = listen_on(_metadata, AF_INET, &a);
	before = count_fds();
	for (int i = 0; i < 50; i++) {
		c = connect_to(_metadata, &a);
		s = accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
		close(fds[0]);
		close(fds[1]);
		close(c);
		close(s);
		connect(l, &a.sa, a.len);
	}
	EXPECT_EQ(before, count_fds());
}

TEST(everything_closed)
{
	struct addr a;
	int l, c, s;

	/* Numbers that belong to standard streams elsewhere are sockets here.
	 */
	ASSERT_EQ(0, close_range(0, ~0U, 0));
	l = listen_on(_metadata, AF_UNIX, &a);
	ASSERT_EQ(0, l);
	c = connect_to(_metadata, &a);
	ASSERT_EQ(1, c);
	s = accept(l, NULL, NULL);
	ASSERT_EQ(2, s);
	EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(s, NULL));
	check_talk(_metadata, c, s);
	closefrom(0);
	l = listen_on(_metadata, AF_INET, &a);
	c = connect_to(_metadata, &a);
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

TEST(duplicated_over_everything)
{
	struct addr a;
	int l, c, s, fd;

	l = listen_on(_metadata, AF_INET, &a);
	c = connect_to(_metadata, &a);
	s = accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
	for (fd = 3; fd < 300; fd++)
		if (fd != l && fd != c && fd != s)
			ASSERT_EQ(fd, dup2(fd % 2 ? c : s, fd));
	check_talk(_metadata, 100, 101);
	close(c);
	close(s);
	check_talk(_metadata, 101, 100);
	c = connect_to(_metadata, &a);
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

TEST(no_descriptor_free)
{
	struct rlimit limit;
	struct addr a;
	int l, c, s;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	l = listen_on(_metadata, AF_INET, &a);
	c = socket(AF_INET, SOCK_STREAM, 0);
	ASSERT_GE(c, 0);
	limit.rlim_cur = c + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	ASSERT_EQ(0, connect(c, &a.sa, a.len));
	EXPECT_ERR(EMFILE, accept(l, NULL, NULL));
	limit.rlim_cur = c + 10;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	/* The client could not be marked then, the next one can. */
	s = accept_as(_metadata, l, DOOR_SOCK_PLAIN, -1);
	check_talk(_metadata, c, s);
	c = connect_to(_metadata, &a);
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

TEST(forked_client)
{
	struct addr a;
	int l, s;
	pid_t pid;

	l = listen_on(_metadata, AF_INET, &a);
	pid = fork();
	if (!pid) {
		int c = connect_to(_metadata, &a);
		char byte;

		_exit(read(c, &byte, 1) != 1 || write(c, &byte, 1) != 1);
	}
	s = accept_as(_metadata, l, DOOR_SOCK_JOINED, -1);
	ASSERT_EQ(1, write(s, "x", 1));
	ASSERT_EQ(0, child_status(pid));
	ASSERT_EQ(1, read(s, (char[1]){}, 1));
	ASSERT_EQ(0, read(s, (char[1]){}, 1));
}

/* A vfork() child runs in its parent's memory, and the parent goes on with it.
 */
TEST(vforked_client)
{
	struct addr a;
	int l, c, s;
	pid_t pid;

	l = listen_on(_metadata, AF_INET, &a);
	c = socket(AF_INET, SOCK_STREAM, 0);
	pid = vfork();
	if (!pid)
		_exit(connect(c, &a.sa, a.len) != 0);
	ASSERT_EQ(0, child_status(pid));
	s = accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
	close(s);
	c = connect_to(_metadata, &a);
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

/* Interposed again after exec, by the environment; bash is the program. */
TEST(spawned_client)
{
	char code[256], *argv[] = {"bash", "-c", code, NULL};
	struct addr a;
	pid_t pid;
	int l, s;

	l = listen_on(_metadata, AF_INET, &a);
	snprintf(code, sizeof(code),
		 "exec 3<>/dev/tcp/127.0.0.1/%d; read -rN1 byte <&3; "
		 "printf %%s \"$byte\" >&3",
		 ntohs(a.in.sin_port));
	ASSERT_EQ(0, posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ));
	s = accept_as(_metadata, l, DOOR_SOCK_JOINED, -1);
	ASSERT_EQ(1, write(s, "x", 1));
	ASSERT_EQ(1, read(s, (char[1]){}, 1));
	EXPECT_EQ(0, child_status(pid));

	/* Without the variable it is a program like any other. */
	unsetenv("LD_PRELOAD");
	ASSERT_EQ(0, posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ));
	s = accept_as(_metadata, l, DOOR_SOCK_PLAIN, -1);
	ASSERT_EQ(1, write(s, "x", 1));
	ASSERT_EQ(1, read(s, (char[1]){}, 1));
	EXPECT_EQ(0, child_status(pid));
}

/* Sockets that are open across exec are doors after it, too. */
TEST(stream_over_exec)
{
	char *argv[] = {"sh", "-c", "read line; echo got $line", NULL};
	posix_spawn_file_actions_t actions;
	struct addr a;
	char text[64];
	int l, c, s;
	pid_t pid;

	l = listen_on(_metadata, AF_INET, &a);
	c = connect_to(_metadata, &a);
	s = accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, s, 0);
	posix_spawn_file_actions_adddup2(&actions, s, 1);
	ASSERT_EQ(0,
		  posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ));
	close(s);
	ASSERT_EQ(6, write(c, "hello\n", 6));
	ASSERT_EQ(10, recv(c, text, 10, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(text, "got hello\n", 10));
	ASSERT_EQ(0, read(c, text, 1));
	EXPECT_EQ(0, child_status(pid));
}

#define THREADS 8
#define CONNECTIONS 25

static void *many_clients(void *arg)
{
	const struct addr *a = arg;
	intptr_t bad = 0;

	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		bad += connect(fd, &a->sa, a->len) != 0;
		bad += write(fd, "x", 1) != 1;
		bad += read(fd, (char[1]){}, 1) != 1;
		close(fd);
	}
	return (void *)bad;
}

TEST(threads_at_once)
{
	pthread_t thread[THREADS];
	struct addr a;
	int l, before;
	void *bad;

	l = listen_on(_metadata, AF_INET, &a);
	before = count_fds();
	for (int i = 0; i < THREADS; i++)
		ASSERT_EQ(0,
			  pthread_create(&thread[i], NULL, many_clients, &a));
	for (int i = 0; i < THREADS * CONNECTIONS; i++) {
		int s = accept(l, NULL, NULL);

		ASSERT_GE(s, 0);
		EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(s, NULL));
		ASSERT_EQ(1, read(s, (char[1]){}, 1));
		ASSERT_EQ(1, write(s, "y", 1));
		close(s);
	}
	for (int i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(thread[i], &bad));
		EXPECT_EQ(NULL, bad);
	}
	EXPECT_EQ(before, count_fds());
}

static struct addr handler_addr;
static volatile int handler_socket = -1;

static void connect_in_handler(int sig)
{
	(void)sig;
	handler_socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(handler_socket, &handler_addr.sa, handler_addr.len))
		_exit(KSFT_FAIL);
}

/* A signal may arrive inside the interposed calls, and may make such a call. */
TEST(signal_handlers)
{
	struct sigaction sa = {.sa_handler = connect_in_handler,
			       .sa_flags = SA_RESTART};
	struct addr a;
	int l, c;

	l = listen_on(_metadata, AF_INET, &handler_addr);
	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	for (int i = 0; i < 20; i++) {
		ASSERT_EQ(0, raise(SIGUSR1));
		c = handler_socket;
		close(accept_as(_metadata, l, DOOR_SOCK_JOINED, c));
		close(c);
	}
	listen_on(_metadata, AF_INET, &a);
}

/* A listener for which listen() was called elsewhere, as systemd does. */
TEST(inherited_listener)
{
	struct addr a;
	int l, c, s;

	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	addr_any(&a, AF_INET);
	ASSERT_EQ(0, bind(l, &a.sa, a.len));
	ASSERT_EQ(0, getsockname(l, &a.sa, &a.len));
	ASSERT_EQ(0, syscall(SYS_listen, l, 128));
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(l, NULL));
	c = connect_to(_metadata, &a);
	s = accept(l, NULL, NULL);
	ASSERT_GE(s, 0);
	check_talk(_metadata, c, s);
	EXPECT_EQ(DOOR_SOCK_MARKED, sock_info(l, NULL));
	c = connect_to(_metadata, &a);
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

TEST(non_blocking_connect)
{
	struct addr a;
	int l, c;

	l = listen_on(_metadata, AF_INET, &a);
	c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connect(c, &a.sa, a.len))
		ASSERT_EQ(EINPROGRESS, errno);
	ASSERT_EQ(POLLOUT, poll_mask(c, POLLOUT, WAIT_MS));
	ASSERT_EQ(0, getopt_int(c, SOL_SOCKET, SO_ERROR));
	ASSERT_TRUE(set_nonblock(c, false));
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

TEST(refused_then_connected)
{
	struct addr a;
	int l, c;

	c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	l = listen_on(_metadata, AF_INET, &a);
	close(l);
	EXPECT_ERR(ECONNREFUSED, connect(c, &a.sa, a.len));
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, setopt_int(l, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, bind(l, &a.sa, a.len));
	ASSERT_EQ(0, listen(l, 5));
	ASSERT_EQ(0, connect(c, &a.sa, a.len));
	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
}

/* No /dev/door in there: at once a plain socket, whatever the other end is. */
TEST(chroot_without_device)
{
	struct addr a;
	int l, c, s;

	l = listen_on(_metadata, AF_INET, &a);
	ASSERT_EQ(0, chroot("/sys"));
	c = connect_to(_metadata, &a);
	s = accept(l, NULL, NULL);
	ASSERT_GE(s, 0);
	check_talk(_metadata, c, s);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){}));
}

/* Makes the system call fail with ENOSYS from now on. */
static int forbid(int number)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = 4, .filter = code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

TEST(filtered_system_calls)
{
	static const int numbers[] = {SYS_openat, SYS_ioctl,
				      SYS_process_vm_readv};
	struct addr a;
	int l, c, s;

	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, forbid(numbers[i]));
		errno = 4321;
		l = listen_on(_metadata, AF_INET, &a);
		c = connect_to(_metadata, &a);
		s = accept(l, NULL, NULL);
		ASSERT_GE(s, 0);
		EXPECT_EQ(4321, errno);
		check_talk(_metadata, c, s);
	}
}

/* Descriptors that another process gets are doors there, too. */
TEST(passed_to_a_stranger)
{
	char *argv[] = {"sh", "-c", "read line; echo got $line", NULL};
	posix_spawn_file_actions_t actions;
	char text[64];
	int fds[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(fds[0], NULL));
	unsetenv("LD_PRELOAD");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 0);
	posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
	posix_spawn_file_actions_addclose(&actions, fds[0]);
	ASSERT_EQ(0,
		  posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ));
	close(fds[1]);
	ASSERT_EQ(6, write(fds[0], "hello\n", 6));
	ASSERT_EQ(10, recv(fds[0], text, 10, MSG_WAITALL));
	EXPECT_EQ(0, memcmp(text, "got hello\n", 10));
	EXPECT_EQ(0, child_status(pid));
}

TEST_HARNESS_MAIN
