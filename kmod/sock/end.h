/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_END_H
#define _DOOR_END_H

#include "base.h"

bool door_end_resets(const struct door_graft *g, struct sock *sk);
void door_end_write(struct door_graft *g, u32 at, bool reset);
void door_end_wake(const struct door_graft *g);
void door_end_take_reset(struct door_graft *g, struct sock *sk, struct door_stream *st);
void door_end_take_answer(struct door_graft *g, struct sock *sk, struct door_stream *st);
void door_end_notice_reset(struct door_graft *g, struct sock *sk);
bool door_end_arrived(const struct door_graft *g, const struct sock *sk,
		      struct door_stream *st);

/** door_end_is_reset - has the other end reset the connection? */
static inline bool door_end_is_reset(const struct door_graft *g,
				     struct door_stream *st)
{
	return test_bit(DOOR_DETOUR_RESET, &door_graft_in(g, st)->detour);
}

/**
 * door_end_seen - the other end sends no more, and all it sent has arrived
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * Whoever sees this sees all that was put in a look at the lane after it.
 */
static inline bool door_end_seen(const struct door_graft *g, const struct sock *sk,
				 struct door_stream *st)
{
	/* Pairs with door_end_write(): bytes before the word that they are all. */
	return unlikely(smp_load_acquire(&door_graft_in(g, st)->detour) &
			BIT(DOOR_DETOUR_ENDED)) &&
	       door_end_arrived(g, sk, st);
}

/**
 * door_end_notice - let the socket know that the other end has reset it
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * By whoever uses it next, as the reset itself may not get here.
 */
static inline void door_end_notice(struct door_graft *g, struct sock *sk,
				   struct door_stream *st)
{
	if (unlikely(door_end_is_reset(g, st)) && !READ_ONCE(g->reset_told))
		door_end_notice_reset(g, sk);
}

#endif /* _DOOR_END_H */
