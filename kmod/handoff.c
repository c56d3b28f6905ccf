// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handoff: wake one known thread, on this CPU, because the waker is about to
 * sleep. Everything the project knows about the scheduler is in this file:
 * calls hand the processor to a server thread with door_handoff(), streams let
 * their readers and writers wait with a struct door_waiter. No lock of its own.
 */
#include "handoff.h"

#include <linux/poll.h>

/*
 * Same contract as woken_wake_function(), for wait_woken(), except that wakes
 * which cannot concern the sleeper are dropped and the processor is offered.
 */
static int waiter_wake(struct wait_queue_entry *wqe, unsigned int mode,
		       int flags, void *key)
{
	struct door_waiter *w = container_of(wqe, struct door_waiter, wqe);
	__poll_t events = key_to_poll(key);

	if (events && !(events & w->events))
		return 0;
	/* Pairs with the barrier in wait_woken(): condition before WOKEN. */
	smp_mb();
	wqe->flags |= WQ_FLAG_WOKEN;
	return default_wake_function(wqe, mode, flags | DOOR_WF_HANDOFF, key);
}

/**
 * door_waiter_init - prepare the calling thread's entry in a wait queue
 * @w: the entry, usually on the stack
 * @events: EPOLL* bits whose wakes it wants; EPOLLERR and EPOLLHUP are implied
 *
 * The caller adds @w->wqe to the queue, checks its condition, sleeps with
 * wait_woken() and removes it.
 */
void door_waiter_init(struct door_waiter *w, __poll_t events)
{
	init_waitqueue_func_entry(&w->wqe, waiter_wake);
	w->wqe.private = current;
	w->events = events | EPOLLERR | EPOLLHUP;
}

/**
 * door_handoff - wake @task, preferably on this CPU
 * @task: a thread that sleeps or is about to
 *
 * The caller has made the sleeper's condition true before; the wake-up is a full
 * barrier between the two if @task was asleep. The caller sleeps next.
 */
void door_handoff(struct task_struct *task)
{
	struct wait_queue_entry wqe = { .private = task };

	default_wake_function(&wqe, TASK_NORMAL, DOOR_WF_HANDOFF, NULL);
}
