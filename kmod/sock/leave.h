/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_LEAVE_H
#define _DOOR_LEAVE_H

#include "graft.h"

bool door_leave_end(struct door_graft *g, struct door_stream *st);
void door_leave_wake(struct door_graft *g, struct door_stream *st);
void door_leave(struct door_graft *g);

#endif /* _DOOR_LEAVE_H */
