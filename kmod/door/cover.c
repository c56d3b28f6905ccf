// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cover: the file that a name covers: which ones can have a door, and who may give
 * them one. Entered when a name is attached. No lock.
 */
#include "cover.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>

/*
 * Regular files of file systems that are sure of their own directories. Others,
 * those of other machines and of processes above all, may look a file up again
 * behind our back, with an open that is not the inode's.
 */
static bool can_have_name(const struct file *file)
{
	const struct inode *inode = file_inode(file);

	return (file->f_mode & FMODE_PATH) && S_ISREG(inode->i_mode) &&
	       !IS_PRIVATE(inode) &&
	       !(file->f_path.mnt->mnt_flags & MNT_INTERNAL) &&
	       !(file->f_path.dentry->d_flags & DCACHE_OP_REVALIDATE);
}

/**
 * door_cover_admits - can this file have a door, and may the caller give it one
 * @file: the file, from open() with O_PATH
 *
 * Return: 0, -EINVAL, -EPERM, -EACCES.
 */
int door_cover_admits(struct file *file)
{
	if (!can_have_name(file))
		return -EINVAL;
	if (!door_owns_file(file) || IS_APPEND(file_inode(file)))
		return -EPERM;
	return file_permission(file, MAY_WRITE);
}

/**
 * door_cover_writable - could the caller open this file for writing
 * @file: as above, and not a name yet
 *
 * Whoever attaches could as well have replaced what is in the file, so it is an
 * open for writing to whoever asks: permissions, read-only mounts, programs being
 * executed, leases, security modules.
 *
 * Return: 0, or what that open says.
 */
int door_cover_writable(struct file *file)
{
	struct file *writer = dentry_open(&file->f_path, O_WRONLY | O_LARGEFILE,
					  current_cred());

	if (IS_ERR(writer))
		return PTR_ERR(writer);
	fput(writer);
	return 0;
}
