/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_JOIN_H
#define _DOOR_JOIN_H

#include <linux/types.h>

struct door_graft;
struct proto_accept_arg;
struct sock;
struct socket;

int door_join_accept(struct socket *sock, struct socket *newsock,
		     struct proto_accept_arg *arg);
int door_join(struct door_graft *a, struct sock *ask, struct door_graft *b,
	      struct sock *bsk, u32 attempt);
int door_join_why_not(struct sock *sk);

#endif /* _DOOR_JOIN_H */
