// SPDX-License-Identifier: GPL-2.0-only
/*
 * File: the open files of a door, its owner's and those made for others. Entered by
 * the VFS, by whoever opens a name, and when descriptors pass through a call. No
 * lock.
 */
#include "file.h"
#include "desc.h"
#include "unref.h"

#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/door.h>

static const struct file_operations *owner_fops __ro_after_init;
static const struct file_operations *client_fops __ro_after_init;
static const struct file_operations *key_fops __ro_after_init;

/** door_file_release - the last descriptor of one open file is gone */
int door_file_release(struct inode *inode, struct file *file)
{
	door_unuse(file->private_data);
	return 0;
}

/** door_file_release_client - as above, for files made for others than the owner */
int door_file_release_client(struct inode *inode, struct file *file)
{
	/*
	 * One that was opened by name, for writing, counts as a writer of what it
	 * was opened as. The VFS is about to undo that and looks at both flags.
	 */
	if (file->f_mode & FMODE_WRITER)
		file->f_mode |= FMODE_WRITE;
	door_unref_no_client(file->private_data);
	return door_file_release(inode, file);
}

/** door_file_poll - a door is never ready, but it hangs up when it is revoked */
__poll_t door_file_poll(struct file *file, poll_table *wait)
{
	struct door *door = file->private_data;

	poll_wait(file, &door->polled, wait);
	return READ_ONCE(door->revoked) ? EPOLLHUP : 0;
}

static struct file *make_file(struct door *door,
			      const struct file_operations *fops)
{
	struct file *file = anon_inode_getfile("[door]", fops, door,
					       O_RDWR | O_CLOEXEC);

	if (!IS_ERR(file))
		door_use(door);
	return file;
}

/**
 * door_file_make - make the owner's open file
 * @door: the door
 *
 * Return: the file or an error.
 */
struct file *door_file_make(struct door *door)
{
	return make_file(door, owner_fops);
}

/**
 * door_file_door - recognise a door
 * @file: an open file
 *
 * Return: the door, without a reference of its own, or NULL.
 */
struct door *door_file_door(struct file *file)
{
	return file->f_op == owner_fops || file->f_op == client_fops ?
	       file->private_data : NULL;
}

/**
 * door_file_is_owners - is it a file that door_file_make() made
 * @file: an open file
 */
bool door_file_is_owners(const struct file *file)
{
	return file->f_op == owner_fops;
}

/**
 * door_file_adopt - make an open file a client's
 * @door: the door
 * @file: being opened, with the operations of what it would have been; gets the
 *	caller's reference on the module
 */
void door_file_adopt(struct door *door, struct file *file)
{
	replace_fops(file, client_fops);
	file->private_data = door;
	door_use(door);
	door_unref_client(door);
}

/**
 * door_file_make_key - make an open file one that is good for DETACH only
 * @file: as for door_file_adopt(), opened for neither reading nor writing
 *
 * It is no client's, so that no owner hears of it; it does not know the door.
 */
void door_file_make_key(struct file *file)
{
	replace_fops(file, key_fops);
	file->private_data = NULL;
}

static struct file *convey(struct file *file)
{
	struct door *door = door_file_door(file);
	struct file *conveyed;

	if (!door)
		return get_file(file);
	conveyed = make_file(door, client_fops);
	if (!IS_ERR(conveyed))
		door_unref_client(door);
	return conveyed;
}

static void describe(struct file *file, struct door_ioc_desc *entry)
{
	struct door *door = door_file_door(file);

	if (!door)
		return;
	entry->attributes |= door_attributes(door);
	entry->id = door->id;
}

static const struct door_desc_ops desc_ops = {
	.convey		= convey,
	.describe	= describe,
};

/**
 * door_file_init - start up
 * @owner: operations of the files of door_file_make()
 * @client: operations of the files that are made for others; the operations are
 *	what makes an open file a door
 * @key: operations of the files of door_file_make_key()
 */
void __init door_file_init(const struct file_operations *owner,
			   const struct file_operations *client,
			   const struct file_operations *key)
{
	owner_fops = owner;
	client_fops = client;
	key_fops = key;
	door_desc_init(&desc_ops);
}
