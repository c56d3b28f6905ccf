/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CALL_H
#define _DOOR_CALL_H

#include "cargo.h"
#include "door.h"

struct cred;
struct door_ioc_call;
struct files_struct;

/*
 * NEW -> DELIVERED -> RETURNED | ABORTED. Delivery is the client's, and makes a
 * reserved thread run. The other two are reached under th->lock, by the server
 * thread or by the client that gives up, whichever comes first; RETURNED can
 * still become ABORTED while results are being copied from lent memory.
 */
enum door_call_state {
	DOOR_CALL_NEW,
	DOOR_CALL_DELIVERED,
	DOOR_CALL_RETURNED,
	DOOR_CALL_ABORTED,
};

/**
 * struct door_call - the client's half of an invocation
 * @state: enum door_call_state (th->lock)
 * @err: why it was aborted
 * @no_result: the client takes no results
 * @cancel: the server wants to know if the client gives up
 * @suspended: a signal has made the client leave the module for a while
 * @client: the thread (referenced if @suspended)
 * @cred: its credentials (referenced if @suspended)
 * @files: its descriptors; not to be looked at if @suspended
 * @th: the server thread, referenced
 * @res: complete when RETURNED
 *
 * On the client's stack, or kept while it is away. Until the state is final
 * th->lock guards all of it.
 */
struct door_call {
	int state;
	int err;
	bool no_result;
	bool cancel;
	bool suspended;
	struct task_struct *client;
	const struct cred *cred;
	struct files_struct *files;
	struct door_thread *th;
	struct door_results res;
};

long door_call(struct door *door, struct door_ioc_call *ioc, void __user *uioc);
long door_call_resume(struct door_ioc_call *ioc, void __user **uioc);
void door_call_abandon(void);

#endif /* _DOOR_CALL_H */
