/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_PEEK_H
#define _DOOR_PEEK_H

#include "graft.h"

struct msghdr;

int door_peek(struct door_graft *g, struct socket *sock, struct msghdr *msg,
	      size_t len, int flags, bool *lane);

#endif /* _DOOR_PEEK_H */
