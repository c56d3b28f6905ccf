// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cargo: what a call carries, at its four ends: arguments as they leave the
 * client and reach the server thread, results as they leave the server thread
 * and reach the client. Each function runs in the process whose memory and
 * descriptors it touches. Entered by calls and server threads; no lock.
 */
#include "cargo.h"
#include "budget.h"
#include "copy.h"
#include "desc.h"
#include "stats.h"
#include "window.h"

#include <linux/err.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/**
 * door_cargo_drop - let go of what has not been received
 * @c: the cargo; pages are not lent any more
 */
void door_cargo_drop(struct door_cargo *c)
{
	kvfree(c->bounce);
	__door_repay(c->payer, c->kind, c->size - c->base);
	door_pages_unpin(c->pages);
	door_descs_drop(c->descs);
	*c = (struct door_cargo) {};
}

/* From @base to @size. Return: 0, -ENOMEM or -EFAULT, then nothing has changed. */
static int copy_in(struct door_cargo *c, u64 addr, struct door_budget *payer,
		   int kind)
{
	size_t n = c->size - c->base;
	void *bounce;
	int err = -ENOMEM;

	if (payer && !__door_charge(payer, kind, n))
		return -ENOMEM;
	bounce = kvmalloc(n, GFP_KERNEL_ACCOUNT);
	if (!bounce)
		goto uncharge;
	err = -EFAULT;
	if (copy_from_user(bounce, u64_to_user_ptr(addr + c->base), n))
		goto free;
	c->bounce = bounce;
	c->kind = kind;
	c->payer = payer;
	if (payer)
		door_budget_hold(payer);
	return 0;

free:
	kvfree(bounce);
uncharge:
	if (payer)
		__door_uncharge(payer, kind, n);
	return err;
}

/**
 * door_args_copy - hold data of the calling client, who pays for it
 * @args: the arguments
 * @addr: user address
 *
 * Return: 0, -ENOMEM or -EFAULT.
 */
int door_args_copy(struct door_cargo *args, u64 addr)
{
	struct door_budget *payer = door_budget_get();
	int err;

	if (!payer)
		return -ENOMEM;
	err = copy_in(args, addr, payer, DOOR_HELD(ARGS));
	door_budget_put(payer);
	return err;
}

/* Or an error; no memory, in whatever sense, is one that pinning stops at. */
static int pin_data(struct door_cargo *c, u64 addr, bool lasting)
{
	struct door_pages *pages = door_pages_pin(addr, c->size, lasting);

	if (IS_ERR(pages))
		return PTR_ERR(pages);
	c->pages = pages;
	return 0;
}

static int gather_data(struct door_cargo *args, const struct door_ioc_call *ioc)
{
	int err;

	args->size = ioc->data_size;
	if (args->size > door_args_copy_max()) {
		err = pin_data(args, ioc->data_ptr, true);
		/* It may be memory that can be read all the same. */
		if (!err || err == -ENOMEM)
			return err;
		return door_args_copy(args, ioc->data_ptr);
	}
	if (args->size && ioc->desc_num)
		return door_args_copy(args, ioc->data_ptr);
	return 0;
}

/**
 * door_args_gather - hold what a thread's window does not take
 * @args: receives it; small data without descriptors stays where it is
 * @ioc: the call
 *
 * Descriptors to be released are closed last of all, so that no later look at the
 * caller's memory can fail.
 *
 * Return: 0 or an error, then nothing is held.
 */
int door_args_gather(struct door_cargo *args, const struct door_ioc_call *ioc)
{
	int err = gather_data(args, ioc);

	if (err || !ioc->desc_num)
		return err;
	args->descs = door_descs_take(ioc->desc_ptr, ioc->desc_num);
	if (IS_ERR(args->descs)) {
		err = PTR_ERR(args->descs);
		args->descs = NULL;
		door_cargo_drop(args);
		return err;
	}
	door_descs_release(args->descs);
	return 0;
}

static int receive_descs(const struct door_cargo *args, struct door_window *w,
			 u64 room, struct door_ioc_return *ioc)
{
	size_t at = ALIGN(args->size, sizeof(u64));
	size_t len = args->descs->nr * sizeof(struct door_ioc_desc);
	int err;

	if (room != w->uaddr)
		ioc->arg_desc_ptr = room + at;
	else if (at + len <= DOOR_WINDOW_SIZE)
		ioc->arg_desc_ptr = w->uaddr + at;
	else
		ioc->arg_desc_ptr = door_window_room(w, len);
	if (!ioc->arg_desc_ptr)
		return -E2BIG;
	err = door_descs_install(args->descs, ioc->arg_desc_ptr);
	if (err)
		return err == -EFAULT ? -E2BIG : err;
	ioc->arg_desc_num = args->descs->nr;
	return 0;
}

/* Return: 0 or an error. */
static int copy_out(const struct door_cargo *c, u64 buf, size_t from)
{
	size_t n = c->size - from;

	if (copy_to_user(u64_to_user_ptr(buf + from),
			 c->bounce + (from - c->base), n))
		return -EFAULT;
	door_stat_add(CALL_BYTES_COPIED, n);
	return 0;
}

static u64 receive_large(const struct door_cargo *args, struct door_window *w,
			 spinlock_t *lock)
{
	size_t descs = args->descs ? args->descs->nr : 0;
	u64 room;
	int err;

	room = door_window_room(w, ALIGN(args->size, sizeof(u64)) +
				   descs * sizeof(struct door_ioc_desc));
	if (!room)
		return 0;
	if (args->pages)
		err = door_pages_to_user(args->pages, room, lock);
	else
		err = copy_out(args, room, 0);
	return err ? 0 : room;
}

/* Return: where it is, 0 if there is no room. */
static u64 receive_data(const struct door_cargo *args, struct door_window *w,
			spinlock_t *lock)
{
	if (likely(!args->pages && !args->bounce))
		return w->uaddr;
	if (args->pages || args->size > DOOR_WINDOW_SIZE)
		return receive_large(args, w, lock);
	memcpy(w->kaddr, args->bounce, args->size);
	return w->uaddr;
}

/**
 * door_args_receive - bring arguments into the calling server thread
 * @args: the arguments; what they hold is for the caller to drop
 * @w: the thread's window, with the data in it if it is not held
 * @lock: with it, the client may take its pages back
 * @ioc: receives where things are
 *
 * Return: 0, or the error that the client is to get.
 */
int door_args_receive(const struct door_cargo *args, struct door_window *w,
		      spinlock_t *lock, struct door_ioc_return *ioc)
{
	u64 room = receive_data(args, w, lock);
	int err = room ? 0 : -E2BIG;

	ioc->arg_desc_ptr = 0;
	ioc->arg_desc_num = 0;
	if (!err && unlikely(args->descs))
		err = receive_descs(args, w, room, ioc);
	ioc->arg_size = args->size;
	ioc->arg_ptr = args->size ? room : 0;
	return err;
}

static int fetch_data(struct door_cargo *res, u64 addr,
		      struct door_budget *payer)
{
	int err;

	if (!res->size)
		return 0;
	if (res->size > door_transfer_max())
		return -E2BIG;
	if (res->size > door_results_copy_max()) {
		err = pin_data(res, addr, false);
		if (!err || err == -ENOMEM)
			return err;
		if (!payer)
			return -ENOMEM;
	} else {
		payer = NULL;
	}
	err = copy_in(res, addr, payer, DOOR_HELD(RESULTS));
	if (!err)
		door_stat_add(CALL_BYTES_COPIED, res->size);
	return err;
}

/**
 * door_results_fetch - read the calling server thread's answer
 * @res: receives it
 * @ioc: the answer
 * @payer: who pays for what is large and cannot be pinned
 *
 * Return: 0 or an error; the caller drops @res either way.
 */
int door_results_fetch(struct door_cargo *res,
		       const struct door_ioc_return *ioc,
		       struct door_budget *payer)
{
	int err;

	if (ioc->desc_num > DOOR_DESC_MAX)
		return -E2BIG;
	res->size = ioc->data_size;
	err = fetch_data(res, ioc->data_ptr, payer);
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
 * door_results_keep - copy what a client has not fetched of lent memory
 * @rest: @base and @size say what that is
 * @addr: user address of all of it, in the calling server thread
 * @payer: the client's budget
 *
 * Return: 0, -ENOMEM if there is none or the client's user has too much of it already,
 * -EFAULT.
 */
int door_results_keep(struct door_cargo *rest, u64 addr,
		      struct door_budget *payer)
{
	return copy_in(rest, addr, payer, DOOR_HELD(RESULTS));
}

/*
 * The thread may take its pages back, having put what is missing into the bounce
 * buffer, under the lock. Return: -ECANCELED if it has not done the latter.
 */
static int copy_data(const struct door_cargo *res, spinlock_t *lock, u64 buf)
{
	size_t done = 0;
	int err;

	if (res->pages) {
		err = door_pages_to_user(res->pages, buf, lock);
		if (err != -ECANCELED || !res->bounce)
			return err;
		done = res->pages->done;
	}
	return done < res->size ? copy_out(res, buf, done) : 0;
}

/**
 * door_results_collect - bring results into the calling client
 * @res: the results
 * @lock: with it, the server thread may take its pages back
 * @ioc: where they go, and where they are; a new mapping if they do not fit
 *
 * Return: 0 or an error, then @ioc is unchanged; -ECANCELED if the thread has taken its
 * pages back and kept nothing.
 */
int door_results_collect(const struct door_cargo *res, spinlock_t *lock,
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
