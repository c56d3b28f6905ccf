/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_RECV_H
#define _DOOR_RECV_H

#include <linux/types.h>

struct msghdr;
struct socket;

int door_recv_msg(struct socket *sock, struct msghdr *msg, size_t size, int flags);
int door_recv_spliced(struct socket *sock, struct msghdr *msg, size_t size, int flags);

#endif /* _DOOR_RECV_H */
