// SPDX-License-Identifier: GPL-2.0-only
/*
 * Splicing: receiving into a pipe. The bytes are received, in order, into pages of
 * our own, which the pipe gets. Entered with the pipe locked by whoever splices, so
 * that there is room for whatever is received.
 */
#include "splice.h"
#include "recv.h"

#include <linux/bvec.h>
#include <linux/gfp.h>
#include <linux/pipe_fs_i.h>
#include <linux/slab.h>
#include <linux/socket.h>
#include <linux/splice.h>
#include <linux/uio.h>
#include <net/sock.h>

/*
 * What is received at once: what a pipe holds unless it was made larger. Whoever waits
 * for data has as much in hand, and may be many.
 */
#define PARCEL_PAGES PIPE_DEF_BUFFERS

/**
 * struct parcel - pages on their way into a pipe
 * @nr: how many
 * @page: the pages
 * @partial: how much of each is filled
 * @room: the same pages, to be received into
 */
struct parcel {
	unsigned int nr;
	struct page *page[PARCEL_PAGES];
	struct partial_page partial[PARCEL_PAGES];
	struct bio_vec room[PARCEL_PAGES];
};

static void free_from(struct parcel *p, unsigned int n)
{
	while (p->nr > n)
		put_page(p->page[--p->nr]);
}

/* Room for @len bytes, or for less. Return: how much. */
static size_t fill_with_pages(struct parcel *p, size_t len)
{
	unsigned int want = DIV_ROUND_UP(len, PAGE_SIZE);
	struct page *page;

	while (p->nr < want) {
		page = alloc_page(GFP_KERNEL_ACCOUNT);
		if (!page)
			break;
		p->room[p->nr] = (struct bio_vec) {
			.bv_page = page,
			.bv_len = PAGE_SIZE,
		};
		p->page[p->nr++] = page;
	}
	return min(len, p->nr * PAGE_SIZE);
}

static void release_page(struct splice_pipe_desc *spd, unsigned int i)
{
	put_page(spd->pages[i]);
}

/* The first @n bytes of the parcel are filled; its pages are the pipe's then. */
static ssize_t put(struct parcel *p, struct pipe_inode_info *pipe, size_t n)
{
	struct splice_pipe_desc spd = {
		.pages = p->page,
		.partial = p->partial,
		.nr_pages_max = PARCEL_PAGES,
		.ops = &nosteal_pipe_buf_ops,
		.spd_release = release_page,
	};

	free_from(p, DIV_ROUND_UP(n, PAGE_SIZE));
	for (; n; n -= p->partial[spd.nr_pages++].len)
		p->partial[spd.nr_pages].len = min(n, PAGE_SIZE);
	p->nr = 0;
	return splice_to_pipe(pipe, &spd);
}

static ssize_t splice(struct parcel *p, struct socket *sock,
		      struct pipe_inode_info *pipe, size_t len, int flags)
{
	struct msghdr msg = {};
	ssize_t n;

	len = fill_with_pages(p, len);
	if (!len)
		return -ENOMEM;
	iov_iter_bvec(&msg.msg_iter, ITER_DEST, p->room, p->nr, len);
	n = door_recv_spliced(sock, &msg, len, flags);
	return n > 0 ? put(p, pipe, n) : n;
}

/**
 * door_splice_read - the splice_read operation of a marked socket
 * @sock: the socket
 * @pipe: the pipe, locked
 * @len: how many bytes at most
 * @flags: SPLICE_F_*
 *
 * SPLICE_F_NONBLOCK means not to wait for data for AF_UNIX; TCP waits all the same.
 *
 * Return: bytes, 0 at the end, or what the socket itself would return.
 */
ssize_t door_splice_read(struct socket *sock, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags)
{
	bool dont_wait = sock->file->f_flags & O_NONBLOCK ||
			 (flags & SPLICE_F_NONBLOCK && sock->ops->family == PF_UNIX);
	size_t slots = pipe->max_usage - min(pipe_occupancy(pipe->head, pipe->tail),
					     pipe->max_usage);
	struct parcel *p;
	ssize_t n;

	if (!slots)
		return -EAGAIN;
	p = kzalloc(sizeof(*p), GFP_KERNEL_ACCOUNT);
	if (!p)
		return -ENOMEM;
	n = splice(p, sock, pipe,
		   min(len, min_t(size_t, slots, PARCEL_PAGES) * PAGE_SIZE),
		   dont_wait ? MSG_DONTWAIT : 0);
	free_from(p, 0);
	kfree(p);
	return n;
}
