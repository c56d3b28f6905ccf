// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The interposed functions, and all that this library exports: the calls that
 * choose the transport of a connection. Each makes the real call exactly once,
 * with the caller's arguments, and returns its result and its errno.
 *
 * With _GNU_SOURCE libc declares these functions with transparent unions, which
 * a definition cannot repeat.
 */
#undef _GNU_SOURCE
#include "mark.h"
#include "real.h"

#define EXPORT __attribute__((visibility("default")))

/* Declared by libc for _GNU_SOURCE only. */
EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags);

static void __attribute__((constructor)) preload_init(void)
{
	real_init();
	mark_init();
}

EXPORT int listen(int fd, int backlog)
{
	mark_listen(fd);
	return real_listen(fd, backlog);
}

EXPORT int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	mark_connect(fd, addr, len);
	return real_connect(fd, addr, len);
}

EXPORT int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
	int ret;

	mark_accepting(fd);
	ret = real_accept(fd, addr, len);
	if (ret >= 0)
		mark_accepted(ret);
	return ret;
}

EXPORT int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
	int ret;

	mark_accepting(fd);
	ret = real_accept4(fd, addr, len, flags);
	if (ret >= 0)
		mark_accepted(ret);
	return ret;
}

EXPORT int socketpair(int domain, int type, int protocol, int fds[2])
{
	int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	int ret = real_socketpair(domain, type, protocol, fds);

	if (!ret && domain == AF_UNIX && kind == SOCK_STREAM)
		mark_pair(fds);
	return ret;
}
