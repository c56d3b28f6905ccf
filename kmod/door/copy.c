// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy: moves the bytes of a call from one address space to another. Small ones
 * pass through kernel memory; of large ones the sender pins its pages and the
 * receiver copies from them, so that each byte is copied once and nothing is
 * allocated but the list of pages. Entered by calls; no lock of its own.
 *
 * The receiver's memory may be anything, including memory whose page faults
 * never end. So a piece is copied with page faults off and, if that fails, the
 * page is brought in while nothing is held.
 */
#include "copy.h"
#include "budget.h"
#include "stats.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* How much of the destination is brought in at once. */
#define FAULT_IN_SIZE (64 * 1024UL)
/* Pages that are pinned in one go, which may be with interrupts off. */
#define PIN_BATCH 512U

/*
 * Measured in instructions of a whole call on 6.12: an argument in the window is
 * cheaper than a pinned one at every size the window has (at 16 KiB 11 000
 * against 14 900), for it is copied once either way. A result is copied twice
 * or pinned; the curves meet at 8 KiB (13 400 against 13 500).
 */
static unsigned int args_copy_max = DOOR_WINDOW_SIZE;
module_param(args_copy_max, uint, 0644);
MODULE_PARM_DESC(args_copy_max,
		 "arguments up to this size are copied, larger ones are pinned (bytes, at most 16384)");

static unsigned int results_copy_max = 8192;
module_param(results_copy_max, uint, 0644);
MODULE_PARM_DESC(results_copy_max,
		 "results up to this size are copied, larger ones are pinned (bytes, at most 16384)");

static unsigned int args_max = 2 << 20;
module_param(args_max, uint, 0644);
MODULE_PARM_DESC(args_max,
		 "largest argument of a door whose owner has not set DATA_MAX (bytes)");

static unsigned long transfer_max = 1UL << 30;
module_param(transfer_max, ulong, 0644);
MODULE_PARM_DESC(transfer_max,
		 "largest argument or result of one call (bytes, at most 2 GiB less a page)");

/** door_args_copy_max - Return: the largest argument that is not pinned. */
size_t door_args_copy_max(void)
{
	return min_t(size_t, READ_ONCE(args_copy_max), DOOR_WINDOW_SIZE);
}

/** door_results_copy_max - Return: the largest result that is not pinned. */
size_t door_results_copy_max(void)
{
	return min_t(size_t, READ_ONCE(results_copy_max), DOOR_WINDOW_SIZE);
}

/** door_args_max - Return: the largest argument that nobody has asked for. */
size_t door_args_max(void)
{
	return min_t(size_t, READ_ONCE(args_max), door_transfer_max());
}

/** door_transfer_max - Return: the largest size that a call may carry. */
size_t door_transfer_max(void)
{
	/* As for read(): whatever is allocated for it is not too large to ask for. */
	return min_t(size_t, READ_ONCE(transfer_max), MAX_RW_COUNT);
}

/* Return: 0, then all of it is pinned, or an error, then p->nr of it are. */
static int pin(struct door_pages *p, unsigned long start, unsigned int flags)
{
	unsigned int done, nr = p->nr;
	int got;

	for (done = 0; done < nr; done += got) {
		got = pin_user_pages_fast(start + done * PAGE_SIZE,
					  min(nr - done, PIN_BATCH), flags,
					  p->pages + done);
		if (got <= 0) {
			p->nr = done;
			return got ?: -EFAULT;
		}
		cond_resched();
	}
	return 0;
}

/* Who may lock memory without a limit may pin it. */
static bool charge_pins(struct door_pages *p)
{
	p->payer = door_pay(PINS, p->nr * PAGE_SIZE);
	return p->payer || capable(CAP_IPC_LOCK);
}

static struct door_pages *alloc_pages_of(unsigned int offset, size_t size)
{
	struct door_pages *p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);

	if (!p)
		return NULL;
	p->offset = offset;
	p->size = size;
	p->nr = DIV_ROUND_UP(offset + size, PAGE_SIZE);
	if (!charge_pins(p))
		goto free;
	p->pages = kvmalloc_array(p->nr, sizeof(*p->pages), GFP_KERNEL_ACCOUNT);
	if (p->pages)
		return p;
	door_repay(p->payer, PINS, p->nr * PAGE_SIZE);
free:
	kfree(p);
	return NULL;
}

/**
 * door_pages_pin - pin memory of the calling process for reading
 * @addr: user address
 * @size: number of bytes, not 0
 * @lasting: nobody knows for how long, so not where other uses would be kept up
 *
 * Return: the pages, -ENOMEM if there is none or the user has pinned too much; or
 * another error if this is no memory, or such as cannot be pinned.
 */
struct door_pages *door_pages_pin(u64 addr, size_t size, bool lasting)
{
	struct door_pages *p;
	unsigned int nr;
	int err;

	if (!access_ok(u64_to_user_ptr(addr), size))
		return ERR_PTR(-EFAULT);
	p = alloc_pages_of(offset_in_page(addr), size);
	if (!p)
		return ERR_PTR(-ENOMEM);
	nr = p->nr;
	err = pin(p, addr & PAGE_MASK, lasting ? FOLL_LONGTERM : 0);
	if (!err)
		return p;
	/* What has not been pinned is not paid for, and the rest goes below. */
	if (p->payer)
		door_uncharge(p->payer, PINS, (nr - p->nr) * PAGE_SIZE);
	door_pages_unpin(p);
	return ERR_PTR(err);
}

/**
 * door_pages_recall - take memory back from whoever copies it
 * @p: the pages or NULL; the copier's lock is held
 *
 * Return: what to give to door_pages_release() without the lock.
 */
struct door_pages door_pages_recall(struct door_pages *p)
{
	struct door_pages taken = {};

	if (p) {
		taken = *p;
		p->pages = NULL;
		p->nr = 0;
		p->payer = NULL;
	}
	return taken;
}

/**
 * door_pages_release - let go of what has been taken back
 * @taken: of door_pages_recall()
 */
void door_pages_release(struct door_pages *taken)
{
	if (!taken->pages)
		return;
	unpin_user_pages(taken->pages, taken->nr);
	kvfree(taken->pages);
	door_repay(taken->payer, PINS, taken->nr * PAGE_SIZE);
}

/**
 * door_pages_unpin - let go of pinned memory
 * @p: the pages or NULL
 */
void door_pages_unpin(struct door_pages *p)
{
	if (!p)
		return;
	door_pages_release(p);
	kfree(p);
}

/* Up to the end of one page, without faults. Return: bytes copied. */
static ssize_t copy_in_page(const struct door_pages *p, u64 dst)
{
	size_t from = p->offset + p->done;
	size_t in_page = offset_in_page(from);
	size_t len = min(p->size - p->done, PAGE_SIZE - in_page);
	char *kaddr = kmap_local_page(p->pages[from >> PAGE_SHIFT]);

	pagefault_disable();
	len -= __copy_to_user_inatomic(u64_to_user_ptr(dst + p->done),
				       kaddr + in_page, len);
	pagefault_enable();
	kunmap_local(kaddr);
	return len;
}

/* The same, unless they have been taken back: then -ECANCELED. */
static ssize_t copy_piece(struct door_pages *p, u64 dst, spinlock_t *lock)
{
	ssize_t copied = -ECANCELED;

	spin_lock(lock);
	if (p->pages) {
		copied = copy_in_page(p, dst);
		p->done += copied;
	}
	spin_unlock(lock);
	return copied;
}

/**
 * door_pages_to_user - copy pinned memory to the calling process
 * @p: the pages
 * @dst: user address
 * @lock: held around each piece; whoever has it may take the pages back
 *
 * Return: 0, -EFAULT, -EINTR (fatal signal), -ECANCELED (taken back when @p->done
 * bytes had been copied).
 */
int door_pages_to_user(struct door_pages *p, u64 dst, spinlock_t *lock)
{
	ssize_t n;
	size_t len;

	if (!access_ok(u64_to_user_ptr(dst), p->size))
		return -EFAULT;
	while (p->done < p->size) {
		n = copy_piece(p, dst, lock);
		if (n < 0)
			return n;
		cond_resched();
		if (n)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		len = min(p->size - p->done, FAULT_IN_SIZE);
		if (fault_in_writeable(u64_to_user_ptr(dst + p->done), len) == len)
			return -EFAULT;
	}
	door_stat_add(CALL_BYTES_COPIED, p->size);
	door_stat_add(CALL_BYTES_PINNED, p->size);
	return 0;
}
