// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answer: what a server does to calls: its threads give results, or none, to those
 * that they serve, and take back what they have lent; those that no thread will serve
 * are refused. The client's side is in call.c. Entered by server threads and by owners
 * of doors. Locks: th->lock, pool->lock.
 *
 * Who is woken cannot have ended before it sees that its call is over; RCU, entered
 * before that, keeps its task from then on.
 */
#include "answer.h"
#include "budget.h"
#include "copy.h"
#include "desc.h"
#include "stats.h"
#include "trace.h"

#include <linux/cred.h>
#include <linux/sched/signal.h>

/**
 * door_answer_admits - would the caller take these results
 * @th: the calling thread
 * @res: the results
 *
 * Return: 0 if so or if there is no caller, -E2BIG, -EMFILE.
 */
int door_answer_admits(struct door_thread *th, const struct door_cargo *res)
{
	unsigned int nr = res->descs ? res->descs->nr : 0;
	struct door_call *call;
	int err = 0;

	spin_lock(&th->lock);
	call = th->call;
	if (call && call->no_result && (res->size || nr))
		err = -E2BIG;
	/* Who is away may have dropped its descriptor table. */
	else if (call && nr && !call->suspended &&
		 !door_descs_fit(nr, call->files,
				 task_rlimit(call->client, RLIMIT_NOFILE)))
		err = -EMFILE;
	spin_unlock(&th->lock);
	return err;
}

/* Whatever guards it is held. Return: whom to wake, valid under RCU, or NULL. */
static struct task_struct *fail(struct door_call *call, int err)
{
	struct task_struct *client = call->suspended ? NULL : call->client;

	call->err = err;
	door_stat_inc(CALLS_ABORTED);
	trace_door_abort(err);
	/* Pairs with await() in call.c: @err before @state. */
	smp_store_release(&call->state, DOOR_CALL_ABORTED);
	return client;
}

/*
 * Who is away may stay away for as long as it likes, and pays for what waits for it.
 * Who is not takes it as soon as it runs. Return: false if its user holds too much.
 */
static bool pay_for(const struct door_call *call, struct door_cargo *res)
{
	if (likely(!call->suspended) || !res->bounce || res->payer)
		return true;
	if (!door_charge(call->payer, RESULTS, res->size))
		return false;
	door_budget_hold(call->payer);
	res->payer = call->payer;
	res->kind = DOOR_HELD(RESULTS);
	return true;
}

/**
 * door_answer_give - give results to the caller
 * @th: the calling thread
 * @res: the results; emptied if there was somebody to take them, who can
 * @client: set to the task to wake, valid under RCU, or to NULL
 *
 * Return: true if the caller has been lent the thread's pinned pages and will
 * park the thread; false if it has to park itself.
 */
bool door_answer_give(struct door_thread *th, struct door_cargo *res,
		      struct task_struct **client)
{
	struct door_call *call;
	bool lent = false;

	*client = NULL;
	spin_lock(&th->lock);
	/* Now, as the next invocation may come with the client's end of a loan. */
	th->serial = atomic64_inc_return(&th->proc->serial);
	call = th->call;
	if (call && unlikely(!pay_for(call, res))) {
		*client = fail(call, -ENOMEM);
		th->call = NULL;
	} else if (call) {
		if (!call->suspended)
			*client = call->client;
		call->res = *res;
		lent = res->pages;
		th->lent = lent;
		if (!lent)
			th->call = NULL;
		trace_door_return(res->size);
		*res = (struct door_cargo) {};
		/* Unless lent, the client may return as soon as it sees this. */
		smp_store_release(&call->state, DOOR_CALL_RETURNED);
	} else {
		WRITE_ONCE(th->aborted, false);
	}
	spin_unlock(&th->lock);
	return lent;
}

/**
 * door_answer_fail - the caller gets no answer
 * @th: the calling thread, or one that has ended
 * @err: what it gets instead
 */
void door_answer_fail(struct door_thread *th, int err)
{
	struct task_struct *client = NULL;
	struct door_call *call;

	rcu_read_lock();
	spin_lock(&th->lock);
	call = th->call;
	th->call = NULL;
	th->lent = false;
	WRITE_ONCE(th->aborted, false);
	if (call)
		client = fail(call, err);
	spin_unlock(&th->lock);
	if (client)
		wake_up_process(client);
	rcu_read_unlock();
}

/**
 * door_answer_payer - who pays for results that have to be kept
 * @th: the calling thread
 *
 * Return: the caller's budget, for the caller of this to put; NULL if there is none.
 */
struct door_budget *door_answer_payer(struct door_thread *th)
{
	const struct cred *cred = NULL;
	struct door_budget *payer;

	spin_lock(&th->lock);
	if (th->call) {
		/* Marked inside, as in set_aside(). */
		cred = data_race(get_cred(th->call->cred));
	}
	spin_unlock(&th->lock);
	if (!cred)
		return NULL;
	payer = door_budget_of(cred);
	put_cred(cred);
	return payer;
}

/**
 * door_answer_lent - how is the caller getting on with the calling thread's memory
 * @th: the calling thread
 * @rest: receives the size and how much of it has been fetched
 * @away: set if the caller is away handling signals, or stopped, and fetches nothing
 *
 * Return: false if nothing is lent any more.
 */
bool door_answer_lent(struct door_thread *th, struct door_cargo *rest,
		      bool *away)
{
	const struct door_cargo *res;
	bool lent;

	spin_lock(&th->lock);
	lent = th->lent;
	if (lent) {
		res = &th->call->res;
		rest->size = res->size;
		rest->base = res->pages->done;
		*away = th->call->suspended;
	}
	spin_unlock(&th->lock);
	return lent;
}

/**
 * door_answer_take_back - end the loan of the calling thread's memory
 * @th: the calling thread
 * @rest: what the caller is to have instead; emptied
 * @err: or, if not 0, what it is to get
 *
 * Return: true if the thread was lent and has to park itself now.
 */
bool door_answer_take_back(struct door_thread *th, struct door_cargo *rest,
			   int err)
{
	struct door_pages taken = {};
	struct door_call *call;
	bool lent;

	spin_lock(&th->lock);
	lent = th->lent;
	if (lent) {
		call = th->call;
		taken = door_pages_recall(call->res.pages);
		if (err) {
			call->err = err;
			/* Pairs with finish(). */
			smp_store_release(&call->state, DOOR_CALL_ABORTED);
		} else {
			call->res.bounce = rest->bounce;
			call->res.base = rest->base;
			call->res.payer = rest->payer;
			call->res.kind = rest->kind;
			*rest = (struct door_cargo) {};
		}
		th->call = NULL;
		th->lent = false;
	}
	spin_unlock(&th->lock);
	door_pages_release(&taken);
	return lent;
}

/**
 * door_answer_refuse - send away those who wait for a thread to call a door
 * @door: the door; its revoked flag is set
 */
void door_answer_refuse(struct door *door)
{
	struct door_pool *pool = door->pool;
	struct door_invocation *inv, *next;
	struct task_struct *client;

	rcu_read_lock();
	spin_lock(&pool->lock);
	list_for_each_entry_safe(inv, next, &pool->queue, link) {
		if (inv->door != door || !inv->call)
			continue;
		list_del_init(&inv->link);
		client = fail(inv->call, -EBADF);
		if (client)
			wake_up_process(client);
	}
	spin_unlock(&pool->lock);
	rcu_read_unlock();
}
