/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_MARK_H
#define _DOOR_MARK_H

struct door_ioc_sock;

int door_mark_listen(struct door_ioc_sock *arg);
int door_mark_connect(struct door_ioc_sock *arg);
int door_mark_pair(struct door_ioc_sock *arg);
int door_mark_info(struct door_ioc_sock *arg);

#endif /* _DOOR_MARK_H */
