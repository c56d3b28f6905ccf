/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_NAME_H
#define _DOOR_NAME_H

#include <linux/types.h>

struct door;
struct file;
struct seq_file;

/**
 * struct door_name_place - where in the table of names
 * @bucket: in which list
 * @index: how far in there
 */
struct door_name_place {
	unsigned long bucket;
	unsigned long index;
};

/**
 * struct door_name_seen - a name that is being looked at
 * @file: the file that is covered, referenced
 * @door: the door, referenced
 */
struct door_name_seen {
	struct file *file;
	struct door *door;
};

int door_name_attach(struct file *file, struct door *door, int fd);
int door_name_detach(int fd);
void door_name_end(struct door *door);
void door_name_show(struct seq_file *m, struct door *door);
bool door_name_next(struct door_name_place *at, struct door_name_seen *seen);
void door_name_unsee(struct door_name_seen *seen);

void door_name_exit(void);

#endif /* _DOOR_NAME_H */
