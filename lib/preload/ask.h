/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOOR_PRELOAD_ASK_H
#define DOOR_PRELOAD_ASK_H

#include <stdbool.h>
#include <sys/socket.h>
#include <linux/door.h>

int ask_door(unsigned long command, struct door_ioc_sock *sock);
bool ask_name(int fd, struct sockaddr_storage *addr, socklen_t *len);
bool ask_memory(const void *from, void *to, size_t bytes);
void ask_write(const char *text, size_t length);

#endif /* DOOR_PRELOAD_ASK_H */
