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
#include "stats.h"

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

/** door_transfer_max - Return: the largest size that a call may carry. */
size_t door_transfer_max(void)
{
	/* As for read(): whatever is allocated for it is not too large to ask for. */
	return min_t(size_t, READ_ONCE(transfer_max), MAX_RW_COUNT);
}

/**
 * door_pages_pin - pin memory of the calling process for reading
 * @addr: user address
 * @size: number of bytes, not 0
 *
 * Return: the pages, -EFAULT or -ENOMEM.
 */
struct door_pages *door_pages_pin(u64 addr, size_t size)
{
	unsigned long start = addr & PAGE_MASK;
	struct door_pages *p;
	unsigned int done;
	int got;

	if (!access_ok(u64_to_user_ptr(addr), size))
		return ERR_PTR(-EFAULT);
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->offset = offset_in_page(addr);
	p->size = size;
	p->nr = DIV_ROUND_UP(p->offset + size, PAGE_SIZE);
	p->pages = kvmalloc_array(p->nr, sizeof(*p->pages), GFP_KERNEL_ACCOUNT);
	if (!p->pages) {
		kfree(p);
		return ERR_PTR(-ENOMEM);
	}
	for (done = 0; done < p->nr; done += got) {
		got = pin_user_pages_fast(start + done * PAGE_SIZE,
					  min(p->nr - done, PIN_BATCH), 0,
					  p->pages + done);
		if (got <= 0)
			break;
		cond_resched();
	}
	if (done == p->nr)
		return p;
	p->nr = done;
	door_pages_unpin(p);
	return ERR_PTR(-EFAULT);
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
static ssize_t copy_in_page(const struct door_pages *p, size_t pos, u64 dst)
{
	size_t from = p->offset + pos;
	size_t in_page = offset_in_page(from);
	size_t len = min(p->size - pos, PAGE_SIZE - in_page);
	char *kaddr = kmap_local_page(p->pages[from >> PAGE_SHIFT]);

	pagefault_disable();
	len -= __copy_to_user_inatomic(u64_to_user_ptr(dst + pos),
				       kaddr + in_page, len);
	pagefault_enable();
	kunmap_local(kaddr);
	return len;
}

/* The same, unless they have been taken back: then -ECANCELED. */
static ssize_t copy_piece(const struct door_pages *p, size_t pos, u64 dst,
			  spinlock_t *lock)
{
	ssize_t copied = -ECANCELED;

	spin_lock(lock);
	if (p->pages)
		copied = copy_in_page(p, pos, dst);
	spin_unlock(lock);
	return copied;
}

/**
 * door_pages_to_user - copy pinned memory to the calling process
 * @p: the pages
 * @dst: user address
 * @lock: held around each piece; whoever has it may take the pages back
 *
 * Return: 0, -EFAULT, -EINTR (fatal signal), -ECANCELED (taken back).
 */
int door_pages_to_user(const struct door_pages *p, u64 dst, spinlock_t *lock)
{
	size_t pos = 0, len;
	ssize_t n;

	if (!access_ok(u64_to_user_ptr(dst), p->size))
		return -EFAULT;
	while (pos < p->size) {
		n = copy_piece(p, pos, dst, lock);
		if (n < 0)
			return n;
		pos += n;
		cond_resched();
		if (n)
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		len = min(p->size - pos, FAULT_IN_SIZE);
		if (fault_in_writeable(u64_to_user_ptr(dst + pos), len) == len)
			return -EFAULT;
	}
	door_stat_add(CALL_BYTES_COPIED, p->size);
	door_stat_add(CALL_BYTES_PINNED, p->size);
	return 0;
}
