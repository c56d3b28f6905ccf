/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_PENDING_H
#define _DOOR_PENDING_H

#include "watch.h"

#include <linux/list.h>

struct restart_block;

/**
 * struct door_pending - where a thread that is away finds what it left
 * @node: in the table (table_lock)
 * @watch: tells when the thread has ended without coming back
 */
struct door_pending {
	struct hlist_node node;
	struct door_watch watch;
};

void door_pending_add(struct door_pending *p);
void door_pending_remove(struct door_pending *p);
struct door_pending *door_pending_mine(void);

void door_pending_exit(long (*restart)(struct restart_block *));

#endif /* _DOOR_PENDING_H */
