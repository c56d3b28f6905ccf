/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Locks
 * =====
 *
 * All are spinlocks, and but for the first two none is taken inside another:
 *
 *  th->lock	call.c, answer.c, cred.c, serve.c  one caller and one server thread;
 *			 pinned memory is copied under it, with page faults off
 *  pool->lock	pool.c, call.c, answer.c  threads and invocations that wait; small
 *			 arguments are copied under it, with page faults off
 *  door->lock	door.c, unref.c	 limits and the unreferenced state of a door
 *  proc->lock	proc.c, door.c, owner.c	 tables of a process
 *  table_lock	pending.c	 calls whose clients are away
 *  name_lock	name.c	 names of doors
 */
#ifndef _DOOR_DOOR_H
#define _DOOR_DOOR_H

#include "pool.h"
#include "proc.h"

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>

struct door_budget;
struct door_ioc_create;
struct door_ioc_info;
struct door_ioc_param;

/**
 * struct door - a procedure that can be called
 * @ref: one for all @users together, one for each bound thread and pending call
 * @users: one for each open file, name and invocation: who can still have it called,
 *	or has
 * @proc: the owner; a user of it (immutable)
 * @payer: who pays for it, referenced (immutable)
 * @link: in proc->doors (proc->lock)
 * @id: unique (immutable)
 * @procedure: for the owner (immutable)
 * @cookie: for the owner (immutable)
 * @attributes: DOOR_ATTR_* given at creation (@lock; UNREF is cleared when used)
 * @revoked: takes no more calls; never becomes false again
 * @polled: those who wait for that in poll(); set before it is woken
 * @pool: the threads that serve it (immutable)
 * @private: the pool of a private door
 * @lock: guards changes of what follows and of the attributes
 * @data_min: least argument size
 * @data_max: largest argument size
 * @large: the owner has set that, so it takes more than others
 * @desc_max: most descriptors
 * @tracked: wants to be told when it is unreferenced (immutable)
 * @clients: open files made for others
 * @active: invocations running or, notices, waiting; if @tracked
 * @unref_owed: @clients has become 0 since the owner was last told so
 * @unref: the notice, without a client (pool->lock)
 * @names: files it is attached to (name_lock)
 * @n_names: how many (name_lock)
 */
struct door {
	struct kref ref;
	struct kref users;
	struct door_proc *proc;
	struct door_budget *payer;
	struct list_head link;
	u64 id;
	u64 procedure;
	u64 cookie;
	u32 attributes;
	bool revoked;
	wait_queue_head_t polled;
	struct door_pool *pool;
	struct door_pool private;
	spinlock_t lock;	/* the fields below */
	u64 data_min;
	u64 data_max;
	bool large;
	u32 desc_max;
	bool tracked;
	unsigned long clients;
	unsigned long active;
	bool unref_owed;
	struct door_invocation unref;
	struct list_head names;
	unsigned int n_names;
};

struct door *door_make(const struct door_ioc_create *ioc);
void door_use(struct door *door);
void door_unuse(struct door *door);
void door_get(struct door *door);
void door_put(struct door *door);
struct door *door_find(struct door_proc *proc, u64 id);
u32 door_attributes(const struct door *door);
void door_info(struct door *door, struct door_ioc_info *ioc);
int door_getparam(struct door *door, struct door_ioc_param *ioc);
int door_setparam(struct door *door, const struct door_ioc_param *ioc);

#endif /* _DOOR_DOOR_H */
