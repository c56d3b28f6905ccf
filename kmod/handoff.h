/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_HANDOFF_H
#define _DOOR_HANDOFF_H

#include <linux/sched.h>
#include <linux/wait.h>

/**
 * struct door_waiter - one sleeper on a wait queue, woken by handoff
 * @wqe: the queue's entry
 * @events: poll events that concern this sleeper; a wake for others is ignored
 */
struct door_waiter {
	struct wait_queue_entry wqe;
	__poll_t events;
};

void door_waiter_init(struct door_waiter *w, __poll_t events);
void door_handoff(struct task_struct *task);

#endif /* _DOOR_HANDOFF_H */
