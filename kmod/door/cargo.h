/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CARGO_H
#define _DOOR_CARGO_H

#include "pool.h"

#include <linux/spinlock_types.h>
#include <linux/types.h>

struct door_ioc_call;
struct door_ioc_return;

/**
 * struct door_results - what a server thread answers
 * @size: bytes of data
 * @bounce: the data, in kernel memory, or NULL
 * @pages: or the data, in the thread's pinned memory, or NULL
 * @descs: descriptors or NULL
 */
struct door_results {
	size_t size;
	void *bounce;
	struct door_pages *pages;
	struct door_descs *descs;
};

int door_args_gather(const struct door_ioc_call *ioc,
		     struct door_invocation *inv);
void door_args_drop(struct door_invocation *inv);
int door_args_receive(const struct door_invocation *inv, struct door_window *w,
		      spinlock_t *lock, struct door_ioc_return *ioc);

int door_results_fetch_data(struct door_results *res, u64 addr, size_t size,
			    bool pin);
int door_results_fetch(struct door_results *res,
		       const struct door_ioc_return *ioc);
void door_results_drop(struct door_results *res);
int door_results_collect(const struct door_results *res, spinlock_t *lock,
			 struct door_ioc_call *ioc);

#endif /* _DOOR_CARGO_H */
