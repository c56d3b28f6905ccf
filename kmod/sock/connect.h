/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CONNECT_H
#define _DOOR_CONNECT_H

#include <linux/net.h>

struct door_graft;

int door_connect(struct socket *sock, struct sockaddr_unsized *addr, int len,
		 int flags);
int door_connect_begin(struct door_graft *g, struct socket *sock);
void door_connect_end(struct door_graft *g, struct socket *sock);
int door_connect_wait(struct door_graft *g, struct socket *sock, int err,
		      long *timeo);

#endif /* _DOOR_CONNECT_H */
