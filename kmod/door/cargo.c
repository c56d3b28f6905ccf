// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cargo: what a call carries, at its four ends: arguments as they leave the
 * client and reach the server thread, results as they leave the server thread
 * and reach the client. Each function runs in the process whose memory and
 * descriptors it touches. Entered by calls and server threads; no lock.
 */
#include "cargo.h"
#include "copy.h"
#include "desc.h"
#include "stats.h"
#include "window.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/**
 * door_args_gather - pin and reference what the window does not take
 * @ioc: the call
 * @inv: receives pages, descriptors and the size
 *
 * Return: 0 or an error, then nothing is held.
 */
int door_args_gather(const struct door_ioc_call *ioc,
		     struct door_invocation *inv)
{
	inv->data_size = ioc->data_size;
	if (ioc->data_size > door_args_copy_max()) {
		inv->pages = door_pages_pin(ioc->data_ptr, ioc->data_size);
		if (IS_ERR(inv->pages))
			return PTR_ERR(inv->pages);
	}
	if (ioc->desc_num) {
		inv->descs = door_descs_take(ioc->desc_ptr, ioc->desc_num);
		if (IS_ERR(inv->descs)) {
			door_pages_unpin(inv->pages);
			return PTR_ERR(inv->descs);
		}
	}
	return 0;
}

/**
 * door_args_drop - let go of what has not been received
 * @inv: the invocation
 */
void door_args_drop(struct door_invocation *inv)
{
	door_pages_unpin(inv->pages);
	inv->pages = NULL;
	door_descs_drop(inv->descs);
	inv->descs = NULL;
}

static int receive_descs(const struct door_invocation *inv, struct door_window *w,
			 u64 room, struct door_ioc_return *ioc)
{
	size_t at = ALIGN(inv->data_size, sizeof(u64));
	size_t len = inv->descs->nr * sizeof(struct door_ioc_desc);
	int err;

	if (inv->pages)
		ioc->arg_desc_ptr = room + at;
	else if (at + len <= DOOR_WINDOW_SIZE)
		ioc->arg_desc_ptr = w->uaddr + at;
	else
		ioc->arg_desc_ptr = door_window_room(w, len);
	if (!ioc->arg_desc_ptr)
		return -E2BIG;
	err = door_descs_install(inv->descs, ioc->arg_desc_ptr);
	if (err)
		return err == -EFAULT ? -E2BIG : err;
	ioc->arg_desc_num = inv->descs->nr;
	return 0;
}

static u64 receive_pages(const struct door_invocation *inv,
			 struct door_window *w, spinlock_t *lock)
{
	size_t descs = inv->descs ? inv->descs->nr : 0;
	u64 room;

	room = door_window_room(w, ALIGN(inv->data_size, sizeof(u64)) +
				   descs * sizeof(struct door_ioc_desc));
	return room && !door_pages_to_user(inv->pages, room, lock) ? room : 0;
}

/**
 * door_args_receive - bring arguments into the calling server thread
 * @inv: the invocation; what it holds is for the caller to drop
 * @w: the thread's window, with the data in it if it was small
 * @lock: with it, the client may take its pages back
 * @ioc: receives where things are
 *
 * Return: 0, or the error that the client is to get.
 */
int door_args_receive(const struct door_invocation *inv, struct door_window *w,
		      spinlock_t *lock, struct door_ioc_return *ioc)
{
	u64 room = w->uaddr;
	int err = 0;

	ioc->arg_desc_ptr = 0;
	ioc->arg_desc_num = 0;
	if (unlikely(inv->pages)) {
		room = receive_pages(inv, w, lock);
		if (!room)
			err = -E2BIG;
	}
	if (!err && unlikely(inv->descs))
		err = receive_descs(inv, w, room, ioc);
	ioc->arg_size = inv->data_size;
	ioc->arg_ptr = inv->data_size ? room : 0;
	return err;
}

/**
 * door_results_fetch_data - read the data of the calling server thread's answer
 * @res: receives it
 * @addr: user address
 * @size: bytes
 * @pin: pin the pages, do not copy
 *
 * Return: 0 or an error; the caller drops @res either way.
 */
int door_results_fetch_data(struct door_results *res, u64 addr, size_t size,
			    bool pin)
{
	if (size > door_transfer_max())
		return -E2BIG;
	if (pin) {
		res->pages = door_pages_pin(addr, size);
		if (IS_ERR(res->pages)) {
			int err = PTR_ERR(res->pages);

			res->pages = NULL;
			return err;
		}
	} else if (size) {
		res->bounce = kvmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!res->bounce)
			return -ENOMEM;
		if (copy_from_user(res->bounce, u64_to_user_ptr(addr), size))
			return -EFAULT;
		door_stat_add(CALL_BYTES_COPIED, size);
	}
	res->size = size;
	return 0;
}

/**
 * door_results_fetch - read the calling server thread's answer
 * @res: receives it
 * @ioc: the answer
 *
 * Return: 0 or an error; the caller drops @res either way.
 */
int door_results_fetch(struct door_results *res,
		       const struct door_ioc_return *ioc)
{
	int err;

	if (ioc->desc_num > DOOR_DESC_MAX)
		return -E2BIG;
	err = door_results_fetch_data(res, ioc->data_ptr, ioc->data_size,
				      ioc->data_size > door_results_copy_max());
	if (err)
		return err;
	if (ioc->desc_num) {
		res->descs = door_descs_take(ioc->desc_ptr, ioc->desc_num);
		if (IS_ERR(res->descs)) {
			err = PTR_ERR(res->descs);
			res->descs = NULL;
		}
	}
	return err;
}

/**
 * door_results_drop - free results that nobody wants
 * @res: the results; pages are not lent any more
 */
void door_results_drop(struct door_results *res)
{
	kvfree(res->bounce);
	door_pages_unpin(res->pages);
	door_descs_drop(res->descs);
	*res = (struct door_results) {};
}

static int copy_data(const struct door_results *res, spinlock_t *lock, u64 buf)
{
	int err;

	if (res->pages) {
		err = door_pages_to_user(res->pages, buf, lock);
		return err == -ECANCELED ? -EINTR : err;
	}
	if (res->size) {
		if (copy_to_user(u64_to_user_ptr(buf), res->bounce, res->size))
			return -EFAULT;
		door_stat_add(CALL_BYTES_COPIED, res->size);
	}
	return 0;
}

/**
 * door_results_collect - bring results into the calling client
 * @res: the results
 * @lock: with it, the server thread may take its pages back
 * @ioc: where they go, and where they are; a new mapping if they do not fit
 *
 * Return: 0 or an error, then @ioc is unchanged.
 */
int door_results_collect(const struct door_results *res, spinlock_t *lock,
			 struct door_ioc_call *ioc)
{
	unsigned int nr = res->descs ? res->descs->nr : 0;
	u64 descs_at = nr ? roundup(res->size, sizeof(struct door_ioc_desc)) : 0;
	u64 need = nr ? descs_at + nr * sizeof(struct door_ioc_desc) : res->size;
	u64 buf = ioc->rbuf, mapped = 0;
	int err;

	if (need > ioc->rsize) {
		mapped = PAGE_ALIGN(need);
		buf = vm_mmap(NULL, 0, mapped, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, 0);
		if (IS_ERR_VALUE((unsigned long)buf))
			return -EOVERFLOW;
	}
	err = copy_data(res, lock, buf);
	if (!err && nr)
		err = door_descs_install(res->descs, buf + descs_at);
	if (err) {
		if (mapped)
			vm_munmap(buf, mapped);
		return err;
	}
	ioc->data_size = res->size;
	if (res->size)
		ioc->data_ptr = buf;
	ioc->desc_num = nr;
	if (nr)
		ioc->desc_ptr = buf + descs_at;
	if (mapped) {
		ioc->rbuf = buf;
		ioc->rsize = mapped;
	}
	return 0;
}
