/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_SERVE_H
#define _DOOR_SERVE_H

#include "door.h"

struct door_ioc_aborted;
struct door_ioc_return;

long door_serve(struct door_proc *proc, struct file *file,
		struct door_ioc_return *ioc);
void door_serve_undo(struct door_proc *proc);
int door_serve_bind(struct door_proc *proc, struct file *file, u64 id);
int door_serve_unbind(struct door_thread *th);
void door_serve_leave(struct door_thread *th);
int door_serve_aborted(struct door_proc *proc, struct door_ioc_aborted *ioc);

void door_serve_init(void);

#endif /* _DOOR_SERVE_H */
