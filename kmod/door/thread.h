/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_THREAD_H
#define _DOOR_THREAD_H

#include "cargo.h"
#include "watch.h"

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct door;
struct door_budget;
struct door_call;
struct door_pool;
struct door_proc;
struct door_window;

/* What a thread that waits is given: a complete invocation, or the end of its pool. */
enum door_delivered {
	DOOR_INVOCATION = 1,
	DOOR_POOL_ENDED,
};

/**
 * struct door_thread - a thread of a serving process
 * @task: the thread, referenced (immutable)
 * @proc: its process, referenced (immutable)
 * @payer: who pays for it, referenced (immutable)
 * @ref: one for the process's table, one for @watch, one for each caller
 * @node: in @proc's table (proc->lock)
 * @watch: tells when the thread has ended
 * @window: where it receives arguments (owner thread; while it is in @pool, whoever
 *	has pool->lock)
 * @bound: the private door it serves, referenced, or NULL (owner thread)
 * @pool: where it parks (owner thread)
 * @link: in @pool while parked (pool->lock); it does not return from its wait as
 *	long as it is in there
 * @delivered: enum door_delivered, then the thread has to run; or 0
 * @door: what is called, used by it; NULL if the thread serves nothing
 * @args: what came with it, small data in @window if neither bounced nor pinned
 *	(@lock for the pages: who gives up takes back what is in there)
 * @state: DOOR_RETURN_*
 * @serial: number of the invocation within the process; that of the next one from
 *	the answer on
 * @lock: guards @call, @lent, @aborted, pages of @args and, through @call, the
 *	state of the call
 * @call: the caller's half of the invocation as long as the caller waits for
 *	this thread or copies from its memory (@lock; set with @delivered)
 * @lent: the latter: results are being copied from this thread's memory, so it
 *	waits, and the caller will park it (@lock)
 * @aborted: the caller has given up, the thread has not answered, and nobody has
 *	been told; says so of invocation @serial (@lock)
 * @release: called with the last reference; frees it (immutable)
 * @rcu: for @release
 *
 * @door, @args and @state are filled in under pool->lock by whoever takes the
 * thread out of its pool, before @delivered, and the thread's own after that.
 */
struct door_thread {
	struct task_struct *task;
	struct door_proc *proc;
	struct door_budget *payer;
	refcount_t ref;
	struct hlist_node node;
	struct door_watch watch;
	struct door_window *window;
	struct door *bound;
	struct door_pool *pool;

	struct list_head link;
	int delivered;
	struct door *door;
	struct door_cargo args;
	u32 state;
	u64 serial;

	spinlock_t lock;	/* call, lent, aborted, state of the call */
	struct door_call *call;
	bool lent;
	bool aborted;
	void (*release)(struct door_thread *th);
	struct rcu_head rcu;
};

struct door_thread *door_thread_alloc(struct door_proc *proc,
				      void (*release)(struct door_thread *th));
void door_thread_put(struct door_thread *th);

#endif /* _DOOR_THREAD_H */
