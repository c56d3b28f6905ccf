/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_END_H
#define _DOOR_END_H

#include "base.h"

bool door_end_resets(const struct door_graft *g, struct sock *sk);
u32 door_end_place(struct sock *sk);
void door_end_write(struct door_graft *g, u32 at, bool reset);
void door_end_wake(const struct door_graft *g);
void door_end_take_reset(struct door_graft *g, struct sock *sk, struct door_stream *st);
void door_end_take_answer(struct door_graft *g, struct sock *sk, struct door_stream *st);
void door_end_tend(struct door_graft *g);
bool door_end_is_fin(const struct door_graft *g, const struct sock *sk,
		     struct door_stream *st);
bool door_end_seen(struct door_graft *g, struct sock *sk, struct door_stream *st);

/** door_end_is_reset - has the other end reset the connection? */
static inline bool door_end_is_reset(const struct door_graft *g,
				     struct door_stream *st)
{
	return test_bit(DOOR_DETOUR_RESET, &door_graft_in(g, st)->detour);
}

/**
 * door_end_has_come - the other end sends no more, and all it sent has arrived
 * @g: the graft
 * @sk: its socket
 * @st: its stream
 *
 * Whoever sees this sees all that was put in a look at the lane after it. Never, of
 * AF_UNIX.
 */
static inline bool door_end_has_come(struct door_graft *g, struct sock *sk,
				     struct door_stream *st)
{
	/* Pairs with door_end_write(): bytes before the word that they are all. */
	return unlikely(smp_load_acquire(&door_graft_in(g, st)->detour) &
			BIT(DOOR_DETOUR_ENDED)) &&
	       door_end_seen(g, sk, st);
}

#endif /* _DOOR_END_H */
