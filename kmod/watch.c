// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watch: notice that a thread ends, however it ends. No exit hook is open to
 * modules, but a dying thread runs its task works. A live one runs them too, on
 * its way back to user mode and only if something else asked for it; then the
 * work is put back a little later, and if that is refused the thread has ended
 * in between. One that is killed runs them on its way, before it ends. Entered
 * by rooms that keep something per thread; no lock.
 */
#include "watch.h"

#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

/* How late an unusual end may be noticed, and how often a work is put back. */
#define REARM_DELAY (HZ / 50)

static struct workqueue_struct *rearm_queue;

/*
 * The module must outlive the last instruction of this function, which runs in
 * a thread that nobody waits for; door_watch_exit() sees to that.
 */
static void finish(struct door_watch *w)
{
	struct task_struct *task = w->task;

	w->gone(w);
	put_task_struct(task);
	module_put(THIS_MODULE);
}

/*
 * To another thread of the process, which refuses if it has come to its end, too. Only
 * one that lives can make new ones.
 *
 * Return: true if there is one; then the watch is its.
 */
static bool move(struct door_watch *w)
{
	struct task_struct *from = w->task, *task;
	bool moved = false;

	rcu_read_lock();
	list_for_each_entry_rcu(task, &from->signal->thread_head, thread_node) {
		if (task == from)
			continue;
		w->task = get_task_struct(task);
		moved = !task_work_add(task, &w->work, TWA_NONE);
		if (moved)
			break;
		w->task = from;
		put_task_struct(task);
	}
	rcu_read_unlock();
	if (moved)
		put_task_struct(from);
	return moved;
}

/* All threads of its process are going to end. */
static bool is_doomed(const struct task_struct *task)
{
	return READ_ONCE(task->signal->flags) & SIGNAL_GROUP_EXIT;
}

static void thread_ended(struct door_watch *w)
{
	if (!w->process || is_doomed(w->task) || !move(w))
		finish(w);
}

static void watch_run(struct callback_head *work)
{
	struct door_watch *w = container_of(work, struct door_watch, work);

	/* All threads of one that is to be killed are, and none comes back. */
	if (fatal_signal_pending(current) || w->retired)
		finish(w);
	else if (current->flags & PF_EXITING)
		thread_ended(w);
	else
		queue_delayed_work(rearm_queue, &w->rearm, REARM_DELAY);
}

static void watch_rearm(struct work_struct *work)
{
	struct door_watch *w = container_of(to_delayed_work(work),
					    struct door_watch, rearm);

	/*
	 * A core may take its time, while the thread that writes it and those that
	 * wait for that are as good as dead, but would still be given the work. On its
	 * way there a thread has run its works for the last time; PF_SIGNALED comes
	 * next. The others are doomed before they are on that way. The one that writes
	 * is given the work if it comes between that last time and the flag, which is
	 * long only for one that is stopped there and dies of SIGQUIT then; it is
	 * run when the core has been written: as late as others see that the files of
	 * the process are closed, and whoever waits for it can be interrupted meanwhile.
	 */
	if (READ_ONCE(w->task->flags) & (PF_SIGNALED | PF_DUMPCORE | PF_POSTCOREDUMP))
		thread_ended(w);
	else if (is_doomed(w->task))
		queue_delayed_work(rearm_queue, &w->rearm, REARM_DELAY);
	else if (task_work_add(w->task, &w->work, TWA_NONE))
		thread_ended(w);
}

/**
 * door_watch_start - watch the calling thread
 * @w: the watch, zeroed
 * @gone: called when the thread has ended or the watch has been retired
 *
 * Return: 0, or -ESRCH if the thread is past the point of no return.
 */
int door_watch_start(struct door_watch *w, void (*gone)(struct door_watch *w))
{
	w->task = current;
	w->gone = gone;
	init_task_work(&w->work, watch_run);
	INIT_DELAYED_WORK(&w->rearm, watch_rearm);
	if (task_work_add(current, &w->work, TWA_NONE))
		return -ESRCH;
	get_task_struct(current);
	__module_get(THIS_MODULE);
	return 0;
}

/**
 * door_watch_start_process - watch the calling process
 * @w: the watch, zeroed
 * @gone: called when its last thread has ended, or all are about to
 *
 * Return: as door_watch_start().
 */
int door_watch_start_process(struct door_watch *w,
			     void (*gone)(struct door_watch *w))
{
	w->process = true;
	return door_watch_start(w, gone);
}

/**
 * door_watch_retire - end a watch of the calling thread
 * @w: the watch; must not be touched any more, its gone() frees it
 *
 * Its gone() is called on the way back to user mode.
 */
void door_watch_retire(struct door_watch *w)
{
	w->retired = true;
	/* The work is in the list, unless it was about to be put back there. */
	if (cancel_delayed_work_sync(&w->rearm))
		task_work_add(current, &w->work, TWA_NONE);
	set_thread_flag(TIF_NOTIFY_RESUME);
}

/**
 * door_watch_init - start up
 *
 * Return: 0 or -ENOMEM.
 */
int door_watch_init(void)
{
	rearm_queue = alloc_workqueue("door_watch", WQ_UNBOUND, 0);
	return rearm_queue ? 0 : -ENOMEM;
}

/**
 * door_watch_exit - shut down; every watch has dropped its module reference
 *
 * A thread may still stand between module_put() in finish() and the return into
 * the kernel's own code. It gets there before it sleeps of its own accord or
 * returns to user mode, which is what synchronize_rcu_tasks() waits for.
 */
void door_watch_exit(void)
{
	destroy_workqueue(rearm_queue);
	synchronize_rcu_tasks();
}
