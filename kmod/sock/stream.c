// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams: two lanes of bytes between two joined sockets. The graft rooms
 * enter here with the lock of their side held; nothing here sleeps for the
 * other side, wakes anybody or knows what a socket is beyond holding it.
 *
 * A lane is a chain of ring segments, each a power of two in size. Almost
 * always there is exactly one. When it is full and the lane's limit allows, the
 * writer chains a larger one behind it and never looks back; the reader frees
 * the old one when it has emptied it. Positions are free-running.
 *
 *   writer (send lock of one end)        reader (receive lock of the other)
 *   copy bytes into the segment          h = load-acquire head
 *   store-release head                   copy bytes out of [tail, h)
 *                                        store-release tail
 *   load-acquire tail                    (room again)
 */
#include "stream.h"
#include "stats.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/sock.h>

/*
 * Bytes are copied with _copy_{from,to}_iter(): that the room lies inside the
 * segment's page follows from its size, as for the page variants, which take a
 * large page apart.
 */
#define SEG_FIT	(64 * 1024)	/* largest first guess from one write's size */

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

/* A segment of @size bytes, or of less if memory is in pieces. */
static struct door_seg *create_seg(u64 start, u32 size)
{
	struct door_seg *seg = kmalloc(sizeof(*seg), GFP_KERNEL_ACCOUNT);
	unsigned int order = get_order(size);
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_COMP | __GFP_NOWARN;

	if (!seg)
		return NULL;
	for (;;) {
		seg->page = alloc_pages(order ? gfp | __GFP_NORETRY : gfp, order);
		if (seg->page || !order)
			break;
		order--;
	}
	if (!seg->page) {
		kfree(seg);
		return NULL;
	}
	seg->next = NULL;
	seg->start = start;
	seg->end = 0;
	seg->size = PAGE_SIZE << order;
	return seg;
}

static void destroy_seg(struct door_seg *seg)
{
	__free_pages(seg->page, get_order(seg->size));
	kfree(seg);
}

static void init_lane(struct door_lane *lane)
{
	spin_lock_init(&lane->lock);
	lane->first = &lane->born;
	lane->last = &lane->born;
	lane->turns = 1;
	lane->turn_open = true;
	lane->limit = SEG_FIT;
}

static void destroy_chain(struct door_seg *seg)
{
	struct door_seg *next;

	for (; seg; seg = next) {
		next = seg->next;
		destroy_seg(seg);
	}
}

static void clear_lane(struct door_lane *lane)
{
	struct door_turn *turn = lane->first, *next_turn;

	for (; turn; turn = next_turn) {
		next_turn = turn->next;
		if (turn != &lane->born)
			kfree(turn);
	}
	destroy_chain(lane->rseg);
}

/**
 * door_stream_create - make the stream of two connected sockets
 * @a: end 0; a reference is taken
 * @b: end 1; a reference is taken
 *
 * Return: a stream with two references, one for each end, or NULL.
 */
struct door_stream *door_stream_create(struct sock *a, struct sock *b)
{
	struct door_stream *st = kzalloc(sizeof(*st), GFP_KERNEL_ACCOUNT);

	if (!st)
		return NULL;
	refcount_set(&st->refs, 2);
	sock_hold(a);
	sock_hold(b);
	st->sk[0] = a;
	st->sk[1] = b;
	init_lane(&st->lane[0]);
	init_lane(&st->lane[1]);
	return st;
}

/**
 * door_stream_free - free a stream that no end has got
 * @st: the stream
 */
void door_stream_free(struct door_stream *st)
{
	clear_lane(&st->lane[0]);
	clear_lane(&st->lane[1]);
	sock_put(st->sk[0]);
	sock_put(st->sk[1]);
	kfree(st);
}

/**
 * door_stream_put - drop one end's reference; the last one frees the stream
 * @st: the stream
 */
void door_stream_put(struct door_stream *st)
{
	if (!refcount_dec_and_test(&st->refs))
		return;
	door_stream_free(st);
	door_stat_inc(STREAMS_ENDED);
}

/* The writer's segment with room in it, or NULL with *@err set: 0 if full. */
static struct door_seg *seg_for_put(struct door_lane *lane, size_t len, u64 tail,
				    int *err)
{
	struct door_seg *seg = lane->wseg, *grown;
	u64 head = lane->head;
	u32 size;

	*err = 0;
	if (head - tail >= lane->limit)
		return NULL;
	if (seg && head - max(tail, seg->start) < seg->size)
		return seg;
	size = roundup_pow_of_two(clamp_t(size_t, len, PAGE_SIZE, SEG_FIT));
	if (seg)
		size = min_t(u64, max(size, seg->size * 2), DOOR_LANE_MAX);
	grown = create_seg(head, size);
	if (!grown) {
		/* What there is must do, so that "full" means the same to all. */
		if (seg)
			WRITE_ONCE(lane->limit, head - tail);
		else
			*err = -ENOMEM;
		return NULL;
	}
	if (seg) {
		seg->end = head;
		/* The reader that sees @next sees @end and the new segment. */
		smp_store_release(&seg->next, grown);
	} else {
		lane->rseg = grown;
	}
	lane->wseg = grown;
	return grown;
}

/**
 * door_lane_put - copy bytes into a lane and publish them (writer)
 * @lane: the lane
 * @from: where they come from; advanced by what was taken
 * @len: how many at most
 *
 * May fault and sleep for memory. No open turn may be last.
 *
 * Return: the number of bytes, 0 if the lane is full, -EFAULT, or -ENOMEM if
 * the lane has no room at all and none could be had.
 */
ssize_t door_lane_put(struct door_lane *lane, struct iov_iter *from, size_t len)
{
	size_t done = 0;
	int err = 0;

	while (done < len) {
		u64 head = lane->head;
		u64 tail = door_lane_tail(lane);
		struct door_seg *seg = seg_for_put(lane, len - done, tail, &err);
		size_t off, n, got;

		if (!seg)
			break;
		off = (head - seg->start) & (seg->size - 1);
		n = seg->size - (head - max(tail, seg->start));
		n = min3(n, seg->size - off, len - done);
		n = min_t(u64, n, lane->limit - (head - tail));
		got = _copy_from_iter(page_address(seg->page) + off, n, from);
		/* The bytes before the head that says that they are there. */
		smp_store_release(&lane->head, head + got);
		done += got;
		if (got < n) {
			err = -EFAULT;
			break;
		}
	}
	return done ? done : err;
}

/**
 * door_lane_unput - take back the last bytes put (writer)
 * @lane: a lane whose reader is gone
 * @len: how many at most; those that the reader has taken stay
 *
 * Return: how many; the caller reverts its iterator by as many.
 */
size_t door_lane_unput(struct door_lane *lane, size_t len)
{
	len = min_t(u64, len, door_lane_used(lane));
	/* Nobody reads it; released like every head. */
	smp_store_release(&lane->head, lane->head - len);
	return len;
}

/**
 * door_lane_trim - free the room of an empty lane (writer)
 * @lane: the lane; nothing happens if bytes lie in it
 *
 * Does not sleep. While the lane is empty the reader has no business in the
 * segment: it goes there only for bytes between its tail and the head, and
 * publishes the tail as the last thing it does there.
 */
void door_lane_trim(struct door_lane *lane)
{
	if (door_lane_used(lane) || !lane->wseg)
		return;
	destroy_chain(lane->rseg);
	lane->rseg = NULL;
	lane->wseg = NULL;
}

/*
 * Copy [pos, end) to @to, or as much of it as is wanted and can be; NULL copies
 * nothing and succeeds. @take frees what was copied.
 */
static ssize_t copy_out(struct door_lane *lane, struct iov_iter *to, size_t len,
			u64 pos, u64 end, bool take)
{
	struct door_seg *seg;
	size_t done = 0;

	if (pos >= end)
		return 0;
	/* Ours while there are bytes: see door_lane_trim(). */
	seg = lane->rseg;
	len = min_t(u64, len, end - pos);
	while (done < len) {
		/* Pairs with the release in seg_for_put(): @end is set. */
		struct door_seg *next = smp_load_acquire(&seg->next);
		size_t off = (pos - seg->start) & (seg->size - 1);
		size_t n = min_t(size_t, len - done, seg->size - off);
		size_t got;

		if (next && pos >= seg->end) {
			if (take) {
				lane->rseg = next;
				destroy_seg(seg);
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
 *
 * Looks past a turn at which the reader stands, and stops at the next. May
 * fault.
 *
 * Return: as door_lane_take().
 */
ssize_t door_lane_peek(struct door_lane *lane, struct iov_iter *to, size_t len,
		       u64 skip)
{
	struct door_turn turn;
	u64 pos = lane->tail;
	u64 end = pos + door_lane_ahead(lane, &turn);

	return copy_out(lane, to, len, pos + skip, end, false);
}

/**
 * door_lane_turn_here - door_lane_turn() when there is one (reader)
 * @lane: the lane; the reader stands at a turn
 *
 * Return: the turn, valid until the reader pops it.
 */
struct door_turn *door_lane_turn_here(struct door_lane *lane)
{
	struct door_turn *turn;

	spin_lock(&lane->lock);
	turn = lane->first;
	spin_unlock(&lane->lock);
	return turn;
}

/**
 * door_lane_turn_pop - go on past a closed turn (reader)
 * @lane: the lane
 * @turn: what door_lane_turn() returned; freed
 */
void door_lane_turn_pop(struct door_lane *lane, struct door_turn *turn)
{
	spin_lock(&lane->lock);
	lane->first = turn->next;
	WRITE_ONCE(lane->turns, lane->turns - 1);
	if (!lane->first)
		lane->last = NULL;
	WRITE_ONCE(lane->turn_at, lane->first ? lane->first->at : DOOR_NO_TURN);
	spin_unlock(&lane->lock);
	if (turn != &lane->born)
		kfree(turn);
}

/* A turn as it is now; its end is known if it is closed. (lane->lock) */
static void copy_turn(struct door_turn *to, const struct door_turn *from)
{
	to->next = from->next;
	to->at = from->at;
	to->closed = door_turn_is_closed(from);
	if (to->closed)
		to->base_end = from->base_end;
}

/**
 * door_lane_ahead - what lies ahead of the reader, for anybody who asks
 * @lane: the lane
 * @turn: receives a copy of the turn the reader stands at; at = DOOR_NO_TURN
 *	if it stands at none
 *
 * Return: bytes up to the next turn, or up to the end; those behind @turn if
 * there is one. A snapshot.
 */
u64 door_lane_ahead(struct door_lane *lane, struct door_turn *turn)
{
	u64 tail = door_lane_tail(lane);
	u64 end = door_lane_head(lane);
	u64 stop = READ_ONCE(lane->turn_at);

	turn->at = DOOR_NO_TURN;
	if (unlikely(stop <= tail)) {
		spin_lock(&lane->lock);
		/* The reader may have gone on from the turn at @stop. */
		stop = lane->turn_at;
		if (stop <= tail) {
			copy_turn(turn, lane->first);
			stop = turn->next ? turn->next->at : DOOR_NO_TURN;
		}
		spin_unlock(&lane->lock);
	}
	end = min(end, stop);
	return end > tail ? end - tail : 0;
}

/**
 * door_lane_turn_open - what is sent next goes over the socket (writer)
 * @lane: the lane
 *
 * Called before the first byte is sent there, so that the reader knows where to
 * look as soon as it arrives. Does nothing if a turn is open already.
 *
 * Return: 0 or -ENOMEM.
 */
int door_lane_turn_open(struct door_lane *lane)
{
	struct door_turn *turn;

	if (lane->turn_open)
		return 0;
	turn = kzalloc(sizeof(*turn), GFP_KERNEL_ACCOUNT);
	if (!turn)
		return -ENOMEM;
	turn->at = lane->head;
	spin_lock(&lane->lock);
	if (lane->last)
		lane->last->next = turn;
	else
		lane->first = turn;
	lane->last = turn;
	WRITE_ONCE(lane->turns, lane->turns + 1);
	if (lane->first == turn)
		WRITE_ONCE(lane->turn_at, turn->at);
	spin_unlock(&lane->lock);
	WRITE_ONCE(lane->turn_open, true);
	return 0;
}

/**
 * door_lane_turn_close - what is put next comes after the open turn (writer)
 * @lane: the lane; its last turn is open
 * @base_end: the socket's position after the last byte sent there
 */
void door_lane_turn_close(struct door_lane *lane, u64 base_end)
{
	struct door_turn *turn = lane->last;

	/* From the release on, the reader may free it. */
	WRITE_ONCE(lane->turn_open, false);
	turn->base_end = base_end;
	/* The end before the word that it is known. */
	smp_store_release(&turn->closed, true);
}
