/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_DESC_H
#define _DOOR_DESC_H

#include <linux/types.h>

struct file;
struct files_struct;
struct door_ioc_desc;

/**
 * struct door_desc - one descriptor between two processes
 * @file: the open file, referenced
 * @fd: the sender's descriptor
 * @release: close @fd
 */
struct door_desc {
	struct file *file;
	int fd;
	bool release;
};

/**
 * struct door_descs - the descriptors of one direction of one call
 * @nr: how many
 * @desc: the descriptors
 */
struct door_descs {
	unsigned int nr;
	struct door_desc desc[];
};

/**
 * struct door_desc_ops - what doors have to say about themselves
 * @convey: sender's context; returns a new open file of the same door, the
 *	same file with another reference if it is no door, or an error
 * @describe: receiver's context; fills in what is known of a door
 */
struct door_desc_ops {
	struct file *(*convey)(struct file *file);
	void (*describe)(struct file *file, struct door_ioc_desc *entry);
};

struct door_descs *door_descs_take(u64 addr, unsigned int nr);
void door_descs_release(const struct door_descs *d);
bool door_descs_fit(unsigned int nr, struct files_struct *files,
		    unsigned long limit);
int door_descs_install(const struct door_descs *d, u64 addr);
void door_descs_drop(struct door_descs *d);

void door_desc_init(const struct door_desc_ops *ops);

#endif /* _DOOR_DESC_H */
