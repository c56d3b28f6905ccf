// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pool: server threads that wait, last in first out so that the one whose
 * memory is warm runs next, and invocations that wait for one of them, first in
 * first out and never overtaken. A client that runs takes a parked thread, fills
 * and tells it in one go; if there is none, it leaves all that a thread needs, and
 * the next thread that comes to park takes that, whether the client runs or not.
 * So neither keeps the other, and a thread is in the list or has an invocation.
 * Entered by calls, server threads and notices. Lock: pool->lock.
 */
#include "pool.h"
#include "handoff.h"
#include "window.h"

#include <linux/err.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/**
 * door_pool_init - make an empty pool
 * @pool: the pool
 */
void door_pool_init(struct door_pool *pool)
{
	spin_lock_init(&pool->lock);
	INIT_LIST_HEAD(&pool->parked);
	INIT_LIST_HEAD(&pool->queue);
}

/* The thread is in no list: it has been parked, or is the one that would park. */
static void give(struct door_thread *th, struct door_invocation *inv, bool last)
{
	th->door = inv->door;
	th->args = inv->args;
	th->state = last ? DOOR_RETURN_DEPLETED : 0;
	if (likely(inv->call)) {
		refcount_inc(&th->ref);
		inv->th = th;
	} else {
		th->state |= DOOR_RETURN_UNREF;
	}
	WRITE_ONCE(th->call, inv->call);
	/* Pairs with the server thread's wait: the above before @delivered. */
	smp_store_release(&th->delivered, DOOR_INVOCATION);
}

static struct door_thread *first_parked(struct door_pool *pool)
{
	return list_first_entry_or_null(&pool->parked, struct door_thread,
					link);
}

static void give_parked(struct door_pool *pool, struct door_thread *th,
			struct door_invocation *inv)
{
	list_del_init(&th->link);
	give(th, inv, list_empty(&pool->parked));
}

/*
 * Page faults are off, and that with the lock: a client that cannot copy at once
 * has taken no thread from anybody.
 */
static bool fill_window(struct door_thread *th, const struct door_cargo *args,
			u64 data)
{
	return door_cargo_is_held(args) ||
	       !copy_from_user_nofault(th->window->kaddr, u64_to_user_ptr(data),
				       args->size);
}

/**
 * door_pool_submit - give an invocation to a thread, now or to the next that parks
 * @pool: the pool
 * @inv: the invocation, of the calling client
 * @revoked: set, before door_answer_refuse(), when the door takes no more calls
 * @data: user address of small data that @inv does not hold
 *
 * Return: the thread, to be woken; it stays as long as the client keeps @inv. NULL
 * if there is none and @inv is in the queue. -EBADF if the door is revoked, -EFAULT
 * if a thread is there but the data has to be brought into memory, -EAGAIN if there
 * is none and @inv has to hold it.
 */
struct door_thread *door_pool_submit(struct door_pool *pool,
				     struct door_invocation *inv,
				     const bool *revoked, u64 data)
{
	struct door_thread *th;

	spin_lock(&pool->lock);
	th = first_parked(pool);
	if (unlikely(READ_ONCE(*revoked))) {
		th = ERR_PTR(-EBADF);
	} else if (likely(th)) {
		if (likely(fill_window(th, &inv->args, data)))
			give_parked(pool, th, inv);
		else
			th = ERR_PTR(-EFAULT);
	} else if (door_cargo_is_held(&inv->args)) {
		list_add_tail(&inv->link, &pool->queue);
	} else {
		th = ERR_PTR(-EAGAIN);
	}
	spin_unlock(&pool->lock);
	return th;
}

/* It may have run, and ended, since it was told. */
static void wake_and_put(struct door_thread *th)
{
	wake_up_process(th->task);
	door_thread_put(th);
}

/**
 * door_pool_tell - have a notice delivered, before any client's invocation
 * @pool: whose threads
 * @notice: the notice, in no queue
 */
void door_pool_tell(struct door_pool *pool, struct door_invocation *notice)
{
	struct door_thread *th;

	spin_lock(&pool->lock);
	th = first_parked(pool);
	if (th) {
		refcount_inc(&th->ref);
		give_parked(pool, th, notice);
	} else {
		list_add(&notice->link, &pool->queue);
	}
	spin_unlock(&pool->lock);
	if (th)
		wake_and_put(th);
}

/**
 * door_pool_withdraw - take an invocation out of the queue
 * @pool: the pool
 * @inv: the invocation
 *
 * Return: true if it was in there. If not, @inv->th is the thread that has it.
 */
bool door_pool_withdraw(struct door_pool *pool, struct door_invocation *inv)
{
	bool queued;

	spin_lock(&pool->lock);
	queued = !list_empty(&inv->link);
	list_del_init(&inv->link);
	spin_unlock(&pool->lock);
	return queued;
}

/**
 * door_pool_park - let a thread have the oldest invocation, or wait for one, or end
 * @th: the thread, @delivered not set: the calling thread, or one that is asleep
 *	because it has lent the caller memory, whose th->lock the caller holds
 *
 * Return: true if it has been told something; the thread has to run.
 */
bool door_pool_park(struct door_thread *th)
{
	struct door_pool *pool = th->pool;
	struct door_invocation *inv;
	bool told = true;

	spin_lock(&pool->lock);
	inv = list_first_entry_or_null(&pool->queue, struct door_invocation,
				       link);
	if (unlikely(inv)) {
		list_del_init(&inv->link);
		give(th, inv, true);
	} else if (unlikely(pool->over)) {
		/* As in give(). */
		smp_store_release(&th->delivered, DOOR_POOL_ENDED);
	} else {
		list_add(&th->link, &pool->parked);
		told = false;
	}
	spin_unlock(&pool->lock);
	return told;
}

/**
 * door_pool_leave - the calling thread does not want to wait any more
 * @th: the calling thread
 *
 * Return: true if it is out of the pool; false if it has been told something.
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
 * door_pool_end - send home the threads that wait, and those that will come
 * @pool: the pool of a private door that nobody can call any more
 *
 * One at a time: there may be many.
 */
void door_pool_end(struct door_pool *pool)
{
	struct door_thread *th;

	do {
		spin_lock(&pool->lock);
		pool->over = true;
		th = first_parked(pool);
		if (th) {
			list_del_init(&th->link);
			refcount_inc(&th->ref);
			/* As in give(). */
			smp_store_release(&th->delivered, DOOR_POOL_ENDED);
		}
		spin_unlock(&pool->lock);
		if (th)
			wake_and_put(th);
	} while (th);
}
