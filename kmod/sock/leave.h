/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_LEAVE_H
#define _DOOR_LEAVE_H

struct door_graft;
struct sock;

void door_leave(struct door_graft *g);
bool door_leave_finally(struct door_graft *g, struct sock *sk);
void door_leave_wake(struct door_graft *g);

#endif /* _DOOR_LEAVE_H */
