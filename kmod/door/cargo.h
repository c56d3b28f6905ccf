/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CARGO_H
#define _DOOR_CARGO_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

struct door_budget;
struct door_descs;
struct door_ioc_call;
struct door_ioc_return;
struct door_pages;
struct door_window;

/**
 * struct door_cargo - what goes with a call in one direction
 * @size: bytes of data
 * @bounce: the data from @base on, in kernel memory, or NULL
 * @base: how much of it was copied before there was a @bounce
 * @pages: or the data, in its sender's pinned memory, or NULL
 * @descs: descriptors or NULL
 * @payer: who pays for @bounce, referenced; NULL: nobody, it is small
 * @kind: DOOR_HELD() that it is charged as
 *
 * Small arguments may be in none of these, but in the thread's window.
 */
struct door_cargo {
	size_t size;
	void *bounce;
	size_t base;
	struct door_pages *pages;
	struct door_descs *descs;
	struct door_budget *payer;
	int kind;
};

/**
 * door_cargo_is_held - is all the data in the kernel's hands
 * @c: the cargo
 */
static inline bool door_cargo_is_held(const struct door_cargo *c)
{
	return !c->size || c->bounce || c->pages;
}

void door_cargo_drop(struct door_cargo *c);

int door_args_gather(struct door_cargo *args, const struct door_ioc_call *ioc);
int door_args_copy(struct door_cargo *args, u64 addr);
int door_args_receive(const struct door_cargo *args, struct door_window *w,
		      spinlock_t *lock, struct door_ioc_return *ioc);

int door_results_fetch(struct door_cargo *res,
		       const struct door_ioc_return *ioc,
		       struct door_budget *payer);
int door_results_keep(struct door_cargo *rest, u64 addr,
		      struct door_budget *payer);
int door_results_collect(const struct door_cargo *res, spinlock_t *lock,
			 struct door_ioc_call *ioc);

#endif /* _DOOR_CARGO_H */
