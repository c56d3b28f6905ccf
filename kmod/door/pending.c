// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pending: calls whose clients a signal has made leave the module. A signal
 * that is not handled (stop and continue, a debugger, the freezer) makes the
 * system call go on and find its call here; after a handler it is for the
 * client to abandon it. At most one for each thread, which alone looks for
 * it. Entered by calls; lock: table_lock.
 */
#include "pending.h"

#include <linux/hashtable.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>

static DEFINE_SPINLOCK(table_lock);
static DEFINE_HASHTABLE(table, 10);

/**
 * door_pending_add - let the calling thread find its call again
 * @p: the call
 */
void door_pending_add(struct door_pending *p)
{
	spin_lock(&table_lock);
	hash_add_rcu(table, &p->node, (unsigned long)current);
	spin_unlock(&table_lock);
}

/**
 * door_pending_remove - the call is over
 * @p: the call; may be in the table or not
 */
void door_pending_remove(struct door_pending *p)
{
	spin_lock(&table_lock);
	hlist_del_init_rcu(&p->node);
	spin_unlock(&table_lock);
}

/**
 * door_pending_mine - find the calling thread's call
 *
 * Return: the call, which only the calling thread ends, or NULL.
 */
struct door_pending *door_pending_mine(void)
{
	struct door_pending *p;

	rcu_read_lock();
	hash_for_each_possible_rcu(table, p, node, (unsigned long)current)
		if (p->watch.task == current)
			break;
	rcu_read_unlock();
	return p;
}

static bool forget(long (*restart)(struct restart_block *))
{
	struct task_struct *process, *task;
	bool found = false;

	rcu_read_lock();
	/* for_each_process_thread() is not for modules if lockdep is there. */
	list_for_each_entry_rcu(process, &init_task.tasks, tasks)
		list_for_each_entry_rcu(task, &process->signal->thread_head,
					thread_node)
			found |= cmpxchg(&task->restart_block.fn, restart,
					 init_task.restart_block.fn) == restart;
	rcu_read_unlock();
	return found;
}

/**
 * door_pending_exit - no task comes back to us any more
 * @restart: where their calls went on
 *
 * There are no calls left, as each pending one has a watch. But a restart block
 * keeps what it holds until another system call needs it, a child gets a copy,
 * and restart_syscall() can be called by anybody. So it becomes what it was in the
 * first task. Children that are being made meanwhile are in the list when all
 * tasks have been elsewhere, and are found next time.
 */
void door_pending_exit(long (*restart)(struct restart_block *))
{
	while (forget(restart))
		synchronize_rcu_tasks();
}
