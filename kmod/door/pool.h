/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_POOL_H
#define _DOOR_POOL_H

#include "thread.h"

/**
 * struct door_invocation - what some thread is to run
 * @link: in pool->queue while it waits for one (pool->lock)
 * @door: the door, used by it
 * @call: the client's half, or NULL: it is the kernel's own notice that the door
 *	is unreferenced
 * @args: what it carries
 * @th: the thread that has it, referenced for the client; then @door and @args are
 *	that thread's (pool->lock; set once)
 *
 * Complete before it is in a pool's hands: the thread that takes it needs nobody
 * who runs.
 */
struct door_invocation {
	struct list_head link;
	struct door *door;
	struct door_call *call;
	struct door_cargo args;
	struct door_thread *th;
};

/**
 * struct door_pool - server threads that wait for calls of the same doors
 * @lock: guards the lists and what hangs on them
 * @parked: threads, the one that came last first
 * @queue: invocations without a thread, notices first, then those of clients in
 *	the order of their arrival; empty unless @parked is
 * @over: nobody can call the only door any more, and no thread waits; set once
 */
struct door_pool {
	spinlock_t lock;	/* the lists */
	struct list_head parked;
	struct list_head queue;
	bool over;
};

void door_pool_init(struct door_pool *pool);
struct door_thread *door_pool_submit(struct door_pool *pool,
				     struct door_invocation *inv,
				     const bool *revoked, u64 data);
void door_pool_tell(struct door_pool *pool, struct door_invocation *notice);
bool door_pool_withdraw(struct door_pool *pool, struct door_invocation *inv);
bool door_pool_park(struct door_thread *th);
bool door_pool_leave(struct door_thread *th);
void door_pool_end(struct door_pool *pool);

#endif /* _DOOR_POOL_H */
