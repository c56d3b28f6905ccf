/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_POOL_H
#define _DOOR_POOL_H

#include "thread.h"

/**
 * struct door_notice - the kernel's own invocation: a door is unreferenced
 * @link: in pool->notices (pool->lock)
 * @door: the door; referenced while in the queue
 */
struct door_notice {
	struct list_head link;
	struct door *door;
};

/**
 * struct door_pool - server threads that wait for calls of the same doors
 * @lock: guards the lists and what hangs on them
 * @parked: threads, the one that came last first
 * @waiters: clients without a thread, in the order of their arrival;
 *	empty unless @parked is
 * @notices: for the next threads that park; empty unless @parked is
 */
struct door_pool {
	spinlock_t lock;	/* the lists */
	struct list_head parked;
	struct list_head waiters;
	struct list_head notices;
};

void door_pool_init(struct door_pool *pool);
struct door_thread *door_pool_take(struct door_pool *pool, struct door *door,
				   const bool *revoked);
void door_pool_park(struct door_thread *th);
void door_pool_give_back(struct door_thread *th);
bool door_pool_leave(struct door_thread *th);
void door_pool_tell(struct door_pool *pool, struct door_notice *notice);
bool door_pool_untell(struct door_pool *pool, struct door_notice *notice);
void door_pool_refuse(struct door_pool *pool, const struct door *door);

#endif /* _DOOR_POOL_H */
