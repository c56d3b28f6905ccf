// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lanes: queues of bytes with one writer and one reader each. Entered with the
 * lock of the side concerned held; nothing here sleeps for the other side, wakes
 * anybody or knows what a socket is.
 *
 * A lane is a chain of ring segments, each a power of two in size, none larger than
 * the allocator has at hand. Idle and small talk need one. When the last is full the
 * writer chains another behind it; the reader takes out those that it has emptied.
 * Positions are free-running.
 *
 *   writer (send lock of one end)        reader (receive lock of the other)
 *   make room for a write
 *   copy its bytes into the segments     h = load-acquire head
 *   store-release head                   copy bytes out of [tail, h)
 *                                        store-release tail
 *   load-acquire tail                    (room again)
 *
 * One write is published by one store of head: whole, or not at all.
 */
#include "lane.h"
#include "budget.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uio.h>

/*
 * Bytes are copied with _copy_{from,to}_iter(): that the room lies inside the
 * segment's page follows from its size, as for the page variants, which take a
 * large page apart.
 */
#define SEG_MAX	(PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/**
 * struct door_seg - a ring of bytes
 * @next: its successor (written once by the writer, release)
 * @start: position of its first byte (immutable)
 * @end: position after its last byte; valid once @next is set (immutable then)
 * @size: bytes of room, a power of two of whole pages (immutable)
 * @page: the room, one compound page (immutable)
 */
struct door_seg {
	struct door_seg *next;
	u64 start;
	u64 end;
	u32 size;
	struct page *page;
};

/* Room of *@order or less, if memory is in pieces or the budget is short. */
static struct page *alloc_room(struct door_lane *lane, unsigned int *order, gfp_t gfp)
{
	struct page *page;

	gfp |= __GFP_ACCOUNT | __GFP_COMP | __GFP_NOWARN;
	for (;; --*order) {
		if (door_charge(lane->budget, LANES, PAGE_SIZE << *order)) {
			page = alloc_pages(*order ? gfp | __GFP_NORETRY : gfp, *order);
			if (page)
				return page;
			door_uncharge(lane->budget, LANES, PAGE_SIZE << *order);
		}
		if (!*order)
			return NULL;
	}
}

static void init_seg(struct door_seg *seg, u64 start)
{
	seg->next = NULL;
	seg->start = start;
	seg->end = 0;
}

/* A segment of @size bytes, or of less. */
static struct door_seg *create_seg(struct door_lane *lane, u64 start, size_t size,
				   gfp_t gfp)
{
	struct door_seg *seg = kmalloc(sizeof(*seg), gfp | __GFP_ACCOUNT);
	unsigned int order = get_order(size);

	if (!seg)
		return NULL;
	seg->page = alloc_room(lane, &order, gfp);
	if (!seg->page) {
		kfree(seg);
		return NULL;
	}
	init_seg(seg, start);
	seg->size = PAGE_SIZE << order;
	return seg;
}

static void destroy_seg(struct door_lane *lane, struct door_seg *seg)
{
	door_uncharge(lane->budget, LANES, seg->size);
	__free_pages(seg->page, get_order(seg->size));
	kfree(seg);
}

/*
 * What the reader has emptied, for the writer: most kernels clear pages that they
 * give out, which costs more than the copy. Until the trimming worker comes by.
 */
static void retire_seg(struct door_lane *lane, struct door_seg *seg)
{
	if (seg->size < SEG_MAX) {
		destroy_seg(lane, seg);
		return;
	}
	spin_lock(&lane->lock);
	seg->next = lane->spare;
	WRITE_ONCE(lane->spare, seg);
	spin_unlock(&lane->lock);
}

/* A segment that was used before, or a new one. */
static struct door_seg *get_seg(struct door_lane *lane, u64 start, size_t size,
				gfp_t gfp)
{
	struct door_seg *seg;

	spin_lock(&lane->lock);
	seg = lane->spare;
	if (seg)
		WRITE_ONCE(lane->spare, seg->next);
	spin_unlock(&lane->lock);
	if (!seg)
		return create_seg(lane, start, size, gfp);
	init_seg(seg, start);
	return seg;
}

/* Up to a thousand of them, if memory was in pieces: no spin lock is held. */
static void destroy_chain(struct door_lane *lane, struct door_seg *seg)
{
	struct door_seg *next;

	might_sleep();
	for (; seg; seg = next) {
		next = seg->next;
		destroy_seg(lane, seg);
		cond_resched();
	}
}

/**
 * door_lane_init - make a lane of zeroed memory
 * @lane: the lane; it stands at an open turn
 * @budget: of the writer's user, who pays for its room
 */
void door_lane_init(struct door_lane *lane, struct door_budget *budget)
{
	door_budget_hold(budget);
	lane->budget = budget;
	spin_lock_init(&lane->lock);
	lane->first = &lane->born;
	lane->last = &lane->born;
	lane->turns = 1;
	lane->detour = BIT(DOOR_DETOUR_TURN);
	lane->limit = SEG_MAX;
}

/**
 * door_lane_clear - free the room of a lane that nobody uses any more
 * @lane: the lane
 */
void door_lane_clear(struct door_lane *lane)
{
	destroy_chain(lane, lane->rseg);
	destroy_chain(lane, lane->spare);
	door_budget_put(lane->budget);
}

/* Bytes that fit into @seg from @pos on; where it ends is settled if it has a next. */
static u64 seg_room(const struct door_seg *seg, u64 pos, u64 tail)
{
	if (seg->next)
		return seg->end - pos;
	return seg->size - (pos - max(tail, seg->start));
}

static size_t seg_size(size_t len)
{
	return roundup_pow_of_two(clamp_t(size_t, len, PAGE_SIZE, SEG_MAX));
}

/* Room up to @end, of which there is none from @pos on, behind @seg or anywhere. */
static int make_room(struct door_lane *lane, u64 tail, u64 end, gfp_t gfp)
{
	struct door_seg *seg = lane->wseg, *more;
	u64 pos = lane->head;
	size_t size;

	if (!seg) {
		seg = get_seg(lane, pos, seg_size(end - pos), gfp);
		if (!seg)
			return -ENOMEM;
		lane->rseg = seg;
		WRITE_ONCE(lane->wseg, seg);
	}
	for (;; seg = seg->next) {
		pos += seg_room(seg, pos, tail);
		if (pos >= end)
			return 0;
		if (seg->next)
			continue;
		size = max_t(size_t, seg_size(end - pos), seg->size * 2);
		more = get_seg(lane, pos, min(size, SEG_MAX), gfp);
		if (!more)
			return -ENOMEM;
		seg->end = pos;
		/* The reader that sees @next sees @end and the new segment. */
		smp_store_release(&seg->next, more);
	}
}

/**
 * door_lane_reserve - make room for a write (writer)
 * @lane: the lane
 * @len: its bytes
 * @gfp: how to get memory
 *
 * What is made stays, used or not, for the next write.
 *
 * Return: 0 or -ENOMEM: there is no memory, or the writer's user may have no more.
 */
int door_lane_reserve(struct door_lane *lane, size_t len, gfp_t gfp)
{
	u64 tail = door_lane_tail(lane), pos = lane->head;
	const struct door_seg *seg = lane->wseg;

	if (likely(seg && seg_room(seg, pos, tail) >= len))
		return 0;
	return make_room(lane, tail, pos + len, gfp);
}

/* Copies into the room that there is; returns how much could be read. */
static size_t copy_in(struct door_lane *lane, struct iov_iter *from, size_t len,
		      struct door_seg *seg, u64 tail)
{
	u64 pos = lane->head;
	size_t done = 0, off, n, got;

	/* Mostly it fits in one piece. */
	off = (pos - seg->start) & (seg->size - 1);
	if (likely(len <= seg->size - off && !seg->next))
		return _copy_from_iter(page_address(seg->page) + off, len, from);
	while (done < len) {
		n = min_t(u64, len - done, seg_room(seg, pos, tail));
		if (!n) {
			seg = seg->next;
			continue;
		}
		off = (pos - seg->start) & (seg->size - 1);
		n = min(n, seg->size - off);
		got = _copy_from_iter(page_address(seg->page) + off, n, from);
		pos += got;
		done += got;
		if (got < n)
			break;
	}
	WRITE_ONCE(lane->wseg, seg);
	return done;
}

/**
 * door_lane_put - copy a write into a lane and publish it (writer)
 * @lane: the lane
 * @from: where it comes from; advanced by what was taken
 * @len: its bytes
 * @whole: nothing is taken unless all of it can be read
 * @gfp: how to get memory
 *
 * May fault, and sleep for memory. No open turn may be last.
 *
 * Return: the number of bytes, -EFAULT, or -ENOMEM as door_lane_reserve().
 */
ssize_t door_lane_put(struct door_lane *lane, struct iov_iter *from, size_t len,
		      bool whole, gfp_t gfp)
{
	u64 tail = door_lane_tail(lane), head = lane->head;
	struct door_seg *seg = lane->wseg;
	size_t done;

	if (unlikely(!seg || seg_room(seg, head, tail) < len)) {
		if (make_room(lane, tail, head + len, gfp))
			return -ENOMEM;
		seg = lane->wseg;
	}
	done = copy_in(lane, from, len, seg, tail);
	if (unlikely(done < len) && (whole || !done)) {
		iov_iter_revert(from, done);
		WRITE_ONCE(lane->wseg, seg);
		return -EFAULT;
	}
	/* The bytes before the head that says that they are there. */
	smp_store_release(&lane->head, head + done);
	return done;
}

/**
 * door_lane_leave - the last reader goes (reader)
 * @lane: the lane; nobody takes or peeks at its bytes after this
 *
 * Return: whether bytes are left unread.
 */
bool door_lane_leave(struct door_lane *lane)
{
	/* How far was read before the word that it is final. */
	smp_mb__before_atomic();
	set_bit(DOOR_DETOUR_GONE, &lane->detour);
	/*
	 * writer: head = ...; mb; looks whether the reader is gone
	 * reader: gone;       mb; looks at head
	 * One of the two notices: taken_back() in send.c is the other half.
	 */
	smp_mb__after_atomic();
	if (!door_lane_used(lane))
		return false;
	set_bit(DOOR_DETOUR_LOST, &lane->detour);
	return true;
}

/**
 * door_lane_tidy - free the room that the writer has not used again
 * @lane: the lane
 *
 * For anybody who may sleep.
 */
void door_lane_tidy(struct door_lane *lane)
{
	struct door_seg *spare;

	if (!READ_ONCE(lane->spare))
		return;
	spin_lock(&lane->lock);
	spare = lane->spare;
	WRITE_ONCE(lane->spare, NULL);
	spin_unlock(&lane->lock);
	destroy_chain(lane, spare);
}

/**
 * door_lane_trim - free the room of a lane that is empty or left (writer)
 * @lane: the lane; nothing happens if bytes lie in it for a reader
 *
 * May sleep. A reader goes into a segment only for bytes between its tail and
 * the head, and publishes the tail as the last thing it does there. The head stays
 * where it is while the caller is the writer, and neither ever moves back: in an
 * empty lane, the reader is in no segment and comes to none. In one that is left,
 * there is no reader: it is left under the receive lock, by the last one. Modelled
 * in Documentation/models/leave.pml.
 */
void door_lane_trim(struct door_lane *lane)
{
	if (!lane->wseg || (door_lane_used(lane) && !door_lane_is_left(lane)))
		return;
	destroy_chain(lane, lane->rseg);
	lane->rseg = NULL;
	WRITE_ONCE(lane->wseg, NULL);
}

/*
 * Copy [pos, end) to @to, or as much of it as is wanted and can be; NULL copies
 * nothing and succeeds. @take frees what was copied.
 */
static __always_inline ssize_t copy_out(struct door_lane *lane, struct iov_iter *to,
					size_t len, u64 pos, u64 end, bool take)
{
	struct door_seg *seg;
	size_t done = 0;

	if (pos >= end)
		return 0;
	/* Ours while there are bytes: see door_lane_trim(). */
	seg = lane->rseg;
	len = min_t(u64, len, end - pos);
	while (done < len) {
		/* Pairs with the release in door_lane_reserve(): @end is set. */
		struct door_seg *next = smp_load_acquire(&seg->next);
		size_t off = (pos - seg->start) & (seg->size - 1);
		size_t n = min_t(size_t, len - done, seg->size - off);
		size_t got;

		if (next && pos >= seg->end) {
			if (take) {
				lane->rseg = next;
				retire_seg(lane, seg);
			}
			seg = next;
			continue;
		}
		if (next)
			n = min_t(u64, n, seg->end - pos);
		got = n;
		if (to)
			got = _copy_to_iter(page_address(seg->page) + off, n, to);
		pos += got;
		done += got;
		if (take) {
			/* The bytes are out before they may be overwritten. */
			smp_store_release(&lane->tail, pos);
		}
		if (got < n)
			return done ? done : -EFAULT;
	}
	return done;
}

/**
 * door_lane_take - copy bytes out of a lane and free their room (reader)
 * @lane: the lane
 * @to: where they go; advanced by what was copied; NULL discards them
 * @len: how many at most
 *
 * Stops at a turn. May fault.
 *
 * Return: the number of bytes, 0 if there are none before the next turn, or
 * -EFAULT.
 */
ssize_t door_lane_take(struct door_lane *lane, struct iov_iter *to, size_t len)
{
	u64 end = door_lane_head(lane);

	/* Turns before @end were stored before @end was. */
	end = min(end, READ_ONCE(lane->turn_at));
	return copy_out(lane, to, len, lane->tail, end, true);
}

/**
 * door_lane_peek - copy bytes out of a lane and leave them there (reader)
 * @lane: the lane
 * @to: where they go; advanced by what was copied; NULL just counts
 * @len: how many at most
 * @skip: how many to pass over first
 * @ahead: how many lie ahead, with no turn among them: door_turn_ahead()
 *
 * May fault.
 *
 * Return: as door_lane_take().
 */
ssize_t door_lane_peek(struct door_lane *lane, struct iov_iter *to, size_t len,
		       u64 skip, u64 ahead)
{
	u64 pos = lane->tail;

	return copy_out(lane, to, len, pos + skip, pos + ahead, false);
}
