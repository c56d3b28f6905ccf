/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_TURN_H
#define _DOOR_TURN_H

#include "lane.h"

void door_turn_clear(struct door_lane *lane);
struct door_turn *door_turn_here(struct door_lane *lane);
void door_turn_pop(struct door_lane *lane, struct door_turn *turn);
u64 door_turn_ahead(struct door_lane *lane, struct door_turn *turn);
int door_turn_open(struct door_lane *lane, gfp_t gfp);
void door_turn_close(struct door_lane *lane, u64 base_end);

/**
 * door_turn_first - the turn the reader stands at (reader)
 * @lane: the lane
 *
 * Return: the turn, valid until the reader pops it, or NULL if the next byte is
 * the lane's.
 */
static inline struct door_turn *door_turn_first(struct door_lane *lane)
{
	if (likely(READ_ONCE(lane->turn_at) != lane->tail))
		return NULL;
	return door_turn_here(lane);
}

/** door_turn_is_closed - has the writer come back, so that @base_end is known? */
static inline bool door_turn_is_closed(const struct door_turn *turn)
{
	/* Pairs with the release in door_turn_close(). */
	return smp_load_acquire(&turn->closed);
}

#endif /* _DOOR_TURN_H */
