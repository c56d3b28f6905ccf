/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_PENDING_H
#define _DOOR_PENDING_H

#include "call.h"

#include <linux/door.h>

/**
 * struct door_pending - a call whose client is away, handling signals
 * @node: in the table
 * @watch: tells when the client has ended without coming back
 * @uioc: the client's structure
 * @ioc: our copy of it
 * @done: the call is over, only the memory is left
 * @call: the call
 * @rcu: frees it
 */
struct door_pending {
	struct hlist_node node;
	struct door_watch watch;
	void __user *uioc;
	struct door_ioc_call ioc;
	bool done;
	struct door_call call;
	struct rcu_head rcu;
};

struct door_pending *door_pending_make(void (*gone)(struct door_watch *w));
void door_pending_add(struct door_pending *p);
void door_pending_remove(struct door_pending *p);
struct door_pending *door_pending_mine(void);

void door_pending_exit(long (*restart)(struct restart_block *));

#endif /* _DOOR_PENDING_H */
