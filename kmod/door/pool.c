// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: server threads that wait, last in first out so that the one whose
 * memory is warm runs next, and clients that wait for one of them, first in
 * first out and never overtaken. Calls take a thread out, threads and those who
 * borrowed them put it back. A thread out of its pool is reserved: whoever has
 * it does not block until it has delivered an invocation or put it back.
 */
#include "pool.h"
#include "handoff.h"

#include <linux/err.h>
#include <linux/sched/signal.h>
#include <linux/door.h>

/**
 * struct queued - a client that waits for a thread
 * @link: in pool->waiters (pool->lock)
 * @task: the client
 * @door: what it wants to call; only compared
 * @th: the thread it has got
 * @err: or why it gets none
 */
struct queued {
	struct list_head link;
	struct task_struct *task;
	const struct door *door;
	struct door_thread *th;
	int err;
};

/**
 * door_pool_init - make an empty pool
 * @pool: the pool
 */
void door_pool_init(struct door_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->parked);
	INIT_LIST_HEAD(&pool->waiters);
	INIT_LIST_HEAD(&pool->notices);
}

/*
 * The one who answers takes @q off the list first and touches it no more after
 * setting @th or @err, which the client may see at once and go away. So the
 * lock is needed only by a client that gives up.
 */
static struct door_thread *wait_turn(struct door_pool *pool, struct queued *q)
{
	int err = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		/* Pairs with the releases in answer(). */
		if (smp_load_acquire(&q->th) || smp_load_acquire(&q->err))
			break;
		if (signal_pending(current)) {
			spin_lock(&pool->lock);
			if (!list_empty(&q->link)) {
				list_del_init(&q->link);
				err = -ERESTARTNOHAND;
			}
			spin_unlock(&pool->lock);
			if (err)
				break;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	if (q->th)
		return q->th;
	return ERR_PTR(err ?: q->err);
}

/**
 * door_pool_take - get a thread that can serve, wait for one if need be
 * @pool: where to look
 * @door: the door that is to be served
 * @revoked: set, before door_pool_refuse(), when that door takes no more calls
 *
 * Return: a reserved thread, referenced, its inv.state set; -EBADF if the door
 * is revoked, -ERESTARTNOHAND if a signal came first.
 */
struct door_thread *door_pool_take(struct door_pool *pool, struct door *door,
				   const bool *revoked)
{
	struct queued q = { .task = current, .door = door };
	struct door_thread *th;

	spin_lock(&pool->lock);
	if (READ_ONCE(*revoked)) {
		spin_unlock(&pool->lock);
		return ERR_PTR(-EBADF);
	}
	if (likely(!list_empty(&pool->parked))) {
		th = list_first_entry(&pool->parked, struct door_thread, link);
		list_del_init(&th->link);
		th->inv.state = list_empty(&pool->parked) ?
				DOOR_RETURN_DEPLETED : 0;
		refcount_inc(&th->ref);
		spin_unlock(&pool->lock);
		return th;
	}
	list_add_tail(&q.link, &pool->waiters);
	spin_unlock(&pool->lock);
	return wait_turn(pool, &q);
}

/* The task cannot go away before it is answered, and RCU keeps it after. */
static void answer(struct queued *q, struct door_thread *th, int err)
{
	struct task_struct *task = q->task;

	rcu_read_lock();
	if (th)
		/* Pairs with wait_turn(); @q may be gone right after. */
		smp_store_release(&q->th, th);
	else
		/* As above. */
		smp_store_release(&q->err, err);
	door_handoff(task);
	rcu_read_unlock();
}

/* The thread, reserved, gets an invocation without a caller. */
static void deliver_notice(struct door_thread *th, struct door_notice *notice)
{
	th->inv.door = notice->door;
	th->inv.data_size = 0;
	th->inv.state |= DOOR_RETURN_UNREF;
	/* Pairs with the server thread's wait: @inv before @delivered. */
	smp_store_release(&th->delivered, 1);
}

/**
 * door_pool_park - let a thread wait, or give it to whoever waits longest
 * @th: the thread, in no pool and not reserved; the calling thread or one that
 *	the caller has borrowed, and then it is asleep and @th->delivered says
 *	whether it has to be woken
 */
void door_pool_park(struct door_thread *th)
{
	struct door_pool *pool = th->pool;
	struct door_notice *notice;
	struct queued *q;

	spin_lock(&pool->lock);
	if (unlikely(!list_empty(&pool->notices))) {
		notice = list_first_entry(&pool->notices, struct door_notice,
					  link);
		list_del_init(&notice->link);
		th->inv.state = DOOR_RETURN_DEPLETED;
		deliver_notice(th, notice);
	} else if (likely(list_empty(&pool->waiters))) {
		list_add(&th->link, &pool->parked);
	} else {
		q = list_first_entry(&pool->waiters, struct queued, link);
		list_del_init(&q->link);
		th->inv.state = DOOR_RETURN_DEPLETED;
		refcount_inc(&th->ref);
		answer(q, th, 0);
	}
	spin_unlock(&pool->lock);
}

/**
 * door_pool_give_back - park a thread that is asleep and somebody else's
 * @th: the thread, reserved or borrowed
 *
 * A signal may have come for it in the meantime; then it sleeps until it is
 * told that it is in the pool again:
 *
 *   thread                            here
 *   sees signal_pending
 *   state = UNINTERRUPTIBLE
 *   lock; not in the pool; unlock     lock; put in the pool; unlock
 *   schedule()                        signal_pending: wake it
 *
 * If its look into the pool comes first, the signal was pending before our lock
 * and we see it; if ours comes first, it sees itself in the pool and leaves.
 * Modelled in Documentation/models/call.pml.
 */
void door_pool_give_back(struct door_thread *th)
{
	/* Once parked it may leave and end: RCU keeps the task. */
	rcu_read_lock();
	door_pool_park(th);
	if (unlikely(signal_pending(th->task) || READ_ONCE(th->delivered)))
		wake_up_process(th->task);
	rcu_read_unlock();
}

/**
 * door_pool_leave - the calling thread does not want to wait any more
 * @th: the calling thread
 *
 * Return: true if it is out of the pool; false if it was not in there, but
 * reserved or borrowed, and has to wait for what comes of that.
 */
bool door_pool_leave(struct door_thread *th)
{
	struct door_pool *pool = th->pool;
	bool left;

	spin_lock(&pool->lock);
	left = !list_empty(&th->link);
	list_del_init(&th->link);
	spin_unlock(&pool->lock);
	return left;
}

/**
 * door_pool_tell - have a notice delivered, now or by the next that parks
 * @pool: whose threads
 * @notice: the notice, in no queue
 */
void door_pool_tell(struct door_pool *pool, struct door_notice *notice)
{
	struct door_thread *th = NULL;

	spin_lock(&pool->lock);
	if (list_empty(&pool->parked)) {
		list_add_tail(&notice->link, &pool->notices);
	} else {
		th = list_first_entry(&pool->parked, struct door_thread, link);
		list_del_init(&th->link);
		refcount_inc(&th->ref);
		th->inv.state = list_empty(&pool->parked) ?
				DOOR_RETURN_DEPLETED : 0;
		deliver_notice(th, notice);
	}
	spin_unlock(&pool->lock);
	if (th) {
		wake_up_process(th->task);
		door_thread_put(th);
	}
}

/**
 * door_pool_untell - take a notice out of the queue
 * @pool: the pool
 * @notice: the notice
 *
 * Return: true if it was in there.
 */
bool door_pool_untell(struct door_pool *pool, struct door_notice *notice)
{
	bool queued;

	spin_lock(&pool->lock);
	queued = !list_empty(&notice->link);
	list_del_init(&notice->link);
	spin_unlock(&pool->lock);
	return queued;
}

/**
 * door_pool_refuse - send away those who wait to call a door
 * @pool: where they wait
 * @door: the door; its revoked flag is set
 */
void door_pool_refuse(struct door_pool *pool, const struct door *door)
{
	struct queued *q, *next;

	spin_lock(&pool->lock);
	list_for_each_entry_safe(q, next, &pool->waiters, link) {
		if (q->door != door)
			continue;
		list_del_init(&q->link);
		answer(q, NULL, -EBADF);
	}
	spin_unlock(&pool->lock);
}
