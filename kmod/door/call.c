// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call: one invocation, from the client's arrival to its departure: checks,
 * arguments, the pool, handoff, sleep. What the server does to it is in answer.c; no
 * other file changes the state of a call. Locks: pool->lock while the invocation
 * waits there, then th->lock of the thread that has it.
 *
 * All that can take time, or go wrong in the client, happens before the invocation
 * is the pool's: from there on nothing waits for the client, and it is never begun
 * again.
 */
#include "call.h"
#include "budget.h"
#include "copy.h"
#include "desc.h"
#include "handoff.h"
#include "pending.h"
#include "stats.h"
#include "trace.h"
#include "unref.h"
#include "window.h"

#include <linux/cred.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/door.h>

#define WAITING (TASK_INTERRUPTIBLE | TASK_FREEZABLE)

static int check_limits(const struct door *door, const struct door_ioc_call *ioc)
{
	u64 size = ioc->data_size;

	if (READ_ONCE(door->revoked))
		return -EBADF;
	if (size < READ_ONCE(door->data_min) ||
	    size > READ_ONCE(door->data_max))
		return -ENOBUFS;
	if (ioc->desc_num) {
		if (READ_ONCE(door->attributes) & DOOR_ATTR_REFUSE_DESC)
			return -EOPNOTSUPP;
		if (ioc->desc_num > READ_ONCE(door->desc_max))
			return -ENFILE;
		if (ioc->desc_num > DOOR_DESC_MAX)
			return -E2BIG;
	}
	if (size > (READ_ONCE(door->large) ? door_transfer_max() :
					     door_args_max()))
		return -E2BIG;
	return 0;
}

/* Return: the thread, NULL if the invocation waits for one, or an error. */
static struct door_thread *submit(struct door_call *call, u64 data)
{
	struct door_cargo *args = &call->inv.args;
	struct door *door = call->door;
	struct door_thread *th;
	int err;

	for (;;) {
		th = door_pool_submit(door->pool, &call->inv, &door->revoked,
				      data);
		if (!IS_ERR(th) || th == ERR_PTR(-EBADF))
			return th;
		if (th == ERR_PTR(-EAGAIN))
			err = door_args_copy(args, data);
		else if (fault_in_readable(u64_to_user_ptr(data), args->size))
			err = -EFAULT;
		else
			err = fatal_signal_pending(current) ? -EINTR : 0;
		if (err)
			return ERR_PTR(err);
		cond_resched();
	}
}

/* Return: false if a signal came before the end. */
static bool await(struct door_call *call)
{
	bool over;

	for (;;) {
		set_current_state(WAITING);
		/* Pairs with the releases in answer.c. */
		over = smp_load_acquire(&call->state) != DOOR_CALL_WAITING;
		if (over || signal_pending(current))
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return over;
}

static void count_abort(int err)
{
	door_stat_inc(CALLS_ABORTED);
	trace_door_abort(err);
}

/*
 * The server thread may answer at the same time: whoever has the lock first.
 * Should it come second, its process is told what it is doing in vain, and what
 * it has not received yet it will not see: the memory may be used for anything
 * from here on.
 */
static void abort_delivered(struct door_call *call, int err)
{
	struct door_pages taken = {};
	struct door_thread *th = call->inv.th;
	bool tell = false;

	spin_lock(&th->lock);
	if (call->state == DOOR_CALL_WAITING) {
		th->call = NULL;
		call->err = err;
		WRITE_ONCE(call->state, DOOR_CALL_ABORTED);
		tell = call->cancel;
		WRITE_ONCE(th->aborted, tell);
		taken = door_pages_recall(th->args.pages);
		count_abort(err);
	}
	spin_unlock(&th->lock);
	door_pages_release(&taken);
	if (tell)
		wake_up(&th->proc->aborts);
}

static void abort_call(struct door_call *call, int err)
{
	if (door_pool_withdraw(call->door->pool, &call->inv)) {
		call->err = err;
		call->state = DOOR_CALL_ABORTED;
		count_abort(err);
	} else if (call->inv.th) {
		abort_delivered(call, err);
	}
}

/*
 * The thread whose memory was lent goes to its pool, unless it took it back; first of
 * all, as the rest may take its time.
 */
static void end_loan(struct door_call *call)
{
	struct door_thread *th = call->inv.th;
	bool busy = false;

	spin_lock(&th->lock);
	/* If it took it back, it may serve another client. */
	if (READ_ONCE(th->call) == call) {
		th->call = NULL;
		WRITE_ONCE(th->lent, false);
		busy = door_pool_park(th);
	}
	spin_unlock(&th->lock);
	if (busy)
		wake_up_process(th->task);
	door_pages_unpin(call->res.pages);
	call->res.pages = NULL;
}

/* No thread has taken it, or the one that has needs it no more. */
static void drop_call(struct door_call *call)
{
	/* There are results, too, if the server thread took its memory back. */
	if (unlikely(call->res.pages))
		end_loan(call);
	if (call->res.bounce || call->res.descs)
		door_cargo_drop(&call->res);
	if (likely(call->inv.th)) {
		door_thread_put(call->inv.th);
	} else {
		door_cargo_drop(&call->inv.args);
		door_unref_end(call->inv.door);
	}
}

/* The call is over, one way or the other. */
static long finish(struct door_call *call, struct door_ioc_call *ioc)
{
	int err;

	/* Pairs with door_answer_take_back(): @state before @err. */
	if (likely(smp_load_acquire(&call->state) == DOOR_CALL_RETURNED))
		err = door_results_collect(&call->res, &call->inv.th->lock,
					   ioc);
	else
		err = -ECANCELED;
	if (err == -ECANCELED)
		err = call->err;
	drop_call(call);
	return err;
}

/**
 * struct away - a call whose client is away, handling signals
 * @pending: its entry in the table
 * @uioc: the client's structure
 * @ioc: our copy of it
 * @done: the call is over, only the memory is left
 * @payer: of @call, referenced
 * @call: the call
 * @rcu: frees it
 */
struct away {
	struct door_pending pending;
	void __user *uioc;
	struct door_ioc_call ioc;
	bool done;
	struct door_budget *payer;
	struct door_call call;
	struct rcu_head rcu;
};

static struct away *mine(void)
{
	struct door_pending *p = door_pending_mine();

	return p ? container_of(p, struct away, pending) : NULL;
}

static void end_away(struct away *p)
{
	abort_call(&p->call, -EINTR);
	drop_call(&p->call);
}

static void away_gone(struct door_watch *w)
{
	struct away *p = container_of(w, struct away, pending.watch);

	door_pending_remove(&p->pending);
	if (!p->done)
		end_away(p);
	if (p->call.cred) {
		put_cred(p->call.cred);
		door_put(p->call.door);
	}
	door_budget_put(p->payer);
	kfree_rcu(p, rcu);
}

/* By the client itself; @p is freed on the way to user mode. */
static void retire(struct away *p)
{
	p->done = true;
	door_pending_remove(&p->pending);
	door_watch_retire(&p->pending.watch);
}

static struct away *make_away(void)
{
	struct away *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	p->payer = door_budget_get();
	if (!p->payer || door_watch_start(&p->pending.watch, away_gone)) {
		door_budget_put(p->payer);
		kfree(p);
		return NULL;
	}
	return p;
}

/* The lock is held; the call is over for @call, unless that is @copy. */
static void set_aside(struct door_call *call, struct door_call *copy)
{
	if (copy != call) {
		*copy = *call;
		copy->inv.call = copy;
		INIT_LIST_HEAD(&copy->inv.link);
		/* It is marked inside, always the same. */
		data_race(get_cred(copy->cred));
		door_get(copy->door);
	}
	copy->mm = current->mm;
	copy->exec_id = current->self_exec_id;
	copy->suspended = true;
}

/*
 * The memory map changes before the credentials of the new program are in force; the
 * count after that, but it does not come back. Who has ended has no memory map.
 */
static bool same_program(const struct door_call *call)
{
	const struct task_struct *client = call->client;

	return READ_ONCE(client->mm) == call->mm &&
	       READ_ONCE(client->self_exec_id) == call->exec_id;
}

/**
 * door_call_has_client - is the caller still there, and what it was when it called
 * @call: the call, attached to a thread whose th->lock is held
 */
bool door_call_has_client(const struct door_call *call)
{
	return !call->suspended || same_program(call);
}

static bool suspend_queued(struct door_call *call, struct door_call *copy)
{
	struct door_pool *pool = call->door->pool;
	bool queued;

	spin_lock(&pool->lock);
	queued = !list_empty(&call->inv.link);
	if (queued) {
		set_aside(call, copy);
		if (copy != call)
			list_replace(&call->inv.link, &copy->inv.link);
	}
	spin_unlock(&pool->lock);
	return queued;
}

static bool suspend_delivered(struct door_call *call, struct door_call *copy)
{
	struct door_thread *th = call->inv.th;
	bool still;

	spin_lock(&th->lock);
	still = call->state == DOOR_CALL_WAITING;
	if (still) {
		set_aside(call, copy);
		th->call = copy;
	}
	spin_unlock(&th->lock);
	return still;
}

/* Return: whether the call is still with the server and can wait for us. */
static bool suspend(struct door_call *call, struct door_call *copy)
{
	return suspend_queued(call, copy) ||
	       (call->inv.th && suspend_delivered(call, copy));
}

/* The other half of set_aside(). */
static void come_back(struct door_call *call)
{
	struct door_pool *pool = call->door->pool;
	struct door_thread *th;

	spin_lock(&pool->lock);
	th = call->inv.th;
	if (!th)
		call->suspended = false;
	spin_unlock(&pool->lock);
	if (!th)
		return;
	spin_lock(&th->lock);
	call->suspended = false;
	spin_unlock(&th->lock);
}

static long interrupted(struct door_call *call, struct door_ioc_call *ioc,
			void __user *uioc)
{
	struct away *p = NULL;

	if (!fatal_signal_pending(current))
		p = make_away();
	if (p)
		call->payer = p->payer;
	if (p && suspend(call, &p->call)) {
		p->ioc = *ioc;
		p->uioc = uioc;
		door_pending_add(&p->pending);
		return -ERESTART_RESTARTBLOCK;
	}
	if (p)
		retire(p);
	abort_call(call, -EINTR);
	return finish(call, ioc);
}

/**
 * door_call_resume - go on with the calling thread's pending call
 * @ioc: receives the call, then the results
 * @uioc: receives the address of the client's structure
 *
 * Return: as door_call().
 */
long door_call_resume(struct door_ioc_call *ioc, void __user **uioc)
{
	struct away *p = mine();
	struct door_call *call;
	long ret;

	if (!p)
		return -EINTR;
	call = &p->call;
	if (!same_program(call)) {
		door_call_abandon();
		return -EINTR;
	}
	*ioc = p->ioc;
	*uioc = p->uioc;
	come_back(call);
	if (!await(call)) {
		if (!fatal_signal_pending(current) && suspend(call, call))
			return -ERESTART_RESTARTBLOCK;
		abort_call(call, -EINTR);
	}
	ret = finish(call, ioc);
	retire(p);
	return ret;
}

/**
 * door_call_abandon - give up the calling thread's pending call, if any
 */
void door_call_abandon(void)
{
	struct away *p = mine();

	if (!p)
		return;
	end_away(p);
	retire(p);
}

/* Copies what the pool cannot wait for, and closes what the client gives away. */
static int gather(struct door_call *call, const struct door_ioc_call *ioc)
{
	int err = check_limits(call->door, ioc);

	if (!err)
		err = door_args_gather(&call->inv.args, ioc);
	if (!err) {
		door_unref_begin(call->door);
		call->inv.door = call->door;
	}
	return err;
}

/*
 * The client and the server thread agree on what happens next without a lock:
 *
 *   client                            server thread
 *   invocation complete
 *   delivered = 1 (release)           state = INTERRUPTIBLE
 *   wake the server thread            delivered? (acquire) no: schedule()
 *   state = INTERRUPTIBLE             runs; call->state = RETURNED (release)
 *   call->state? no: schedule()       wakes the client
 *
 * Both set their sleeping state before they look, and the other side changes
 * what is looked at before it wakes: neither look can miss what the wake-up
 * that came too early was about. Modelled in Documentation/models/call.pml.
 */

/**
 * door_call - call a door
 * @door: the door, kept by the caller
 * @ioc: arguments; results
 * @uioc: the client's structure; NULL if it has none and takes no results
 *
 * Return: 0 or an error, see DOOR_IOC_CALL; -ERESTART_RESTARTBLOCK asks for
 * door_call_resume().
 */
long door_call(struct door *door, struct door_ioc_call *ioc, void __user *uioc)
{
	struct door_call call = {
		.client = current,
		.cred = current_cred(),
		.files = current->files,
		.no_result = !uioc,
		.cancel = !(READ_ONCE(door->attributes) & DOOR_ATTR_NO_CANCEL),
		.door = door,
	};
	struct door_thread *th;
	long err;

	INIT_LIST_HEAD(&call.inv.link);
	call.inv.call = &call;
	door_call_abandon();
	err = gather(&call, ioc);
	if (err)
		return err;
	th = submit(&call, ioc->data_ptr);
	if (IS_ERR(th)) {
		drop_call(&call);
		return PTR_ERR(th);
	}
	door_stat_inc(CALLS);
	if (ioc->data_size && !call.inv.args.pages)
		door_stat_add(CALL_BYTES_COPIED, ioc->data_size);
	trace_door_call(door->id, ioc->data_size, th ? th->task->pid : 0);
	if (likely(th))
		door_handoff(th->task);
	if (likely(await(&call)))
		return finish(&call, ioc);
	return interrupted(&call, ioc, uioc);
}
