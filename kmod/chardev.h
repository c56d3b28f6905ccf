/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_CHARDEV_H
#define _DOOR_CHARDEV_H

int door_chardev_init(void);
void door_chardev_exit(void);

#endif /* _DOOR_CHARDEV_H */
