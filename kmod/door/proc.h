/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_PROC_H
#define _DOOR_PROC_H

#include "pool.h"

#include <linux/hashtable.h>
#include <linux/mmu_notifier.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

struct file;

/**
 * struct door_proc - a process that has doors or serves them
 * @notifier: our subscription to the end of its memory map, which is how its exec is
 *	noticed; its users are /dev/door files, doors and @watch
 * @watch: tells when it has ended, though others may go on with its memory map
 * @watched: there is a watch
 * @ref: one for @notifier, one for each thread
 * @mm: the memory map; not counted, @notifier keeps the structure
 * @tgid: the process, referenced
 * @dead: it, or @mm, has ended
 * @pool: the threads that serve its doors, private ones aside
 * @aborts: woken when a caller gives up; see door_serve_aborted()
 * @lock: guards what follows
 * @threads: threads that have parked once, by task
 * @windows: unused windows
 * @doors: its doors
 * @serial: number of the last invocation
 */
struct door_proc {
	struct mmu_notifier notifier;
	struct door_watch watch;
	bool watched;
	struct kref ref;
	struct mm_struct *mm;
	struct pid *tgid;
	bool dead;
	struct door_pool pool;
	wait_queue_head_t aborts;

	spinlock_t lock;	/* the tables below */
	DECLARE_HASHTABLE(threads, 6);
	struct list_head windows;
	struct list_head doors;
	atomic64_t serial;
};

/**
 * struct door_proc_ops - what higher rooms do when something ends
 * @thread_gone: @th is out of the table and its task runs no more of it
 * @proc_gone: the memory map of @proc ends; its doors are to be revoked
 */
struct door_proc_ops {
	void (*thread_gone)(struct door_thread *th);
	void (*proc_gone)(struct door_proc *proc);
};

struct door_proc *door_proc_join(void);
void door_proc_part(struct door_proc *proc);
void door_proc_get(struct door_proc *proc);
void door_proc_put(struct door_proc *proc);

/**
 * door_proc_is_mine - does the calling thread belong to this process
 * @proc: the process
 */
static inline bool door_proc_is_mine(const struct door_proc *proc)
{
	return proc->mm == current->mm && proc->tgid == task_tgid(current) &&
	       !READ_ONCE(proc->dead);
}

struct door_thread *door_proc_thread(struct door_proc *proc);
struct door_thread *door_proc_make_thread(struct door_proc *proc,
					  struct file *file);

void door_proc_init(const struct door_proc_ops *ops);
void door_proc_exit(void);

#endif /* _DOOR_PROC_H */
