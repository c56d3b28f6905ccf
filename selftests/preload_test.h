/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests of the interposer: the program runs itself again under it, so that
 * every call of listen, connect, accept and socketpair here is an interposed
 * one. What the program knows of doors is only what became of its sockets.
 */
#ifndef PRELOAD_TEST_H
#define PRELOAD_TEST_H

#include "sock_test.h"

#include <libgen.h>
#include <limits.h>

#define LIBRARY "../lib/libdoor-preload.so"

/* The library is in build/lib, this program in build/selftests. */
static void run_under_interposer(int argc, char **argv)
	__attribute__((constructor));
static void run_under_interposer(int argc, char **argv)
{
	char self[PATH_MAX], library[PATH_MAX + 32];
	ssize_t n;

	(void)argc;
	if (getenv("LD_PRELOAD"))
		return;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n < 0 ? 0 : n] = 0;
	snprintf(library, sizeof(library), "%s", self);
	n = dirname(library) ? (ssize_t)strlen(library) : 0;
	snprintf(library + n, sizeof(library) - n, "/" LIBRARY);
	if (access(library, R_OK) || setenv("LD_PRELOAD", library, 1)) {
		perror(library);
		exit(KSFT_FAIL);
	}
	execv(self, argv);
	perror(self);
	exit(KSFT_FAIL);
}

static inline int listen_on(struct __test_metadata *_metadata, int family,
			    struct addr *a)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	addr_any(a, family);
	ASSERT_EQ(0, bind(fd, &a->sa, a->len));
	a->len = sizeof(a->ss);
	ASSERT_EQ(0, getsockname(fd, &a->sa, &a->len));
	ASSERT_EQ(0, listen(fd, 128));
	return fd;
}

static inline int connect_to(struct __test_metadata *_metadata,
			     const struct addr *a)
{
	int fd = socket(a->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, connect(fd, &a->sa, a->len));
	return fd;
}

/* A byte each way: whatever the sockets are, they are connected. */
static inline void check_talk(struct __test_metadata *_metadata, int a, int b)
{
	char c = 0;

	ASSERT_EQ(1, write(a, "x", 1));
	ASSERT_EQ(1, read(b, &c, 1));
	ASSERT_EQ('x', c);
	ASSERT_EQ(1, write(b, "y", 1));
	ASSERT_EQ(1, read(a, &c, 1));
	ASSERT_EQ('y', c);
}

/* The next connection, with its state; -1 for a peer in another process. */
static inline int accept_as(struct __test_metadata *_metadata, int listener,
			    int state, int peer)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	ASSERT_GE(fd, 0);
	EXPECT_EQ(state, sock_info(fd, NULL));
	if (peer >= 0)
		check_talk(_metadata, fd, peer);
	return fd;
}

/* How many descriptors this process has. */
static inline int count_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/* The exit status of a child, or -1. */
static inline int child_status(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

#endif /* PRELOAD_TEST_H */
