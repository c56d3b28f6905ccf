/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_OPS_H
#define _DOOR_OPS_H

int door_ops_init(void);

#endif /* _DOOR_OPS_H */
