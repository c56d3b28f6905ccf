// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interposed calls return what the system calls return: for every argument
 * that a program may give, good or bad, result and errno are compared with
 * those of the same system call on a twin of the same socket.
 */
#include "preload_test.h"

/* The kernel looks for a module for each protocol that it does not know. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 120

/* Result and errno of one call. */
struct outcome {
	long ret;
	int err;
};

#define OUTCOME(call)               \
	({                          \
		struct outcome __o; \
                                    \
		errno = 4321;       \
		__o.ret = (call);   \
		__o.err = errno;    \
		__o;                \
	})

/* Runs the interposed call and the system call, each on a socket of its own. */
#define EXPECT_TWINS(mine, raw)                                         \
	do {                                                            \
		struct outcome __m = OUTCOME(mine), __r = OUTCOME(raw); \
                                                                        \
		EXPECT_EQ(__r.ret, __m.ret);                            \
		EXPECT_EQ(__r.err, __m.err);                            \
	} while (0)

static int twin(int family, int type)
{
	return socket(family, type | SOCK_CLOEXEC, 0);
}

TEST(success_leaves_errno_alone)
{
	struct addr a;
	int l, c, s, fds[2];

	l = twin(AF_INET, SOCK_STREAM);
	addr_any(&a, AF_INET);
	ASSERT_EQ(0, bind(l, &a.sa, a.len));
	ASSERT_EQ(0, getsockname(l, &a.sa, &a.len));
	errno = 4321;
	ASSERT_EQ(0, listen(l, 5));
	EXPECT_EQ(4321, errno);
	c = twin(AF_INET, SOCK_STREAM);
	errno = 4321;
	ASSERT_EQ(0, connect(c, &a.sa, a.len));
	EXPECT_EQ(4321, errno);
	errno = 4321;
	s = accept(l, NULL, NULL);
	EXPECT_EQ(4321, errno);
	ASSERT_GE(s, 0);
	EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(s, NULL));
	errno = 4321;
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	EXPECT_EQ(4321, errno);
	EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(fds[0], NULL));
	EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(fds[1], NULL));
	check_talk(_metadata, fds[0], fds[1]);
}

static void connect_twins(struct __test_metadata *_metadata, int family,
			  int type, const void *addr, socklen_t len)
{
	int a = twin(family, type), b = twin(family, type);

	EXPECT_TWINS(connect(a, addr, len), syscall(SYS_connect, b, addr, len));
	/* And again: EISCONN, EALREADY, or another refusal. */
	EXPECT_TWINS(connect(a, addr, len), syscall(SYS_connect, b, addr, len));
	close(a);
	close(b);
}

/* An address that the compiler does not see through. */
static volatile uintptr_t nowhere = 16;

static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
static const int types[] = {SOCK_STREAM, SOCK_DGRAM,
			    SOCK_STREAM | SOCK_NONBLOCK};

TEST(connect_with_any_address)
{
	char page[4096] __attribute__((aligned(4096))) = {};
	struct sockaddr *none = (void *)nowhere, *unspec = (void *)page;
	struct addr a;

	for (int f = 0; f < 3; f++) {
		for (int t = 0; t < 3; t++) {
			int l = listen_on(_metadata, families[f], &a);

			TH_LOG("family %d type %d", families[f], types[t]);
			for (socklen_t len = 0; len <= a.len; len++)
				connect_twins(_metadata, families[f], types[t],
					      &a.sa, len);
			connect_twins(_metadata, families[f], types[t], &a.sa,
				      128);
			connect_twins(_metadata, families[f], types[t], &a.sa,
				      129);
			connect_twins(_metadata, families[f], types[t], &a.sa,
				      -1);
			connect_twins(_metadata, families[f], types[t], none,
				      16);
			connect_twins(_metadata, families[f], types[t], NULL,
				      16);
			connect_twins(_metadata, families[f], types[t], NULL,
				      0);
			connect_twins(_metadata, families[f], types[t], unspec,
				      16);
			close(l);
			/* Nobody listens any more. */
			connect_twins(_metadata, families[f], types[t], &a.sa,
				      a.len);
		}
	}
}

TEST(connect_on_any_descriptor)
{
	struct addr a;
	int fds[2], file = open("/dev/null", O_RDWR | O_CLOEXEC);

	listen_on(_metadata, AF_INET, &a);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	for (int fd = -2; fd < 0; fd++)
		EXPECT_TWINS(connect(fd, &a.sa, a.len),
			     syscall(SYS_connect, fd, &a.sa, a.len));
	EXPECT_TWINS(connect(900, &a.sa, a.len),
		     syscall(SYS_connect, 900, &a.sa, a.len));
	EXPECT_TWINS(connect(file, &a.sa, a.len),
		     syscall(SYS_connect, file, &a.sa, a.len));
	EXPECT_TWINS(connect(fds[0], &a.sa, a.len),
		     syscall(SYS_connect, fds[0], &a.sa, a.len));
}

/* The number that /dev/door gets meanwhile is the one that was asked about. */
TEST(connect_on_the_next_free_number)
{
	struct addr a;
	int l = listen_on(_metadata, AF_INET, &a), next = dup(l);

	ASSERT_GE(next, 0);
	close(next);
	EXPECT_TWINS(connect(next, &a.sa, a.len),
		     syscall(SYS_connect, next, &a.sa, a.len));
	EXPECT_TWINS(listen(next, 5), syscall(SYS_listen, next, 5));
	EXPECT_TWINS(accept(next, NULL, NULL),
		     syscall(SYS_accept, next, NULL, NULL));
}

TEST(connect_dissolves)
{
	struct sockaddr unspec = {.sa_family = AF_UNSPEC};
	struct addr a;
	int l = listen_on(_metadata, AF_INET, &a);
	int c = connect_to(_metadata, &a);

	accept_as(_metadata, l, DOOR_SOCK_JOINED, c);
	ASSERT_EQ(0, connect(c, &unspec, sizeof(unspec)));
	/* The socket can be connected anew. */
	ASSERT_EQ(0, connect(c, &a.sa, a.len));
	close(accept(l, NULL, NULL));
}

TEST(listen_anywhere)
{
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);

	EXPECT_TWINS(listen(-1, 5), syscall(SYS_listen, -1, 5));
	EXPECT_TWINS(listen(file, 5), syscall(SYS_listen, file, 5));
	for (int f = 0; f < 3; f++)
		for (int t = 0; t < 3; t++) {
			int a = twin(families[f], types[t]);
			int b = twin(families[f], types[t]);

			TH_LOG("family %d type %d", families[f], types[t]);
			EXPECT_TWINS(listen(a, 5), syscall(SYS_listen, b, 5));
			EXPECT_TWINS(listen(a, -1), syscall(SYS_listen, b, -1));
			close(a);
			close(b);
		}
}

TEST(accept_with_any_address)
{
	struct sockaddr_storage mine = {}, raw = {};
	socklen_t len = sizeof(mine), raw_len = sizeof(raw), small = 4;
	struct addr a;
	int l, s, r;

	for (int f = 0; f < 3; f++) {
		l = listen_on(_metadata, families[f], &a);
		connect_to(_metadata, &a);
		connect_to(_metadata, &a);
		s = accept(l, (void *)&mine, &len);
		r = syscall(SYS_accept, l, &raw, &raw_len);
		ASSERT_GE(s, 0);
		ASSERT_GE(r, 0);
		EXPECT_EQ(raw_len, len);
		EXPECT_EQ(raw.ss_family, mine.ss_family);
		connect_to(_metadata, &a);
		s = accept(l, (void *)&mine, &small);
		ASSERT_GE(s, 0);
		small = 4;
		/* The connection is lost, and so it is without us. */
		connect_to(_metadata, &a);
		connect_to(_metadata, &a);
		EXPECT_TWINS(accept(l, (void *)nowhere, &len),
			     syscall(SYS_accept, l, (void *)nowhere, &len));
		connect_to(_metadata, &a);
		connect_to(_metadata, &a);
		EXPECT_TWINS(accept(l, (void *)&mine, (void *)nowhere),
			     syscall(SYS_accept, l, &mine, (void *)nowhere));
		close(l);
	}
}

TEST(accept_on_anything)
{
	int file = open("/dev/null", O_RDWR | O_CLOEXEC), s;
	struct addr a;

	EXPECT_TWINS(accept(-1, NULL, NULL),
		     syscall(SYS_accept, -1, NULL, NULL));
	EXPECT_TWINS(accept(file, NULL, NULL),
		     syscall(SYS_accept, file, NULL, NULL));
	for (int f = 0; f < 3; f++) {
		for (int t = 0; t < 3; t++) {
			s = twin(families[f], types[t]);
			EXPECT_TWINS(accept(s, NULL, NULL),
				     syscall(SYS_accept, s, NULL, NULL));
			close(s);
		}
		s = listen_on(_metadata, families[f], &a);
		ASSERT_EQ(0, fcntl(s, F_SETFL, O_NONBLOCK));
		EXPECT_TWINS(accept(s, NULL, NULL),
			     syscall(SYS_accept, s, NULL, NULL));
		EXPECT_TWINS(accept4(s, NULL, NULL, 0x8000000),
			     syscall(SYS_accept4, s, NULL, NULL, 0x8000000));
		close(s);
	}
}

TEST(accept_flags)
{
	struct addr a;
	int l = listen_on(_metadata, AF_INET, &a), c, s;

	c = connect_to(_metadata, &a);
	s = accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	ASSERT_GE(s, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(s, F_GETFD));
	EXPECT_TRUE(fcntl(s, F_GETFL) & O_NONBLOCK);
	check_talk(_metadata, c, c == s ? -1 : s);
	connect_to(_metadata, &a);
	s = accept(l, NULL, NULL);
	ASSERT_GE(s, 0);
	EXPECT_EQ(0, fcntl(s, F_GETFD));
	EXPECT_FALSE(fcntl(s, F_GETFL) & O_NONBLOCK);
}

TEST(socketpair_of_anything)
{
	static const int kinds[] = {SOCK_STREAM,    SOCK_DGRAM,
				    SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK,
				    SOCK_RAW,	    99};
	int fds[2];

	for (int f = 0; f < 3; f++)
		for (unsigned int k = 0; k < 6; k++) {
			EXPECT_TWINS(socketpair(families[f], kinds[k], 0, fds),
				     syscall(SYS_socketpair, families[f],
					     kinds[k], 0, fds));
			EXPECT_TWINS(socketpair(families[f], kinds[k], 77, fds),
				     syscall(SYS_socketpair, families[f],
					     kinds[k], 77, fds));
		}
	EXPECT_TWINS(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)nowhere),
		     syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, nowhere));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds));
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(fds[0], NULL));
}

TEST_HARNESS_MAIN
