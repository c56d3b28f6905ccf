// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answer: what a server thread does to the call that it serves: it gives results,
 * or none, and takes back what it has lent. The client's side is in call.c. Entered
 * by server threads. Lock: th->lock.
 */
#include "answer.h"
#include "copy.h"
#include "desc.h"
#include "stats.h"
#include "trace.h"

#include <linux/sched/signal.h>

/**
 * door_answer_admits - would the caller take these results
 * @th: the calling thread
 * @res: the results
 *
 * Return: 0 if so or if there is no caller, -E2BIG, -EMFILE; -EAGAIN if it is
 * away handling signals and should not be lent memory.
 */
int door_answer_admits(struct door_thread *th, const struct door_results *res)
{
	unsigned int nr = res->descs ? res->descs->nr : 0;
	struct door_call *call;
	int err = 0;

	spin_lock(&th->lock);
	call = th->call;
	if (call && call->no_result && (res->size || nr))
		err = -E2BIG;
	else if (call && call->suspended)
		/* It may have dropped its descriptor table, too. */
		err = res->pages ? -EAGAIN : 0;
	else if (call && nr &&
		 !door_descs_fit(nr, call->files,
				 task_rlimit(call->client, RLIMIT_NOFILE)))
		err = -EMFILE;
	spin_unlock(&th->lock);
	return err;
}

/**
 * door_answer_give - give results to the caller
 * @th: the calling thread
 * @res: the results; emptied if there was somebody to take them
 * @client: set to the task to wake, valid under RCU, or to NULL
 *
 * Return: true if the caller has been lent the thread's pinned pages and will
 * park the thread; false if it has to park itself.
 */
bool door_answer_give(struct door_thread *th, struct door_results *res,
		      struct task_struct **client)
{
	struct door_call *call;
	bool lent = false;

	*client = NULL;
	spin_lock(&th->lock);
	/* Now, as the next invocation may come with the client's end of a loan. */
	th->inv.serial = atomic64_inc_return(&th->proc->serial);
	call = th->call;
	if (call) {
		if (!call->suspended)
			*client = call->client;
		call->res = *res;
		lent = res->pages;
		th->lent = lent;
		if (!lent)
			th->call = NULL;
		trace_door_return(res->size);
		*res = (struct door_results) {};
		/* Unless lent, the client may return as soon as it sees this. */
		smp_store_release(&call->state, DOOR_CALL_RETURNED);
	} else {
		th->aborted = false;
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
	th->aborted = false;
	if (call) {
		if (!call->suspended)
			client = call->client;
		call->err = err;
		/* Pairs with await(): @err before @state. */
		smp_store_release(&call->state, DOOR_CALL_ABORTED);
		door_stat_inc(CALLS_ABORTED);
		trace_door_abort(err);
	}
	spin_unlock(&th->lock);
	if (client)
		wake_up_process(client);
	rcu_read_unlock();
}

/**
 * door_answer_take_back - end the loan of the calling thread's memory
 * @th: the calling thread
 *
 * The caller loses its results if it has not copied them yet.
 *
 * Return: true if the thread was lent and has to park itself now.
 */
bool door_answer_take_back(struct door_thread *th)
{
	struct door_pages taken = {};
	bool lent;

	spin_lock(&th->lock);
	lent = th->lent;
	if (lent) {
		taken = door_pages_recall(th->call->res.pages);
		th->call->err = -EINTR;
		/* Pairs with finish(). */
		smp_store_release(&th->call->state, DOOR_CALL_ABORTED);
		th->call = NULL;
		th->lent = false;
	}
	spin_unlock(&th->lock);
	door_pages_release(&taken);
	return lent;
}
