// SPDX-License-Identifier: GPL-2.0-only
/*
 * Process: what the module knows of a serving process, one per memory map: its
 * doors, its server threads, their windows. Found by the memory map, made once and
 * kept until the process ends, whatever descriptors stay open. That is noticed by a
 * watch, or when the map ends, as by exec; the end of a thread by a watch of its own.
 * Lock: proc->lock, a leaf.
 */
#include "proc.h"
#include "window.h"

#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/slab.h>

static const struct door_proc_ops *proc_ops __ro_after_init;

static void free_windows(struct list_head *windows)
{
	struct door_window *w, *next;

	list_for_each_entry_safe(w, next, windows, link)
		door_window_free(w);
}

static void free_proc(struct kref *ref)
{
	struct door_proc *proc = container_of(ref, struct door_proc, ref);

	free_windows(&proc->windows);
	put_pid(proc->tgid);
	kfree(proc);
}

/**
 * door_proc_get - take a reference that keeps the structure
 * @proc: the process
 */
void door_proc_get(struct door_proc *proc)
{
	kref_get(&proc->ref);
}

/**
 * door_proc_put - drop a reference of door_proc_get()
 * @proc: the process
 */
void door_proc_put(struct door_proc *proc)
{
	kref_put(&proc->ref, free_proc);
}

static struct mmu_notifier *alloc_proc(struct mm_struct *mm)
{
	struct door_proc *proc = kzalloc(sizeof(*proc), GFP_KERNEL_ACCOUNT);

	if (!proc)
		return ERR_PTR(-ENOMEM);
	kref_init(&proc->ref);
	proc->mm = mm;
	proc->tgid = get_pid(task_tgid(current));
	door_pool_init(&proc->pool);
	init_waitqueue_head(&proc->aborts);
	spin_lock_init(&proc->lock);
	hash_init(proc->threads);
	INIT_LIST_HEAD(&proc->windows);
	INIT_LIST_HEAD(&proc->doors);
	return &proc->notifier;
}

static void free_notifier(struct mmu_notifier *mn)
{
	door_proc_put(container_of(mn, struct door_proc, notifier));
}

static void put_window(struct door_proc *proc, struct door_window *w)
{
	spin_lock(&proc->lock);
	if (!proc->dead) {
		list_add(&w->link, &proc->windows);
		w = NULL;
	}
	spin_unlock(&proc->lock);
	door_window_free(w);
}

static struct door_window *get_window(struct door_proc *proc)
{
	struct door_window *w;

	spin_lock(&proc->lock);
	w = list_first_entry_or_null(&proc->windows, struct door_window, link);
	if (w)
		list_del_init(&w->link);
	spin_unlock(&proc->lock);
	return w ?: door_window_make();
}

/* Whoever takes the thread out of the table cleans up after it. */
static void forget_thread(struct door_thread *th)
{
	struct door_proc *proc = th->proc;
	bool mine;

	spin_lock(&proc->lock);
	mine = !hlist_unhashed(&th->node);
	if (mine)
		hlist_del_init_rcu(&th->node);
	spin_unlock(&proc->lock);
	if (!mine)
		return;
	proc_ops->thread_gone(th);
	put_window(proc, th->window);
	door_thread_put(th);
}

static struct door_thread *any_thread(struct door_proc *proc)
{
	struct door_thread *th;
	int i;

	spin_lock(&proc->lock);
	hash_for_each(proc->threads, i, th, node) {
		refcount_inc(&th->ref);
		spin_unlock(&proc->lock);
		return th;
	}
	spin_unlock(&proc->lock);
	return NULL;
}

static void end_doors(struct door_proc *proc)
{
	spin_lock(&proc->lock);
	WRITE_ONCE(proc->dead, true);
	spin_unlock(&proc->lock);
	proc_ops->proc_gone(proc);
}

/*
 * Its threads have ended, or they will not leave the kernel any more, and then they
 * say so themselves.
 */
static void process_ends(struct door_watch *w)
{
	struct door_proc *proc = container_of(w, struct door_proc, watch);

	end_doors(proc);
	door_proc_part(proc);
}

/*
 * The memory map ends: no task runs in it any more. Its threads are dead or
 * dying, except the one that is executing another program.
 */
static void proc_ends(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct door_proc *proc = container_of(mn, struct door_proc, notifier);
	struct door_thread *th;
	LIST_HEAD(windows);

	end_doors(proc);
	spin_lock(&proc->lock);
	list_splice_init(&proc->windows, &windows);
	spin_unlock(&proc->lock);
	while ((th = any_thread(proc))) {
		forget_thread(th);
		door_thread_put(th);
		cond_resched();
	}
	free_windows(&windows);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release	= proc_ends,
	.alloc_notifier	= alloc_proc,
	.free_notifier	= free_notifier,
};

static struct door_proc *join(void)
{
	struct mmu_notifier *mn = mmu_notifier_get(&notifier_ops, current->mm);

	/* The first subscription gives up for any signal that is pending. */
	if (mn == ERR_PTR(-EINTR))
		return ERR_PTR(-ERESTARTNOINTR);
	if (IS_ERR(mn))
		return ERR_CAST(mn);
	return container_of(mn, struct door_proc, notifier);
}

/* By the first that comes; the watch is a user, too. */
static int watch_process(struct door_proc *proc)
{
	struct door_proc *user;
	int err;

	if (proc->tgid != task_tgid(current) || xchg(&proc->watched, true))
		return 0;
	user = join();
	err = PTR_ERR_OR_ZERO(user);
	if (!err) {
		err = door_watch_start_process(&proc->watch, process_ends);
		if (err)
			door_proc_part(proc);
	}
	if (err)
		WRITE_ONCE(proc->watched, false);
	return err;
}

/**
 * door_proc_join - find or make the calling process
 *
 * Return: the process, one more user; -ENOMEM or -EOVERFLOW, or
 * -ERESTARTNOINTR if a signal has to be looked at first.
 */
struct door_proc *door_proc_join(void)
{
	struct door_proc *proc = join();
	int err;

	if (IS_ERR(proc) || likely(READ_ONCE(proc->watched)))
		return proc;
	err = watch_process(proc);
	if (!err)
		return proc;
	door_proc_part(proc);
	return ERR_PTR(err);
}

/**
 * door_proc_part - end one door_proc_join()
 * @proc: the process
 */
void door_proc_part(struct door_proc *proc)
{
	mmu_notifier_put(&proc->notifier);
}

/**
 * door_proc_thread - the calling thread's entry
 * @proc: its process
 *
 * Return: the thread, which stays as long as the caller does, or NULL.
 */
struct door_thread *door_proc_thread(struct door_proc *proc)
{
	struct door_thread *th;

	rcu_read_lock();
	hash_for_each_possible_rcu(proc->threads, th, node,
				   (unsigned long)current)
		if (th->task == current)
			break;
	rcu_read_unlock();
	return th;
}

static void thread_ends(struct door_watch *w)
{
	struct door_thread *th = container_of(w, struct door_thread, watch);

	forget_thread(th);
	door_thread_put(th);
}

static void thread_unused(struct door_thread *th)
{
	struct door_proc *proc = th->proc;

	kfree_rcu(th, rcu);
	door_proc_put(proc);
}

static int enter_table(struct door_thread *th, struct file *file)
{
	struct door_proc *proc = th->proc;
	int err = 0;

	spin_lock(&proc->lock);
	hash_add_rcu(proc->threads, &th->node, (unsigned long)current);
	spin_unlock(&proc->lock);
	if (!th->window->uaddr)
		err = door_window_map(th->window, file);
	if (!err)
		err = door_watch_start(&th->watch, thread_ends);
	if (err) {
		spin_lock(&proc->lock);
		hlist_del_init_rcu(&th->node);
		spin_unlock(&proc->lock);
	}
	return err;
}

/**
 * door_proc_make_thread - let the calling thread become a server thread
 * @proc: its process
 * @file: its /dev/door
 *
 * Return: the thread or an error.
 */
struct door_thread *door_proc_make_thread(struct door_proc *proc,
					  struct file *file)
{
	struct door_thread *th = door_thread_alloc(proc, thread_unused);
	int err = -ENOMEM;

	if (!th)
		return ERR_PTR(-ENOMEM);
	door_proc_get(proc);
	th->window = get_window(proc);
	if (th->window)
		err = enter_table(th, file);
	if (!err) {
		/* The watch has one, too, and does not run before we leave. */
		refcount_inc(&th->ref);
		return th;
	}
	if (th->window && th->window->uaddr)
		put_window(proc, th->window);
	else
		door_window_free(th->window);
	door_thread_put(th);
	return ERR_PTR(err);
}

/**
 * door_proc_init - introduce the rooms that use threads and doors
 * @ops: what they do when something ends
 */
void __init door_proc_init(const struct door_proc_ops *ops)
{
	proc_ops = ops;
}

/** door_proc_exit - wait for the last memory map to be let go */
void door_proc_exit(void)
{
	mmu_notifier_synchronize();
}
