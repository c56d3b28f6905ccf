// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams: two lanes between two joined sockets, and the sockets' memory for as
 * long as either end may wake the other. Made by a join, dropped by the ends.
 */
#include "stream.h"
#include "stats.h"
#include "turn.h"

#include <linux/slab.h>
#include <net/sock.h>

/**
 * door_stream_create - make the stream of two connected sockets
 * @a: end 0; a reference is taken
 * @pays_a: whose memory the lane is that @a writes
 * @b: end 1; a reference is taken
 * @pays_b: likewise
 *
 * Return: a stream with two references, one for each end, or NULL.
 */
struct door_stream *door_stream_create(struct sock *a, struct door_budget *pays_a,
				       struct sock *b, struct door_budget *pays_b)
{
	struct door_stream *st = kzalloc(sizeof(*st), GFP_KERNEL_ACCOUNT);

	if (!st)
		return NULL;
	refcount_set(&st->refs, 2);
	sock_hold(a);
	sock_hold(b);
	st->sk[0] = a;
	st->sk[1] = b;
	door_lane_init(&st->lane[0], pays_a);
	door_lane_init(&st->lane[1], pays_b);
	return st;
}

/**
 * door_stream_free - free a stream that no end has got
 * @st: the stream
 */
void door_stream_free(struct door_stream *st)
{
	int i;

	for (i = 0; i < 2; i++) {
		door_turn_clear(&st->lane[i]);
		door_lane_clear(&st->lane[i]);
	}
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
