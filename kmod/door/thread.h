/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_THREAD_H
#define _DOOR_THREAD_H

#include "watch.h"

#include <linux/list.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct door;
struct door_call;
struct door_descs;
struct door_pages;
struct door_pool;
struct door_proc;
struct door_window;

/**
 * struct door_invocation - what a server thread is about to run, or runs
 * @door: the door, referenced; NULL if the thread serves nothing
 * @data_size: bytes of argument, in the thread's window unless @pages
 * @pages: the caller's pinned argument (th->lock while it is delivered: who gives
 *	up takes back what is in there)
 * @descs: descriptors on their way in
 * @state: DOOR_RETURN_*
 * @serial: number within the process
 *
 * Filled in by whoever took the thread out of its pool; the thread's own from
 * delivery on.
 */
struct door_invocation {
	struct door *door;
	size_t data_size;
	struct door_pages *pages;
	struct door_descs *descs;
	u32 state;
	u64 serial;
};

/**
 * struct door_thread - a thread of a serving process
 * @task: the thread (immutable; referenced by @watch)
 * @proc: its process, referenced (immutable)
 * @ref: one for the process's table, one for @watch, one for each caller
 * @node: in @proc's table (proc->lock)
 * @watch: tells when the thread has ended
 * @window: where it receives arguments (owner thread)
 * @bound: the private door it serves, referenced, or NULL (owner thread)
 * @pool: where it parks (owner thread)
 * @link: in @pool while parked (pool->lock)
 * @delivered: @inv and @call are complete and the thread has to run
 * @inv: see there
 * @lock: guards @call, @lent, @aborted, pages of a delivered @inv and, through
 *	@call, the state of the call
 * @call: the caller's half of the invocation as long as the caller waits for
 *	this thread or copies from its memory (@lock; set by the caller while the
 *	thread is reserved, before @delivered)
 * @lent: the latter: results are being copied from this thread's memory, so it
 *	waits, and the caller will park it (@lock)
 * @aborted: the caller has given up, the thread has not answered, and nobody has
 *	been told; says so of invocation @inv.serial (@lock)
 * @release: called with the last reference; frees it (immutable)
 * @rcu: for @release
 */
struct door_thread {
	struct task_struct *task;
	struct door_proc *proc;
	refcount_t ref;
	struct hlist_node node;
	struct door_watch watch;
	struct door_window *window;
	struct door *bound;
	struct door_pool *pool;

	struct list_head link;
	int delivered;
	struct door_invocation inv;

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
