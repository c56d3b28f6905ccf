// SPDX-License-Identifier: GPL-2.0-only
/*
 * Window: memory in which a server thread receives arguments. Small ones go
 * into kernel pages that are mapped into the server, written by the client;
 * for the rest there is anonymous memory of the server, made when first needed
 * and written by the server thread itself. Entered by the owner thread only, so
 * there is no lock.
 */
#include "window.h"
#include "budget.h"
#include "copy.h"

#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>

/* What a thread keeps between calls, and the least that is made. */
#define BIG_KEPT (2UL << 20)

/**
 * door_window_make - allocate a window, not mapped yet
 *
 * Return: the window or NULL: no memory, or the user holds too much.
 */
struct door_window *door_window_make(void)
{
	struct door_window *w = kzalloc(sizeof(*w), GFP_KERNEL_ACCOUNT);

	if (!w)
		return NULL;
	w->payer = door_pay(WINDOWS, DOOR_WINDOW_SIZE);
	if (w->payer)
		w->kaddr = alloc_pages_exact(DOOR_WINDOW_SIZE,
					     GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!w->kaddr) {
		door_repay(w->payer, WINDOWS, DOOR_WINDOW_SIZE);
		kfree(w);
		return NULL;
	}
	INIT_LIST_HEAD(&w->link);
	return w;
}

/**
 * door_window_free - free a window whose process has gone
 * @w: the window or NULL
 *
 * Mappings that still exist hold pages of their own.
 */
void door_window_free(struct door_window *w)
{
	if (!w)
		return;
	free_pages_exact(w->kaddr, DOOR_WINDOW_SIZE);
	door_repay(w->payer, WINDOWS, DOOR_WINDOW_SIZE);
	kfree(w);
}

/**
 * door_window_map - map a window into the calling process
 * @w: the window
 * @file: its /dev/door, whose mmap comes to door_window_mmap()
 *
 * Return: 0 or an error of mmap().
 */
int door_window_map(struct door_window *w, struct file *file)
{
	unsigned long addr;

	addr = vm_mmap(file, 0, DOOR_WINDOW_SIZE, PROT_READ | PROT_WRITE,
		       MAP_SHARED, 0);
	if (IS_ERR_VALUE(addr))
		return addr;
	w->uaddr = addr;
	return 0;
}

/**
 * door_window_mmap - the inner half of door_window_map()
 * @w: the window
 * @vma: the new mapping
 *
 * Return: 0, or -ENODEV if this is not ours, or an error.
 */
int door_window_mmap(struct door_window *w, struct vm_area_struct *vma)
{
	unsigned long off;
	int err;

	if (w->uaddr || vma->vm_end - vma->vm_start != DOOR_WINDOW_SIZE)
		return -ENODEV;
	vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP);
	for (off = 0; off < DOOR_WINDOW_SIZE; off += PAGE_SIZE) {
		err = vm_insert_page(vma, vma->vm_start + off,
				     virt_to_page(w->kaddr + off));
		if (err)
			return err;
	}
	return 0;
}

static void free_big(struct door_window *w)
{
	if (w->big)
		vm_munmap(w->big, w->big_size);
	w->big = 0;
	w->big_size = 0;
}

/**
 * door_window_room - have memory for an argument of any size
 * @w: a window of the calling thread
 * @size: bytes
 *
 * Return: its user address, 0 if there is no room.
 */
u64 door_window_room(struct door_window *w, size_t size)
{
	unsigned long addr;

	if (size <= w->big_size)
		return w->big;
	free_big(w);
	size = max(PAGE_ALIGN(size), BIG_KEPT);
	addr = vm_mmap(NULL, 0, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, 0);
	if (IS_ERR_VALUE(addr))
		return 0;
	w->big = addr;
	w->big_size = size;
	return addr;
}

/**
 * door_window_trim - give back what an idle thread should not keep
 * @w: a window of the calling thread
 */
void door_window_trim(struct door_window *w)
{
	if (unlikely(w->big_size > BIG_KEPT))
		free_big(w);
}
