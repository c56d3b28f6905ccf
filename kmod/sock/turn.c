// SPDX-License-Identifier: GPL-2.0-only
/*
 * Turns: the places in a lane where the reader turns to the socket itself. Opened
 * and closed by the writer, passed by the reader, looked at by anybody; lane->lock
 * guards the list.
 */
#include "turn.h"

#include <linux/slab.h>

/**
 * door_turn_clear - free the turns of a lane that nobody uses any more
 * @lane: the lane
 */
void door_turn_clear(struct door_lane *lane)
{
	struct door_turn *turn, *next;

	for (turn = lane->first; turn; turn = next) {
		next = turn->next;
		if (turn != &lane->born)
			kfree(turn);
	}
}

/**
 * door_turn_here - door_turn_first() when there is one (reader)
 * @lane: the lane; the reader stands at a turn
 *
 * Return: the turn, valid until the reader pops it.
 */
struct door_turn *door_turn_here(struct door_lane *lane)
{
	struct door_turn *turn;

	spin_lock(&lane->lock);
	turn = lane->first;
	spin_unlock(&lane->lock);
	return turn;
}

/**
 * door_turn_pop - go on past a closed turn (reader)
 * @lane: the lane
 * @turn: what door_turn_first() returned; freed
 */
void door_turn_pop(struct door_lane *lane, struct door_turn *turn)
{
	spin_lock(&lane->lock);
	lane->first = turn->next;
	if (--lane->turns < DOOR_LANE_TURNS)
		clear_bit(DOOR_DETOUR_CROWDED, &lane->detour);
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
 * door_turn_ahead - what lies ahead of the reader, for anybody who asks
 * @lane: the lane
 * @turn: receives a copy of the turn the reader stands at; at = DOOR_NO_TURN
 *	if it stands at none
 *
 * Return: bytes up to the next turn, or up to the end; those behind @turn if
 * there is one. A snapshot.
 */
u64 door_turn_ahead(struct door_lane *lane, struct door_turn *turn)
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
 * door_turn_open - what is sent next goes over the socket (writer)
 * @lane: the lane
 * @gfp: how to get memory
 *
 * Called before the first byte is sent there, so that the reader knows where to
 * look as soon as it arrives. Does nothing if a turn is open already.
 *
 * Return: 0 or -ENOMEM.
 */
int door_turn_open(struct door_lane *lane, gfp_t gfp)
{
	struct door_turn *turn;

	if (door_lane_in_turn(lane))
		return 0;
	turn = kzalloc(sizeof(*turn), gfp | __GFP_ACCOUNT);
	if (!turn)
		return -ENOMEM;
	turn->at = lane->head;
	spin_lock(&lane->lock);
	if (lane->last)
		lane->last->next = turn;
	else
		lane->first = turn;
	lane->last = turn;
	if (++lane->turns >= DOOR_LANE_TURNS)
		set_bit(DOOR_DETOUR_CROWDED, &lane->detour);
	if (lane->first == turn)
		WRITE_ONCE(lane->turn_at, turn->at);
	spin_unlock(&lane->lock);
	set_bit(DOOR_DETOUR_TURN, &lane->detour);
	return 0;
}

/**
 * door_turn_close - what is put next comes after the open turn (writer)
 * @lane: the lane; its last turn is open
 * @base_end: the socket's position after the last byte sent there
 */
void door_turn_close(struct door_lane *lane, u64 base_end)
{
	struct door_turn *turn = lane->last;

	/* From the release on, the reader may free it. */
	clear_bit(DOOR_DETOUR_TURN, &lane->detour);
	turn->base_end = base_end;
	/* The end before the word that it is known. */
	smp_store_release(&turn->closed, true);
}
