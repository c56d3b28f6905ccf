/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_FILE_H
#define _DOOR_FILE_H

#include "door.h"

#include <linux/fs.h>
#include <linux/poll.h>

struct file *door_file_make(struct door *door);
struct door *door_file_door(struct file *file);
bool door_file_is_owners(const struct file *file);
void door_file_adopt(struct door *door, struct file *file);
void door_file_make_key(struct file *file);

int door_file_release(struct inode *inode, struct file *file);
int door_file_release_client(struct inode *inode, struct file *file);
__poll_t door_file_poll(struct file *file, poll_table *wait);

void door_file_init(const struct file_operations *owner,
		    const struct file_operations *client,
		    const struct file_operations *key);

#endif /* _DOOR_FILE_H */
