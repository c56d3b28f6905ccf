/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_TRIM_H
#define _DOOR_TRIM_H

struct door_graft;

void door_trim_add(struct door_graft *g);
void door_trim_del(struct door_graft *g);
void door_trim_exit(void);

#endif /* _DOOR_TRIM_H */
