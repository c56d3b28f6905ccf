/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_LANE_H
#define _DOOR_LANE_H

#include <linux/bitops.h>
#include <linux/cache.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct door_budget;
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
 * enum door_detour - why a writer goes over the socket: bits of door_lane.detour
 * @DOOR_DETOUR_TURN: a turn is open: the next write to the lane closes it (writer)
 * @DOOR_DETOUR_URGENT: urgent data was sent; for good (writer)
 * @DOOR_DETOUR_ASKED: the reader asks for everything there; for good (reader's end)
 * @DOOR_DETOUR_CROWDED: too many turns wait for the reader (lane->lock)
 * @DOOR_DETOUR_GONE: nobody will take bytes any more; for good (receive lock;
 *	released after the last tail, so that who sees it sees how far was read)
 * @DOOR_DETOUR_LOST: and bytes were left unread, so that the end of the connection
 *	is a reset; for good (receive lock)
 * @DOOR_DETOUR_ENDED: the writer sends no more; for good (writer; released after the
 *	last head and @end)
 * @DOOR_DETOUR_RESET: and it has reset the connection; for good (writer; or the
 *	reader's end has given it up)
 * @DOOR_DETOUR_FIN: and that was said before any reset; for good (writer)
 *
 * Set and cleared atomically. All but the first mean that nothing goes into the
 * lane while they are set.
 */
enum door_detour {
	DOOR_DETOUR_TURN,
	DOOR_DETOUR_URGENT,
	DOOR_DETOUR_ASKED,
	DOOR_DETOUR_CROWDED,
	DOOR_DETOUR_GONE,
	DOOR_DETOUR_LOST,
	DOOR_DETOUR_ENDED,
	DOOR_DETOUR_RESET,
	DOOR_DETOUR_FIN,
};

/**
 * struct door_lane - one direction of a stream
 * @head: bytes ever put (writer; release)
 * @wseg: segment being filled (writer)
 * @limit: so many bytes in the lane are enough: nothing is put behind them (writer)
 * @budget: of the writer's user; pays for the segments (immutable)
 * @end: TCP: where the writer's own data ends (writer; immutable once ENDED)
 * @tail: bytes ever taken (reader; release)
 * @rseg: segment being emptied (reader; set by the writer while the lane has
 *	none, that is, before the first byte is published)
 * @born: the turn that every lane starts with
 * @turn_at: position of the first turn, or DOOR_NO_TURN (lane->lock; read
 *	without it, after @head)
 * @detour: why the writer goes over the socket, a bit for each DOOR_DETOUR_*
 * @first: first turn (lane->lock)
 * @last: last turn (lane->lock)
 * @spare: emptied segments, for the writer to use again (lane->lock)
 * @turns: how many there are (lane->lock)
 * @nospace: the writer waits for room, or for any read (set by it, cleared by the
 *	reader)
 * @lock: guards the turns and the spare segments; innermost, nothing is called
 *	under it
 *
 * One writer and one reader at a time: "writer" means under the sending
 * socket's send lock, "reader" under the receiving socket's receive lock. The
 * two never wait for each other. Positions only grow.
 */
struct door_lane {
	u64 head ____cacheline_aligned;
	struct door_seg *wseg;
	u64 limit;
	struct door_budget *budget;
	u32 end;

	u64 tail ____cacheline_aligned;
	struct door_seg *rseg;
	struct door_turn born;

	u64 turn_at ____cacheline_aligned;
	unsigned long detour;
	struct door_turn *first;
	struct door_turn *last;
	struct door_seg *spare;
	unsigned int turns;
	bool nospace;
	spinlock_t lock;	/* turns, @spare */
};

void door_lane_init(struct door_lane *lane, struct door_budget *budget);
void door_lane_clear(struct door_lane *lane);
int door_lane_reserve(struct door_lane *lane, size_t len, gfp_t gfp);
ssize_t door_lane_put(struct door_lane *lane, struct iov_iter *from, size_t len,
		      bool whole, gfp_t gfp);
bool door_lane_leave(struct door_lane *lane);
void door_lane_tidy(struct door_lane *lane);
void door_lane_trim(struct door_lane *lane);
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

/** door_lane_detours - does what is sent next go over the socket? A snapshot */
static inline bool door_lane_detours(const struct door_lane *lane)
{
	return READ_ONCE(lane->detour) & ~BIT(DOOR_DETOUR_TURN);
}

/**
 * door_lane_is_left - will nobody take bytes any more?
 *
 * Then the tail stays where it is, and door_lane_tail() after this returns it.
 */
static inline bool door_lane_is_left(const struct door_lane *lane)
{
	/* Pairs with door_lane_leave(): the last tail, then the word. */
	return smp_load_acquire(&lane->detour) & BIT(DOOR_DETOUR_GONE);
}

/** door_lane_in_turn - is a turn open? The writer's to change */
static inline bool door_lane_in_turn(const struct door_lane *lane)
{
	return test_bit(DOOR_DETOUR_TURN, &lane->detour);
}

/** door_lane_plenty - with more than this in the lane, writers wait for its reader */
static inline u64 door_lane_plenty(const struct door_lane *lane)
{
	u64 limit = READ_ONCE(lane->limit);

	return limit - limit / 3;
}

/** door_lane_writable - enough room that a writer should be woken */
static inline bool door_lane_writable(const struct door_lane *lane)
{
	return door_lane_used(lane) <= door_lane_plenty(lane);
}

#endif /* _DOOR_LANE_H */
