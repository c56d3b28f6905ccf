/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOOR_PRELOAD_SAY_H
#define DOOR_PRELOAD_SAY_H

#include <sys/socket.h>

void say_socket(int fd, const char *what, const struct sockaddr_storage *addr,
		socklen_t len, const char *outcome, const char *reason);

#endif /* DOOR_PRELOAD_SAY_H */
