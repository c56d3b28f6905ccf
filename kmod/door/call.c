// SPDX-License-Identifier: GPL-2.0-only
/*
 * Call: one invocation, from the client's arrival to its departure: checks,
 * arguments, a thread from the pool, delivery, handoff, sleep. What the server
 * thread does to it is in answer.c; no other file changes the state of a call.
 * Lock: th->lock of the thread that serves.
 *
 * Nothing that can take time happens while a thread is reserved, so that a
 * client cannot keep it from others: user memory is then touched with page
 * faults off only.
 */
#include "call.h"
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
		if (door->attributes & DOOR_ATTR_REFUSE_DESC)
			return -EOPNOTSUPP;
		if (ioc->desc_num > READ_ONCE(door->desc_max))
			return -ENFILE;
		if (ioc->desc_num > DOOR_DESC_MAX)
			return -E2BIG;
	}
	if (size > door_transfer_max())
		return -E2BIG;
	return 0;
}

/* A reserved thread with the small argument in its window. */
static struct door_thread *take_thread(struct door *door, u64 addr, size_t size)
{
	const void __user *data = u64_to_user_ptr(addr);
	struct door_thread *th;

	for (;;) {
		th = door_pool_take(door->pool, door, &door->revoked);
		if (IS_ERR(th) || !size ||
		    !copy_from_user_nofault(th->window->kaddr, data, size))
			return th;
		door_pool_give_back(th);
		door_thread_put(th);
		if (fault_in_readable(data, size))
			return ERR_PTR(-EFAULT);
		if (fatal_signal_pending(current))
			return ERR_PTR(-EINTR);
	}
}

/* State is set already. Return: false if a signal came before the answer. */
static bool await(struct door_call *call)
{
	bool over;

	for (;;) {
		/* Pairs with the releases in door_answer_give() and _fail(). */
		over = smp_load_acquire(&call->state) != DOOR_CALL_DELIVERED;
		if (over || signal_pending(current))
			break;
		schedule();
		set_current_state(WAITING);
	}
	__set_current_state(TASK_RUNNING);
	return over;
}

/*
 * The server thread may answer at the same time: whoever has the lock first.
 * Should it come second, its process is told what it is doing in vain, and what
 * it has not received yet it will not see: the memory may be used for anything
 * from here on.
 */
static void abort_call(struct door_call *call, int err)
{
	struct door_pages taken = {};
	struct door_thread *th = call->th;
	bool tell = false;

	spin_lock(&th->lock);
	if (call->state == DOOR_CALL_DELIVERED) {
		th->call = NULL;
		call->err = err;
		WRITE_ONCE(call->state, DOOR_CALL_ABORTED);
		tell = call->cancel;
		th->aborted = tell;
		taken = door_pages_recall(th->inv.pages);
		door_stat_inc(CALLS_ABORTED);
		trace_door_abort(err);
	}
	spin_unlock(&th->lock);
	door_pages_release(&taken);
	if (tell)
		wake_up(&th->proc->aborts);
}

/* The thread whose memory was lent goes to its pool, unless it took it back. */
static void end_loan(struct door_call *call)
{
	struct door_thread *th = call->th;
	bool back;

	spin_lock(&th->lock);
	/* If it took it back, another client may be in deliver(). */
	back = READ_ONCE(th->call) == call;
	if (back) {
		th->call = NULL;
		th->lent = false;
	}
	spin_unlock(&th->lock);
	door_pages_unpin(call->res.pages);
	call->res.pages = NULL;
	if (back)
		door_pool_give_back(th);
}

/* The call is over, one way or the other. */
static long finish(struct door_call *call, struct door_ioc_call *ioc)
{
	struct door_results *res = &call->res;
	int err;

	/* Pairs with door_answer_take_back(): @state before @err. */
	if (likely(smp_load_acquire(&call->state) == DOOR_CALL_RETURNED))
		err = door_results_collect(res, &call->th->lock, ioc);
	else
		err = call->err;
	/* There are results, too, if the server thread took its memory back. */
	if (res->pages)
		end_loan(call);
	if (res->bounce || res->descs)
		door_results_drop(res);
	door_thread_put(call->th);
	return err;
}

/**
 * struct away - a call whose client is away, handling signals
 * @pending: its entry in the table
 * @uioc: the client's structure
 * @ioc: our copy of it
 * @done: the call is over, only the memory is left
 * @call: the call
 * @rcu: frees it
 */
struct away {
	struct door_pending pending;
	void __user *uioc;
	struct door_ioc_call ioc;
	bool done;
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
	if (p->call.res.pages)
		end_loan(&p->call);
	door_results_drop(&p->call.res);
	door_thread_put(p->call.th);
}

static void away_gone(struct door_watch *w)
{
	struct away *p = container_of(w, struct away, pending.watch);

	door_pending_remove(&p->pending);
	if (!p->done)
		end_away(p);
	if (p->call.cred)
		put_cred(p->call.cred);
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

	if (p && door_watch_start(&p->pending.watch, away_gone)) {
		kfree(p);
		p = NULL;
	}
	return p;
}

/* Return: whether the call is still with the server and can wait for us. */
static bool suspend(struct door_call *call, struct door_call *copy)
{
	struct door_thread *th = call->th;
	bool still;

	spin_lock(&th->lock);
	still = call->state == DOOR_CALL_DELIVERED;
	if (still) {
		if (copy != call) {
			*copy = *call;
			get_cred(copy->cred);
			th->call = copy;
		}
		copy->suspended = true;
	}
	spin_unlock(&th->lock);
	return still;
}

static long interrupted(struct door_call *call, struct door_ioc_call *ioc,
			void __user *uioc)
{
	struct away *p = NULL;

	if (!fatal_signal_pending(current))
		p = make_away();
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
	*ioc = p->ioc;
	*uioc = p->uioc;
	spin_lock(&call->th->lock);
	call->suspended = false;
	call->files = current->files;
	spin_unlock(&call->th->lock);
	set_current_state(WAITING);
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

/*
 * The thread is ours until @delivered is set, and it and the client agree on
 * what happens next without a lock:
 *
 *   client                            server thread
 *   inv, call complete
 *   state = INTERRUPTIBLE             state = INTERRUPTIBLE
 *   delivered = 1 (release)           delivered? (acquire) no: schedule()
 *   wake the server thread
 *   call->state? schedule()           runs; call->state = RETURNED
 *                                     wakes the client
 *
 * Both set their sleeping state before they look, and the other side changes
 * what is looked at before it wakes: neither look can miss what the wake-up
 * that came too early was about. Modelled in Documentation/models/call.pml.
 */
static void deliver(struct door_thread *th, struct door *door,
		    const struct door_invocation *inv, struct door_call *call)
{
	door_unref_begin(door);
	th->inv.door = door;
	th->inv.data_size = inv->data_size;
	th->inv.pages = inv->pages;
	th->inv.descs = inv->descs;
	if (inv->descs)
		door_descs_release(inv->descs, false);
	call->th = th;
	call->state = DOOR_CALL_DELIVERED;
	WRITE_ONCE(th->call, call);
	door_stat_inc(CALLS);
	trace_door_call(door->id, inv->data_size, th->task->pid);
	set_current_state(WAITING);
	/* It may not need the wake-up, and end: RCU keeps the task until then. */
	rcu_read_lock();
	/* The server thread owns @inv and @door from here on. */
	smp_store_release(&th->delivered, 1);
	door_handoff(th->task);
	rcu_read_unlock();
}

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
	struct door_invocation inv = {};
	struct door_call call = {
		.client = current,
		.cred = current_cred(),
		.files = current->files,
		.no_result = !uioc,
		.cancel = !(door->attributes & DOOR_ATTR_NO_CANCEL),
	};
	struct door_thread *th;
	size_t small;
	long err;

	if (unlikely(door_pending_mine()))
		door_call_abandon();
	err = check_limits(door, ioc);
	if (err)
		return err;
	err = door_args_gather(ioc, &inv);
	if (err)
		return err;
	/* Those take their time; the others are closed when a thread is there. */
	door_descs_release(inv.descs, true);
	small = inv.pages ? 0 : ioc->data_size;
	th = take_thread(door, ioc->data_ptr, small);
	if (IS_ERR(th)) {
		door_args_drop(&inv);
		return PTR_ERR(th);
	}
	if (small)
		door_stat_add(CALL_BYTES_COPIED, small);
	deliver(th, door, &inv, &call);
	if (likely(await(&call)))
		return finish(&call, ioc);
	return interrupted(&call, ioc, uioc);
}
