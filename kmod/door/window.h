/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_WINDOW_H
#define _DOOR_WINDOW_H

#include <linux/list.h>
#include <linux/types.h>

struct door_budget;
struct file;
struct vm_area_struct;

/**
 * struct door_window - where a server thread receives arguments
 * @link: among the unused ones of the process
 * @payer: who pays for @kaddr, referenced (immutable)
 * @kaddr: kernel pages, DOOR_WINDOW_SIZE bytes
 * @uaddr: the same pages in the server; 0 until mapped
 * @big: anonymous memory of the server for what does not fit, or 0
 * @big_size: its length
 *
 * A window survives its thread, whose memory map it can no longer leave, and is
 * given to the next one. (owner thread)
 */
struct door_window {
	struct list_head link;
	struct door_budget *payer;
	void *kaddr;
	unsigned long uaddr;
	unsigned long big;
	size_t big_size;
};

struct door_window *door_window_make(void);
void door_window_free(struct door_window *w);
int door_window_map(struct door_window *w, struct file *file);
int door_window_mmap(struct door_window *w, struct vm_area_struct *vma);
u64 door_window_room(struct door_window *w, size_t size);
void door_window_trim(struct door_window *w);

#endif /* _DOOR_WINDOW_H */
