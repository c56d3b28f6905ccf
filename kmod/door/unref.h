/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_UNREF_H
#define _DOOR_UNREF_H

#include "door.h"

void door_unref_client(struct door *door);
void door_unref_no_client(struct door *door);
void door_unref_begin(struct door *door);
void door_unref_told(struct door *door);
void door_unref_end(struct door *door);
void door_unref_revoked(struct door *door);

#endif /* _DOOR_UNREF_H */
