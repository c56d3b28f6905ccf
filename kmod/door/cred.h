/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CRED_H
#define _DOOR_CRED_H

struct door_ioc_cred;
struct door_thread;

int door_cred(struct door_thread *th, struct door_ioc_cred *ioc);

#endif /* _DOOR_CRED_H */
