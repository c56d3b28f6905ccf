/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_SEND_H
#define _DOOR_SEND_H

#include <linux/types.h>

struct msghdr;
struct socket;

int door_send_msg(struct socket *sock, struct msghdr *msg, size_t size);

#endif /* _DOOR_SEND_H */
