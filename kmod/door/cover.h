/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_COVER_H
#define _DOOR_COVER_H

struct file;

int door_cover_admits(struct file *file);
int door_cover_writable(struct file *file);

#endif /* _DOOR_COVER_H */
