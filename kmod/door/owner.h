/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_OWNER_H
#define _DOOR_OWNER_H

#include "door.h"

struct door_ioc_create;
struct file;
struct seq_file;

int door_owner_create(const struct door_ioc_create *ioc);
void door_owner_revoke(struct door *door);
void door_owner_gone(struct door_proc *proc);
void door_owner_fdinfo(struct seq_file *m, struct file *file);

#endif /* _DOOR_OWNER_H */
