// SPDX-License-Identifier: GPL-2.0-only
/*
 * Thread: one that serves, as its pool, its callers and its process see it. They
 * share it, and whoever is last lets it go; as long as one of them has it, its task
 * can be woken. Lock: th->lock, for what a caller and the thread do to each other.
 */
#include "thread.h"
#include "budget.h"

#include <linux/sched/task.h>
#include <linux/slab.h>

/**
 * door_thread_alloc - make an object for the calling thread
 * @proc: its process
 * @release: called with the last reference
 *
 * Return: the object with one reference, or NULL: no memory, or the user has too many
 * objects.
 */
struct door_thread *door_thread_alloc(struct door_proc *proc,
				      void (*release)(struct door_thread *th))
{
	struct door_thread *th = kzalloc(sizeof(*th), GFP_KERNEL_ACCOUNT);

	if (!th)
		return NULL;
	th->payer = door_pay(OBJECTS, 1);
	if (!th->payer) {
		kfree(th);
		return NULL;
	}
	th->task = get_task_struct(current);
	th->proc = proc;
	th->release = release;
	refcount_set(&th->ref, 1);
	INIT_LIST_HEAD(&th->link);
	spin_lock_init(&th->lock);
	return th;
}

/**
 * door_thread_put - drop a reference
 * @th: the thread
 */
void door_thread_put(struct door_thread *th)
{
	if (!refcount_dec_and_test(&th->ref))
		return;
	put_task_struct(th->task);
	door_repay(th->payer, OBJECTS, 1);
	th->release(th);
}
