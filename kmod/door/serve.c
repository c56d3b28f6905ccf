// SPDX-License-Identifier: GPL-2.0-only
/*
 * Serve: a server thread's life. It answers, parks, sleeps, and arrives with the
 * next invocation; it binds itself to private doors, and when it ends, its
 * caller is told. Entered by the front desk; what it does to a call, answer.c
 * does for it.
 */
#include "serve.h"
#include "answer.h"
#include "budget.h"
#include "copy.h"
#include "desc.h"
#include "handoff.h"
#include "owner.h"
#include "unref.h"
#include "window.h"

#include <linux/freezer.h>
#include <linux/sched/signal.h>
#include <linux/door.h>

/* How long memory is lent to a caller that can be given a copy of it. */
#define LOAN_TIME (HZ / 4)
/* And one that cannot: how long it may make no progress, and how often it may. */
#define LOAN_WAIT (5 * HZ)
#define LOAN_WAITS 12

/* A caller that gives up looks for its pages under the lock. */
static void drop_args(struct door_thread *th)
{
	struct door_cargo args;

	spin_lock(&th->lock);
	args = th->args;
	th->args = (struct door_cargo) {};
	spin_unlock(&th->lock);
	door_cargo_drop(&args);
}

static bool has_args(const struct door_thread *th)
{
	return th->args.bounce || th->args.pages || th->args.descs;
}

/* Everything but the caller's half; what it carried has been dropped on arrival. */
static void end_invocation(struct door_thread *th)
{
	if (th->door) {
		door_unref_end(th->door);
		th->door = NULL;
	}
}

static int fetch_admitted(struct door_thread *th,
			  const struct door_ioc_return *ioc,
			  struct door_cargo *res)
{
	struct door_budget *payer = NULL;
	int err;

	/* Without a caller it goes no further, but has to be held that far. */
	if (ioc->data_size > door_results_copy_max())
		payer = door_answer_payer(th) ?: door_budget_get();
	err = door_results_fetch(res, ioc, payer);
	door_budget_put(payer);
	return err ?: door_answer_admits(th, res);
}

/*
 * Parks before it wakes: the client's next call then finds this thread. A
 * client that has had results lent to it does the parking.
 */
static void hand_over(struct door_thread *th, struct door_cargo *res)
{
	struct task_struct *client;
	bool busy = false;

	th->delivered = 0;
	th->pool = th->bound ? th->bound->pool : &th->proc->pool;
	rcu_read_lock();
	if (!door_answer_give(th, res, &client))
		busy = door_pool_park(th);
	if (client && !busy)
		door_handoff(client);
	else if (client)
		wake_up_process(client);
	rcu_read_unlock();
}

/* Ends the invocation, if there is one, and parks; or changes nothing. */
static int answer(struct door_thread *th, const struct door_ioc_return *ioc)
{
	struct door_cargo res = {};
	int err = 0;

	if (ioc->data_size || ioc->desc_num) {
		err = fetch_admitted(th, ioc, &res);
		if (!err && res.descs)
			door_descs_release(res.descs);
	}
	if (!err) {
		end_invocation(th);
		door_window_trim(th->window);
		hand_over(th, &res);
	}
	if (unlikely(res.bounce || res.pages || res.descs))
		door_cargo_drop(&res);
	return err;
}

/* Parks without answering anybody. */
static void park(struct door_thread *th)
{
	struct door_cargo res = {};

	hand_over(th, &res);
}

/* Return: 0 if the caller can do without our memory, or the error that it gets. */
static int keep_rest(struct door_thread *th, struct door_cargo *rest, u64 addr)
{
	struct door_budget *payer;
	int err = -ENOMEM;

	if (fatal_signal_pending(current))
		return -EINTR;
	payer = door_answer_payer(th);
	if (payer)
		err = door_results_keep(rest, addr, payer);
	door_budget_put(payer);
	return err == -EFAULT ? -EINTR : err;
}

/*
 * The caller copies from this thread's memory, but not for long, and not at all if it
 * does not run or if there is something else to do here: then the thread copies the
 * rest, which the caller's user pays for, and goes on. Only if that may not be does
 * it wait for as long as the caller makes progress, or the caller loses its results.
 * In the end it is in its pool.
 */
static void await_loan(struct door_thread *th, u64 addr)
{
	struct door_cargo rest = {};
	unsigned int waits = 0;
	long left = LOAN_TIME;
	size_t seen = 0;
	bool away;
	int err;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		if (!door_answer_lent(th, &rest, &away))
			break;
		away |= signal_pending(current);
		if (left && !away) {
			left = schedule_timeout(left);
			continue;
		}
		__set_current_state(TASK_RUNNING);
		err = keep_rest(th, &rest, addr);
		if (err == -ENOMEM && !away && waits < LOAN_WAITS &&
		    (!waits || rest.base > seen)) {
			seen = rest.base;
			left = LOAN_WAIT;
			waits++;
			continue;
		}
		if (door_answer_take_back(th, &rest, err))
			door_pool_park(th);
		else
			door_cargo_drop(&rest);
	}
	__set_current_state(TASK_RUNNING);
}

/*
 * Return: 0 when there is an invocation, -EIDRM when there never will be one, -EINTR
 * when a signal came first.
 */
static int await(struct door_thread *th)
{
	int delivered;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE | TASK_FREEZABLE);
		/* Pairs with the release of whoever has taken it from its pool. */
		delivered = smp_load_acquire(&th->delivered);
		if (delivered)
			break;
		if (signal_pending(current) && door_pool_leave(th)) {
			__set_current_state(TASK_RUNNING);
			return -EINTR;
		}
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return likely(delivered == DOOR_INVOCATION) ? 0 : -EIDRM;
}

/* Brings the invocation into this process. On error the caller is to get it. */
static int arrive(struct door_thread *th, struct door_ioc_return *ioc)
{
	struct door *door = th->door;
	int err;

	if (unlikely(th->state & DOOR_RETURN_UNREF))
		door_unref_told(door);
	if (READ_ONCE(door->attributes) & DOOR_ATTR_NO_DEPLETION)
		th->state &= ~DOOR_RETURN_DEPLETED;
	ioc->procedure = door->procedure;
	ioc->cookie = door->cookie;
	ioc->id = door->id;
	ioc->attributes = READ_ONCE(door->attributes);
	ioc->state = th->state;
	ioc->call = th->serial;
	err = door_args_receive(&th->args, th->window, &th->lock, ioc);
	if (unlikely(has_args(th)))
		drop_args(th);
	/* It is not that the server has no room if it is being killed. */
	return err && fatal_signal_pending(current) ? -EINTR : err;
}

static struct door_thread *self_or_new(struct door_proc *proc,
				       struct file *file)
{
	struct door_thread *th = door_proc_thread(proc);

	return likely(th) ? th : door_proc_make_thread(proc, file);
}

/**
 * door_serve - answer the caller, if there is one, and wait for the next
 * @proc: the calling process
 * @file: its /dev/door
 * @ioc: results; the next invocation
 *
 * Return: 0 or an error, see DOOR_IOC_RETURN.
 */
long door_serve(struct door_proc *proc, struct file *file,
		struct door_ioc_return *ioc)
{
	struct door_thread *th = self_or_new(proc, file);
	int err;

	if (IS_ERR(th))
		return PTR_ERR(th);
	err = answer(th, ioc);
	if (err)
		return err;
	if (unlikely(READ_ONCE(th->lent)))
		await_loan(th, ioc->data_ptr);
	for (;;) {
		err = await(th);
		if (err)
			return err;
		err = arrive(th, ioc);
		if (likely(!err))
			return 0;
		door_answer_fail(th, err);
		end_invocation(th);
		/* Or one that is killed would go through all that wait. */
		if (signal_pending(current))
			return -EINTR;
		park(th);
		cond_resched();
	}
}

/**
 * door_serve_undo - the calling thread cannot take the invocation
 * @proc: the calling process
 */
void door_serve_undo(struct door_proc *proc)
{
	struct door_thread *th = door_proc_thread(proc);

	door_answer_fail(th, -E2BIG);
	end_invocation(th);
}

/**
 * door_serve_bind - let the calling thread serve a private door only
 * @proc: the calling process
 * @file: its /dev/door
 * @id: of the door
 *
 * Return: 0, -EINVAL if the process has no such private door, -ENOMEM.
 */
int door_serve_bind(struct door_proc *proc, struct file *file, u64 id)
{
	struct door_thread *th;
	struct door *door, *old;

	door = door_find(proc, id);
	if (!door)
		return -EINVAL;
	th = self_or_new(proc, file);
	if (IS_ERR(th) || !(READ_ONCE(door->attributes) & DOOR_ATTR_PRIVATE)) {
		door_put(door);
		return IS_ERR(th) ? PTR_ERR(th) : -EINVAL;
	}
	old = th->bound;
	th->bound = door;
	if (old)
		door_put(old);
	return 0;
}

/**
 * door_serve_unbind - let a thread serve all doors but private ones
 * @th: the calling thread
 *
 * Return: 0, or -EBADF if it is not bound.
 */
int door_serve_unbind(struct door_thread *th)
{
	if (!th->bound)
		return -EBADF;
	door_put(th->bound);
	th->bound = NULL;
	return 0;
}

static void thread_gone(struct door_thread *th)
{
	door_answer_fail(th, -EINTR);
	end_invocation(th);
	door_serve_unbind(th);
}

/**
 * door_serve_leave - the calling thread stops serving
 * @th: the calling thread
 */
void door_serve_leave(struct door_thread *th)
{
	door_answer_fail(th, -EINTR);
	end_invocation(th);
}

/* Only once, and only as long as the thread has not come to its end. */
static bool take_notice(struct door_thread *th, struct door_ioc_aborted *ioc)
{
	bool aborted;

	spin_lock(&th->lock);
	aborted = th->aborted;
	WRITE_ONCE(th->aborted, false);
	if (aborted) {
		ioc->call = th->serial;
		/* An ended thread has been through door_answer_fail(). */
		ioc->thread = task_pid_vnr(th->task);
	}
	spin_unlock(&th->lock);
	return aborted;
}

static bool find_aborted(struct door_proc *proc, struct door_ioc_aborted *ioc)
{
	struct door_thread *th;
	bool found = false;
	int i;

	rcu_read_lock();
	hash_for_each_rcu(proc->threads, i, th, node) {
		found = READ_ONCE(th->aborted) && take_notice(th, ioc);
		if (found)
			break;
	}
	rcu_read_unlock();
	return found;
}

/**
 * door_serve_aborted - wait until some caller of this process has given up
 * @proc: the calling process
 * @ioc: which call that was, and which thread runs it
 *
 * A notice is a flag of the thread that works in vain, so there is no more than
 * one for each, read or not. The flag is set before the wake-up, and looked at
 * after the caller is in the queue.
 *
 * Return: 0 or -ERESTARTSYS.
 */
int door_serve_aborted(struct door_proc *proc, struct door_ioc_aborted *ioc)
{
	return wait_event_freezable(proc->aborts, find_aborted(proc, ioc));
}

static const struct door_proc_ops proc_ops = {
	.thread_gone	= thread_gone,
	.proc_gone	= door_owner_gone,
};

/** door_serve_init - start up */
void __init door_serve_init(void)
{
	door_proc_init(&proc_ops);
}
