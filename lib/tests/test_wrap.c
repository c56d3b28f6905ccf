// SPDX-License-Identifier: GPL-2.0-only
/*
 * LINK: lib/preload/wrap.c lib/preload/real.c lib/preload/mark.c
 * LINK: lib/preload/policy.c lib/preload/ask.c lib/preload/say.c
 * WRAP: syscall,getenv
 *
 * The wrappers over a kernel that this file plays: each real call is made once,
 * its result and errno arrive untouched, and the questions to /dev/door are
 * those that they should be, for every answer that it can give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/uio.h>
#include <cmocka.h>
#include <linux/netlink.h>
#include <linux/door.h>

#include "../preload/mark.h"
#include "../preload/real.h"

#define DOOR_FD 77

/* The kernel's side: what it answers, and what it was asked. */
static struct {
	int open_errno, ioctl_errno;
	unsigned int state, why;
	int calls, opens, closes, ioctls, foreign;
	unsigned long command;
	struct door_ioc_sock sock;
	struct sockaddr_storage name;
	socklen_t name_len;
	char said[1024];
} kernel;

/* libc's side. */
static struct {
	int result, error, calls;
	const void *addr;
} libc;

static const char *variables[3];

char *__wrap_getenv(const char *name)
{
	if (!strcmp(name, "DOOR_DEBUG"))
		return (char *)variables[0];
	if (!strcmp(name, "DOOR_PRELOAD_ALLOW"))
		return (char *)variables[1];
	assert_string_equal(name, "DOOR_PRELOAD_DENY");
	return (char *)variables[2];
}

static long answer(int error)
{
	errno = error;
	return error ? -1 : 0;
}

static long play_ioctl(long fd, unsigned long command, void *arg)
{
	struct door_ioc_sock *sock = arg;

	assert_int_equal(fd, DOOR_FD);
	kernel.ioctls++;
	kernel.command = command;
	kernel.sock = *sock;
	sock->state = kernel.state;
	sock->why = kernel.why;
	return answer(kernel.ioctl_errno);
}

static long play_readv(const struct iovec *to, const struct iovec *from)
{
	if ((uintptr_t)from->iov_base < 4096)
		return answer(EFAULT);
	memcpy(to->iov_base, from->iov_base, from->iov_len);
	return from->iov_len;
}

long __wrap_syscall(long number, long a, long b, long c, long d)
{
	kernel.calls++;
	switch (number) {
	case SYS_openat:
		assert_string_equal((char *)b, "/dev/door");
		kernel.opens++;
		return answer(kernel.open_errno) ? -1 : DOOR_FD;
	case SYS_close:
		assert_int_equal(a, DOOR_FD);
		kernel.closes++;
		return answer(0);
	case SYS_ioctl:
		return play_ioctl(a, b, (void *)c);
	case SYS_getsockname:
		if (!kernel.name_len)
			return answer(ENOTSOCK);
		memcpy((void *)b, &kernel.name, kernel.name_len);
		*(socklen_t *)c = kernel.name_len;
		return answer(0);
	case SYS_getpid:
		return 42;
	case SYS_process_vm_readv:
		assert_int_equal(a, 42);
		return play_readv((void *)b, (void *)d);
	case SYS_write:
		assert_int_equal(a, 2);
		strncat(kernel.said, (char *)b, c);
		errno = EIO;
		return -1;
	default:
		kernel.foreign = number;
		return answer(EOPNOTSUPP);
	}
}

static int real_result(const void *addr)
{
	libc.calls++;
	libc.addr = addr;
	if (libc.error)
		errno = libc.error;
	return libc.error ? -1 : libc.result;
}

static int fake_listen(int fd, int backlog)
{
	assert_int_equal(fd, 5);
	assert_int_equal(backlog, 128);
	return real_result(NULL);
}

static int fake_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	(void)len;
	assert_int_equal(fd, 5);
	return real_result(addr);
}

static int fake_accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	(void)fd;
	assert_null(len);
	return real_result(addr);
}

static int fake_accept4(int fd, struct sockaddr *addr, socklen_t *len,
			int flags)
{
	assert_int_equal(flags, SOCK_CLOEXEC);
	return fake_accept(fd, addr, len);
}

static int fake_socketpair(int domain, int type, int protocol, int *fds)
{
	(void)domain;
	(void)type;
	assert_int_equal(protocol, 0);
	fds[0] = 8;
	fds[1] = 9;
	return real_result(NULL);
}

static void start(const char *debug, const char *allow, const char *deny)
{
	variables[0] = debug;
	variables[1] = allow;
	variables[2] = deny;
	mark_init();
	memset(&kernel, 0, sizeof(kernel));
	kernel.name.ss_family = AF_INET;
	((struct sockaddr_in *)&kernel.name)->sin_port = htons(6379);
	kernel.name_len = sizeof(struct sockaddr_in);
	memset(&libc, 0, sizeof(libc));
	real = (struct real){fake_listen, fake_connect, fake_accept,
			     fake_accept4, fake_socketpair};
}

static const struct sockaddr_in redis = {
	.sin_family = AF_INET,
	.sin_port = 0xeb18, /* 6379 in network order */
	.sin_addr.s_addr = 0x0100007f,
};
#define REDIS (const struct sockaddr *)&redis

/* The call's result and errno, and how often it and the module were asked. */
static void expect(int ret, int result, int error, int asked)
{
	assert_int_equal(ret, result);
	assert_int_equal(errno, error);
	assert_int_equal(libc.calls, 1);
	assert_int_equal(kernel.ioctls, asked);
	assert_int_equal(kernel.opens - !!kernel.open_errno, kernel.closes);
	libc.calls = kernel.ioctls = kernel.opens = kernel.closes = 0;
	errno = 1234;
}

static void connect_marks_first(void **state)
{
	(void)state;
	start(NULL, NULL, NULL);
	errno = 1234;
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 1);
	assert_true(kernel.command == DOOR_IOC_SOCK_CONNECT);
	assert_int_equal(kernel.sock.fd, 5);
	assert_int_equal(kernel.sock.addrlen, sizeof(redis));
	assert_ptr_equal((void *)(uintptr_t)kernel.sock.addr, &redis);
	assert_int_equal(kernel.sock.flags, 0);
	assert_ptr_equal(libc.addr, &redis);
	libc.error = EINPROGRESS;
	expect(connect(5, REDIS, sizeof(redis)), -1, EINPROGRESS, 1);
	assert_string_equal(kernel.said, "");
}

static void any_failure_is_silent(void **state)
{
	static const int errors[] = {ENOENT, ENXIO,  ENODEV, EACCES,
				     EMFILE, ENFILE, ENOMEM};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		start(NULL, NULL, NULL);
		kernel.open_errno = errors[i];
		errno = 1234;
		expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
		expect(listen(5, 128), 0, 1234, 0);
		kernel.open_errno = 0;
		kernel.ioctl_errno = errors[i];
		expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 1);
		expect(listen(5, 128), 0, 1234, 1);
		assert_string_equal(kernel.said, "");
	}
}

static void bad_addresses(void **state)
{
	const struct sockaddr *bad = (const void *)8;
	struct sockaddr_nl netlink = {.nl_family = AF_NETLINK};

	(void)state;
	/* Without lists nobody but the kernel looks at the address. */
	start(NULL, NULL, NULL);
	libc.error = EFAULT;
	expect(connect(5, bad, 16), -1, EFAULT, 1);
	expect(connect(5, REDIS, 0), -1, EFAULT, 0);
	expect(connect(5, REDIS, 1), -1, EFAULT, 0);
	expect(connect(5, REDIS, (socklen_t)-1), -1, EFAULT, 0);
	start("1", "*", NULL);
	libc.error = EFAULT;
	expect(connect(5, bad, 16), -1, EFAULT, 0);
	expect(connect(5, NULL, 16), -1, EFAULT, 0);
	expect(connect(5, (void *)&netlink, sizeof(netlink)), -1, EFAULT, 0);
	assert_string_equal(kernel.said, "");
}

static void lists_decide(void **state)
{
	(void)state;
	start(NULL, "tcp:6379", NULL);
	errno = 1234;
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 1);
	expect(listen(5, 128), 0, 1234, 1);
	start(NULL, "unix:*", NULL);
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
	expect(listen(5, 128), 0, 1234, 0);
	start(NULL, NULL, "tcp:6379");
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
	expect(listen(5, 128), 0, 1234, 0);
	start(NULL, NULL, "nonsense");
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
	assert_int_equal(kernel.calls, 0);
	start(NULL, "tcp:6379", "*");
	expect(listen(5, 128), 0, 1234, 0);
	expect(accept(3000, NULL, NULL), 0, 1234, 0);
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
	assert_int_equal(kernel.calls, 0);
	start("1", NULL, "nonsense");
	expect(connect(5, REDIS, sizeof(redis)), 0, 1234, 0);
	assert_string_equal(
		kernel.said,
		"door[42]: fd 5: connect tcp 127.0.0.1:6379: plain: "
		"DOOR_PRELOAD_ALLOW or DOOR_PRELOAD_DENY is "
		"malformed\n");
	start(NULL, "*", NULL);
	kernel.name_len = 0;
	libc.error = ENOTSOCK;
	expect(listen(5, 128), -1, ENOTSOCK, 0);
}

static void accept_adopts_once(void **state)
{
	int fd;

	(void)state;
	start(NULL, NULL, NULL);
	libc.result = 9;
	errno = 1234;
	for (fd = 1000; fd < 1200; fd++) {
		expect(accept(fd, NULL, NULL), 9, 1234, 1);
		assert_true(kernel.command == DOOR_IOC_SOCK_LISTEN);
		assert_int_equal(kernel.sock.fd, fd);
		expect(accept4(fd, NULL, NULL, SOCK_CLOEXEC), 9, 1234, 0);
	}
	/* listen() marks always, and is the only one for high numbers. */
	expect(listen(5, 128), 9, 1234, 1);
	expect(listen(5, 128), 9, 1234, 1);
	expect(accept(5, NULL, NULL), 9, 1234, 0);
	expect(accept(65535, NULL, NULL), 9, 1234, 1);
	libc.error = EBADF;
	expect(accept(65536, NULL, NULL), -1, EBADF, 0);
	expect(accept(-1, NULL, NULL), -1, EBADF, 0);
}

static void socketpairs(void **state)
{
	int fds[2];

	(void)state;
	start(NULL, NULL, NULL);
	errno = 1234;
	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, 1234, 1);
	assert_true(kernel.command == DOOR_IOC_SOCK_PAIR);
	assert_int_equal(kernel.sock.fd, 8);
	assert_int_equal(kernel.sock.fd2, 9);
	expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			  0, fds),
	       0, 1234, 1);
	expect(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0, 1234, 0);
	expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0, 1234, 0);
	expect(socketpair(AF_INET, SOCK_STREAM, 0, fds), 0, 1234, 0);
	libc.error = EMFILE;
	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), -1, EMFILE, 0);
	start(NULL, "tcp:*", NULL);
	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0, 1234, 0);
}

#define SAID(text)                                                        \
	do {                                                              \
		assert_string_equal(kernel.said, "door[42]: " text "\n"); \
		kernel.said[0] = 0;                                       \
	} while (0)

static void debug_lines(void **state)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
				   .sin6_port = 0x5000};
	struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/a\nb"};
	int fds[2];

	(void)state;
	start("1", NULL, "tcp:81");
	errno = 1234;
	kernel.state = DOOR_SOCK_MARKED;
	connect(5, REDIS, sizeof(redis));
	SAID("fd 5: connect tcp 127.0.0.1:6379: marked");
	connect(5, (void *)&six, sizeof(six));
	SAID("fd 5: connect tcp [::]:80: marked");
	connect(5, (void *)&path, sizeof(path));
	SAID("fd 5: connect unix /a?b: marked");
	memcpy(path.sun_path, "\0a\0b", 4);
	connect(5, (void *)&path, 2 + 4);
	SAID("fd 5: connect unix @a?b: marked");
	listen(5, 128);
	SAID("fd 5: listen tcp 0.0.0.0:6379: marked");
	libc.result = 6;
	kernel.state = DOOR_SOCK_JOINED;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: door");
	libc.result = 0;
	socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
	SAID("fd 8: socketpair unix: door");
	six.sin6_port = htons(81);
	connect(5, (void *)&six, sizeof(six));
	SAID("fd 5: connect tcp [::]:81: plain: DOOR_PRELOAD_DENY names it");
	assert_int_equal(errno, 1234);
}

static void debug_reasons(void **state)
{
	(void)state;
	start("1", NULL, NULL);
	libc.result = 6;
	accept(5, NULL, NULL);
	kernel.said[0] = 0;
	kernel.state = DOOR_SOCK_PLAIN;
	kernel.why = DOOR_WHY_PEER_UNMARKED;
	accept4(5, NULL, NULL, SOCK_CLOEXEC);
	SAID("fd 6: accept: plain: peer not marked");
	kernel.why = DOOR_WHY_MAX;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: unknown reason");
	kernel.ioctl_errno = ENOTTY;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: /dev/door does not know sockets");
	kernel.ioctl_errno = EPERM;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: no permission for /dev/door");
	kernel.ioctl_errno = ENOMEM;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: /dev/door refused");
	kernel.open_errno = EMFILE;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: no descriptor free");
	kernel.open_errno = ENOENT;
	accept(5, NULL, NULL);
	SAID("fd 6: accept: plain: no /dev/door");
	start("0", NULL, NULL);
	listen(5, 128);
	start("", NULL, NULL);
	listen(5, 128);
	assert_string_equal(kernel.said, "");
}

static void before_the_constructor(void **state)
{
	int fds[2];

	(void)state;
	start(NULL, NULL, NULL);
	memset(&real, 0, sizeof(real));
	assert_int_equal(listen(5, 128), -1);
	assert_int_equal(kernel.foreign, SYS_listen);
	assert_int_equal(connect(5, REDIS, sizeof(redis)), -1);
	assert_int_equal(kernel.foreign, SYS_connect);
	assert_int_equal(accept(5, NULL, NULL), -1);
	assert_int_equal(kernel.foreign, SYS_accept);
	assert_int_equal(accept4(5, NULL, NULL, SOCK_CLOEXEC), -1);
	assert_int_equal(kernel.foreign, SYS_accept4);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), -1);
	assert_int_equal(kernel.foreign, SYS_socketpair);
	assert_int_equal(errno, EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_marks_first),
		cmocka_unit_test(any_failure_is_silent),
		cmocka_unit_test(bad_addresses),
		cmocka_unit_test(lists_decide),
		cmocka_unit_test(accept_adopts_once),
		cmocka_unit_test(socketpairs),
		cmocka_unit_test(debug_lines),
		cmocka_unit_test(debug_reasons),
		cmocka_unit_test(before_the_constructor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
