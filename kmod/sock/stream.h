/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_STREAM_H
#define _DOOR_STREAM_H

#include "lane.h"

#include <linux/refcount.h>

struct door_budget;
struct sock;

/**
 * struct door_stream - two joined sockets
 * @refs: one for each end's graft
 * @sk: the ends (each holds a reference, dropped with the stream)
 * @lane: @lane[i] is written by end i
 */
struct door_stream {
	refcount_t refs;
	struct sock *sk[2];
	struct door_lane lane[2];
};

struct door_stream *door_stream_create(struct sock *a, struct door_budget *pays_a,
				       struct sock *b, struct door_budget *pays_b);
void door_stream_free(struct door_stream *st);
void door_stream_put(struct door_stream *st);

#endif /* _DOOR_STREAM_H */
