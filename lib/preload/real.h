/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions behind the interposed ones, each called exactly once a call. */
#ifndef DOOR_PRELOAD_REAL_H
#define DOOR_PRELOAD_REAL_H

#include <stdbool.h>
#include <sys/socket.h>

/* X(name, parameters, arguments): every interposed function, all return int. */
#define REAL_LIST(X)                                                           \
	X(listen, (int fd, int backlog), (fd, backlog))                        \
	X(connect, (int fd, const struct sockaddr *addr, socklen_t len),       \
	  (fd, addr, len))                                                     \
	X(accept, (int fd, struct sockaddr *addr, socklen_t *len),             \
	  (fd, addr, len))                                                     \
	X(accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags), \
	  (fd, addr, len, flags))                                              \
	X(socketpair, (int domain, int type, int protocol, int *fds),          \
	  (domain, type, protocol, fds))

#define REAL_MEMBER(name, params, args) int(*name) params;
struct real {
	REAL_LIST(REAL_MEMBER)
};
#undef REAL_MEMBER

/* NULL until the constructor has run: real_NAME() makes the system call then.
 */
extern struct real real;

#define REAL_DECLARE(name, params, args) int real_##name params;
REAL_LIST(REAL_DECLARE)
#undef REAL_DECLARE

void real_init(void);

#endif /* DOOR_PRELOAD_REAL_H */
