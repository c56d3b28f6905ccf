/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CALL_H
#define _DOOR_CALL_H

#include "door.h"

struct cred;
struct door_budget;
struct door_ioc_call;
struct files_struct;

/*
 * WAITING -> RETURNED | ABORTED, whichever comes first: the server thread answers,
 * or the client gives up. Waiting is for a thread, or for the answer of the one
 * that has the invocation. RETURNED can still become ABORTED while results are being
 * copied from lent memory.
 */
enum door_call_state {
	DOOR_CALL_WAITING,
	DOOR_CALL_RETURNED,
	DOOR_CALL_ABORTED,
};

/**
 * struct door_call - the client's half of an invocation
 * @state: enum door_call_state
 * @err: why it was aborted
 * @no_result: the client takes no results
 * @cancel: the server wants to know if the client gives up
 * @suspended: a signal has made the client leave the module for a while
 * @client: the thread (referenced if @suspended)
 * @cred: its credentials (referenced if @suspended)
 * @mm: its memory map when it was last here, if @suspended; only compared
 * @exec_id: the same, its count of programs
 * @files: its descriptors; not to be looked at if @suspended
 * @payer: if @suspended, who pays for results that wait
 * @door: what it calls (referenced if @suspended)
 * @inv: what it asks for; the pool's, then that of the thread in there
 * @res: complete when RETURNED
 *
 * On the client's stack, or kept while it is away. Until the state is final, all of
 * it is guarded by pool->lock as long as @inv is in the queue, by th->lock of the
 * thread that has @inv after that.
 */
struct door_call {
	int state;
	int err;
	bool no_result;
	bool cancel;
	bool suspended;
	struct task_struct *client;
	const struct cred *cred;
	const struct mm_struct *mm;
	u64 exec_id;
	struct files_struct *files;
	struct door_budget *payer;
	struct door *door;
	struct door_invocation inv;
	struct door_cargo res;
};

bool door_call_has_client(const struct door_call *call);

long door_call(struct door *door, struct door_ioc_call *ioc, void __user *uioc);
long door_call_resume(struct door_ioc_call *ioc, void __user **uioc);
void door_call_abandon(void);

#endif /* _DOOR_CALL_H */
