/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_LANE_H
#define _DOOR_LANE_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct door_seg;
struct iov_iter;

#define DOOR_NO_TURN U64_MAX
#define DOOR_LANE_MAX (4 * 1024 * 1024)	/* bytes that may lie in a lane */
#define DOOR_LANE_TURNS 256		/* turns, before the writer stays in one */

/**
 * struct door_turn - a place in a lane where the reader turns to the socket
 * @next: the turn after this one, or NULL (lane->lock)
 * @at: position in the lane (immutable)
 * @base_end: position in the socket's own data up to which the reader reads
 *	there before it comes back; valid once @closed (immutable then)
 * @closed: the writer has come back to the lane (set once, release)
 *
 * While a turn is open, whatever the socket receives belongs to it. A lane is
 * born with an open turn at position 0: what was sent before the join.
 */
struct door_turn {
	struct door_turn *next;
	u64 at;
	u64 base_end;
	bool closed;
};

/**
 * struct door_lane - one direction of a stream
 * @head: bytes ever put (writer; release)
 * @wseg: segment being filled (writer)
 * @limit: most bytes that may lie in the lane (writer)
 * @turn_open: the last turn is open, so it cannot be popped (writer)
 * @base_only: the writer never comes back from its open turn (writer)
 * @tail: bytes ever taken (reader; release)
 * @rseg: segment being emptied (reader; set by the writer while the lane has
 *	none, that is, before the first byte is published)
 * @turn_at: position of the first turn, or DOOR_NO_TURN (lane->lock; read
 *	without it, after @head)
 * @nospace: the writer waits for room (set by it, cleared by the reader)
 * @reader_gone: nobody will take bytes any more (set once)
 * @want_base: the reader asks for everything over the socket (set once)
 * @turns: how many there are (lane->lock)
 * @lock: guards the list of turns; innermost, nothing is called under it
 * @first: first turn (lane->lock)
 * @last: last turn (lane->lock)
 * @born: the turn that every lane starts with
 *
 * One writer and one reader at a time: "writer" means under the sending
 * socket's send lock, "reader" under the receiving socket's receive lock. The
 * two never wait for each other.
 */
struct door_lane {
	u64 head ____cacheline_aligned;
	struct door_seg *wseg;
	u64 limit;
	bool turn_open;
	bool base_only;

	u64 tail ____cacheline_aligned;
	struct door_seg *rseg;

	u64 turn_at ____cacheline_aligned;
	bool nospace;
	bool reader_gone;
	bool want_base;
	unsigned int turns;
	spinlock_t lock;	/* the list of turns */
	struct door_turn *first;
	struct door_turn *last;
	struct door_turn born;
};

void door_lane_init(struct door_lane *lane);
void door_lane_clear(struct door_lane *lane);
ssize_t door_lane_put(struct door_lane *lane, struct iov_iter *from, size_t len);
void door_lane_trim(struct door_lane *lane);
size_t door_lane_unput(struct door_lane *lane, size_t len);
ssize_t door_lane_take(struct door_lane *lane, struct iov_iter *to, size_t len);
ssize_t door_lane_peek(struct door_lane *lane, struct iov_iter *to, size_t len,
		       u64 skip, u64 ahead);

/** door_lane_head - where the published bytes end; they can be read then */
static inline u64 door_lane_head(const struct door_lane *lane)
{
	/* Pairs with the release in door_lane_put(). */
	return smp_load_acquire(&lane->head);
}

/** door_lane_tail - where the bytes still in the lane begin */
static inline u64 door_lane_tail(const struct door_lane *lane)
{
	/* Pairs with the release in copy_out(): the room before it is free. */
	return smp_load_acquire(&lane->tail);
}

/** door_lane_used - bytes that lie in the lane; a snapshot */
static inline u64 door_lane_used(const struct door_lane *lane)
{
	/* Tail first: it never passes a head that is read after it. */
	u64 tail = door_lane_tail(lane);

	return door_lane_head(lane) - tail;
}

/**
 * door_lane_crowded - has the writer changed to the socket too often?
 *
 * Each change costs memory and the reader's time. The writer stays there until
 * the reader has caught up.
 */
static inline bool door_lane_crowded(const struct door_lane *lane)
{
	return READ_ONCE(lane->turns) >= DOOR_LANE_TURNS;
}

/** door_lane_writable - enough room that a writer should be woken */
static inline bool door_lane_writable(const struct door_lane *lane)
{
	u64 limit = READ_ONCE(lane->limit);

	return door_lane_used(lane) <= limit - limit / 3;
}

#endif /* _DOOR_LANE_H */
