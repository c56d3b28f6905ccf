// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bugs on purpose: proves that the test machine notices them. The parameter
 * "bug" chooses one; it strikes while the module is loaded.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>

static char *bug = "none";
module_param(bug, charp, 0444);
MODULE_PARM_DESC(bug, "none, uaf, overflow, locks, atomic, rcu, leak, warn, refcount, list, shift, oops, busy or hang");

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(two);
static DEFINE_SPINLOCK(spin);
static LIST_HEAD(list);

struct item {
	struct list_head entry;
	int value;
};

static void use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	pr_info("splat: %d\n", READ_ONCE(p[8]));
}

static void overflow(void)
{
	char *p = kmalloc(40, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(p[40], 1);
	kfree(p);
}

static void invert_locks(void)
{
	mutex_lock(&one);
	mutex_lock(&two);
	mutex_unlock(&two);
	mutex_unlock(&one);

	mutex_lock(&two);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&two);
}

static void sleep_under_spinlock(void)
{
	spin_lock(&spin);
	msleep(20);
	spin_unlock(&spin);
}

static void walk_without_rcu(void)
{
	struct item *i;

	list_for_each_entry_rcu(i, &list, entry)
		pr_info("splat: %d\n", i->value);
}

/* Several: a stale word on some stack may still point to the last one. */
static void leak(void)
{
	int i;

	for (i = 0; i < 8; i++) {
		char *p = kmalloc(96, GFP_KERNEL);

		OPTIMIZER_HIDE_VAR(p);
		p[0] = 1;
	}
}

static void resurrect(void)
{
	refcount_t r = REFCOUNT_INIT(1);

	if (refcount_dec_and_test(&r))
		refcount_inc(&r);
}

static void delete_twice(void)
{
	static struct item i;

	list_add(&i.entry, &list);
	list_del(&i.entry);
	list_del(&i.entry);
}

static void shift_too_far(void)
{
	int by = 40;

	OPTIMIZER_HIDE_VAR(by);
	pr_info("splat: %d\n", 1 << by);
}

static void write_to_null(void)
{
	int *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	WRITE_ONCE(*p, 1);
}

/* Never comes back: the host's time limit has to end it. */
static void hang(void)
{
	for (;;)
		msleep(1000);
}

static const struct {
	const char *name;
	void (*strike)(void);
} bugs[] = {
	{ "uaf", use_after_free },
	{ "overflow", overflow },
	{ "locks", invert_locks },
	{ "atomic", sleep_under_spinlock },
	{ "rcu", walk_without_rcu },
	{ "leak", leak },
	{ "refcount", resurrect },
	{ "list", delete_twice },
	{ "shift", shift_too_far },
	{ "oops", write_to_null },
	{ "hang", hang },
};

static int __init splat_init(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (!strcmp(bug, bugs[i].name))
			bugs[i].strike();
	WARN_ON(!strcmp(bug, "warn"));
	if (!strcmp(bug, "busy"))
		__module_get(THIS_MODULE);
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Bugs on purpose, for the test machine's own test");
