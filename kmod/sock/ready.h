/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_READY_H
#define _DOOR_READY_H

#include "graft.h"

u64 door_ready_lane(struct door_graft *g, struct sock *sk,
		    struct door_stream *st);
u64 door_ready_inq(struct door_graft *g, struct sock *sk,
		   struct door_stream *st);
bool door_ready_detours(const struct door_graft *g, const struct sock *sk,
			struct door_stream *st);
void door_ready_wake(struct sock *sk, __poll_t events, int how, bool sync);

#endif /* _DOOR_READY_H */
