/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_COPY_H
#define _DOOR_COPY_H

#include <linux/spinlock_types.h>
#include <linux/types.h>

struct door_budget;
struct page;

/* Room for small arguments and for the results that share their path. */
#define DOOR_WINDOW_SIZE 16384

/**
 * struct door_pages - somebody's memory, pinned until it has been copied
 * @pages: the pages; NULL if the owner has taken them back
 * @nr: how many
 * @offset: of the first byte in the first page
 * @size: number of bytes
 * @done: how many the copier has copied
 * @payer: who pays for the pins, referenced; NULL: nobody has to
 */
struct door_pages {
	struct page **pages;
	unsigned int nr;
	unsigned int offset;
	size_t size;
	size_t done;
	struct door_budget *payer;
};

struct door_pages *door_pages_pin(u64 addr, size_t size, bool lasting);
void door_pages_unpin(struct door_pages *p);
struct door_pages door_pages_recall(struct door_pages *p);
void door_pages_release(struct door_pages *taken);
int door_pages_to_user(struct door_pages *p, u64 dst, spinlock_t *lock);

size_t door_args_copy_max(void);
size_t door_results_copy_max(void);
size_t door_args_max(void);
size_t door_transfer_max(void);

#endif /* _DOOR_COPY_H */
