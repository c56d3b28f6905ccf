/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_LEAVE_H
#define _DOOR_LEAVE_H

struct door_graft;
struct sock;

int door_leave(struct door_graft *g);
int door_leave_calls(struct door_graft *g);
bool door_leave_finally(struct door_graft *g, struct sock *sk);

#endif /* _DOOR_LEAVE_H */
