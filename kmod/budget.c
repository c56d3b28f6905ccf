// SPDX-License-Identifier: GPL-2.0-only
/*
 * Budget: what users may cause the module to hold, in bytes and in objects. Each
 * room charges what it makes to the user who causes it and gives it back when it
 * is freed; who may not charge waits, does without, or gets an error. This comes
 * on top of memory control groups, which see the same memory, and is there for
 * those who are in none. Entered from everywhere; lock: users_lock.
 *
 * A user is whom the machine knows: whatever ids somebody has in a user namespace
 * of his own making, he pays for them. The first bytes and objects of each user do
 * not depend on what others hold, so that nobody can use up everything for all.
 */
#include "budget.h"
#include "stats.h"

#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

enum budget_resource { BYTES, OBJECTS, N_RESOURCES };

/**
 * struct door_budget - one user
 * @node: in users (users_lock)
 * @uid: who it is (immutable)
 * @ref: one for each object that is charged to it or may be
 * @used: how much of each resource
 */
struct door_budget {
	struct hlist_node node;
	kuid_t uid;
	refcount_t ref;
	atomic_long_t used[N_RESOURCES];
};

static DEFINE_SPINLOCK(users_lock);	/* users */
static DEFINE_HASHTABLE(users, 6);

static atomic_long_t machine_used[N_RESOURCES];
static atomic_long_t held_now[DOOR_NL_A_HELD_MAX];

/* Whoever holds no more than this is not asked what the machine holds. */
static const long reserve[N_RESOURCES] = { 1L << 20, 256 };

static unsigned long user_bytes;
module_param(user_bytes, ulong, 0644);
MODULE_PARM_DESC(user_bytes,
		 "most memory that one user may cause to be held (bytes; by default a sixteenth of the machine's)");

static unsigned long machine_bytes;
module_param(machine_bytes, ulong, 0644);
MODULE_PARM_DESC(machine_bytes,
		 "most memory that all users together may (bytes; by default an eighth)");

static unsigned long user_objects = 1UL << 16;
module_param(user_objects, ulong, 0644);
MODULE_PARM_DESC(user_objects,
		 "most doors, server threads and names together of one user");

static unsigned long machine_objects = 1UL << 20;
module_param(machine_objects, ulong, 0644);
MODULE_PARM_DESC(machine_objects, "the same of all users together");

static enum budget_resource resource_of(int kind)
{
	return kind == DOOR_HELD(OBJECTS) ? OBJECTS : BYTES;
}

static long user_limit(const struct door_budget *b, enum budget_resource r)
{
	unsigned long limit;

	/* Who may change the limits is not stopped by them. */
	if (uid_eq(b->uid, GLOBAL_ROOT_UID))
		return LONG_MAX;
	limit = r == BYTES ? READ_ONCE(user_bytes) : READ_ONCE(user_objects);
	return min_t(unsigned long, limit, LONG_MAX);
}

static long machine_limit(enum budget_resource r)
{
	unsigned long limit = r == BYTES ? READ_ONCE(machine_bytes) :
					   READ_ONCE(machine_objects);

	return min_t(unsigned long, limit, LONG_MAX);
}

/*
 * Ids of a namespace that an ordinary user has made are his; those that root has
 * given out, to containers, say, are users of their own.
 */
static kuid_t payer(const struct cred *cred)
{
	struct user_namespace *ns = cred->user_ns;

	if (ns == &init_user_ns)
		return cred->uid;
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	return uid_eq(ns->owner, GLOBAL_ROOT_UID) ? cred->uid : ns->owner;
}

static struct door_budget *find_budget(kuid_t uid)
{
	struct door_budget *b;

	lockdep_assert_held(&users_lock);
	hash_for_each_possible(users, b, node, __kuid_val(uid))
		if (uid_eq(b->uid, uid))
			return b;
	return NULL;
}

/**
 * door_budget_of - the budget of a user
 * @cred: credentials of one of his tasks
 *
 * Return: the budget, for the caller to put, or NULL if there is no memory.
 */
struct door_budget *door_budget_of(const struct cred *cred)
{
	struct door_budget *b, *made = NULL;
	kuid_t uid = payer(cred);

	for (;;) {
		spin_lock(&users_lock);
		b = find_budget(uid);
		if (b) {
			refcount_inc(&b->ref);
		} else if (made) {
			hash_add(users, &made->node, __kuid_val(uid));
			b = made;
			made = NULL;
		}
		spin_unlock(&users_lock);
		if (b)
			break;
		made = kzalloc(sizeof(*made), GFP_KERNEL_ACCOUNT);
		if (!made)
			return NULL;
		made->uid = uid;
		refcount_set(&made->ref, 1);
	}
	kfree(made);
	return b;
}

/**
 * door_budget_get - the budget of the calling task's user
 *
 * Return: as door_budget_of().
 */
struct door_budget *door_budget_get(void)
{
	return door_budget_of(current_cred());
}

/**
 * door_budget_hold - take one more reference
 * @b: the budget; the caller has one
 */
void door_budget_hold(struct door_budget *b)
{
	refcount_inc(&b->ref);
}

/**
 * door_budget_put - drop a reference
 * @b: the budget or NULL; what was charged with that reference is given back
 */
void door_budget_put(struct door_budget *b)
{
	if (!b || refcount_dec_not_one(&b->ref))
		return;
	/* It may be found again until it is out of the table. */
	spin_lock(&users_lock);
	if (refcount_dec_and_test(&b->ref))
		hash_del(&b->node);
	else
		b = NULL;
	spin_unlock(&users_lock);
	kfree(b);
}

static bool take(atomic_long_t *used, long n, long limit)
{
	long now = atomic_long_add_return(n, used);

	if (likely(now <= limit))
		return true;
	atomic_long_sub(n, used);
	return false;
}

/**
 * __door_charge - let a user pay for something; use door_charge()
 * @b: the user's budget
 * @kind: DOOR_HELD()
 * @n: bytes, or objects
 *
 * Does not sleep. Several that come to a limit at once may all be refused, though
 * there was room for one.
 *
 * Return: false if that would be more than the user, or all of them, may hold;
 * this is counted, and nothing is charged.
 */
bool __door_charge(struct door_budget *b, int kind, size_t n)
{
	enum budget_resource r = resource_of(kind);
	long limit;

	if (n > LONG_MAX / 2 || !take(&b->used[r], n, user_limit(b, r)))
		goto refused;
	limit = atomic_long_read(&b->used[r]) <= reserve[r] ? LONG_MAX :
							      machine_limit(r);
	if (!take(&machine_used[r], n, limit)) {
		atomic_long_sub(n, &b->used[r]);
		goto refused;
	}
	atomic_long_add(n, &held_now[kind]);
	return true;

refused:
	door_stat_inc(LIMITS_REACHED);
	return false;
}

/**
 * __door_uncharge - give back what was charged; use door_uncharge()
 * @b: the user's budget
 * @kind: DOOR_HELD(), as charged
 * @n: as charged, or a part of it
 */
void __door_uncharge(struct door_budget *b, int kind, size_t n)
{
	enum budget_resource r = resource_of(kind);

	atomic_long_sub(n, &held_now[kind]);
	atomic_long_sub(n, &machine_used[r]);
	atomic_long_sub(n, &b->used[r]);
}

/**
 * __door_pay - let the calling task's user pay for something; use door_pay()
 * @kind: DOOR_HELD()
 * @n: bytes, or objects
 *
 * Return: who pays, for door_repay(); NULL if that would be too much, or without
 * memory.
 */
struct door_budget *__door_pay(int kind, size_t n)
{
	struct door_budget *b = door_budget_get();

	if (b && !__door_charge(b, kind, n)) {
		door_budget_put(b);
		b = NULL;
	}
	return b;
}

/**
 * __door_repay - undo door_pay(); use door_repay()
 * @b: who pays, or NULL
 * @kind: DOOR_HELD(), as paid
 * @n: as paid
 */
void __door_repay(struct door_budget *b, int kind, size_t n)
{
	if (!b)
		return;
	__door_uncharge(b, kind, n);
	door_budget_put(b);
}

/**
 * door_budget_held - what all users together hold, by kind
 * @held: receives it, indexed by DOOR_HELD()
 */
void door_budget_held(u64 held[DOOR_NL_A_HELD_MAX])
{
	int kind;

	for (kind = 0; kind < DOOR_NL_A_HELD_MAX; kind++)
		held[kind] = max(atomic_long_read(&held_now[kind]), 0L);
}

/** door_budget_init - set the limits that nobody has set */
void __init door_budget_init(void)
{
	unsigned long all = totalram_pages() << PAGE_SHIFT;

	user_bytes = user_bytes ?: all / 16;
	machine_bytes = machine_bytes ?: all / 8;
}

/** door_budget_exit - everything has been given back */
void door_budget_exit(void)
{
	/* A user who is still here was charged for something that was not freed. */
	WARN_ON_ONCE(!hash_empty(users));
}
