/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOOR_PRELOAD_MARK_H
#define DOOR_PRELOAD_MARK_H

#include <sys/socket.h>

void mark_init(void);
void mark_listen(int fd);
void mark_connect(int fd, const struct sockaddr *addr, socklen_t len);
void mark_pair(const int fds[2]);
void mark_accepting(int fd);
void mark_accepted(int fd);

#endif /* DOOR_PRELOAD_MARK_H */
