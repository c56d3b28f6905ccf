// SPDX-License-Identifier: GPL-2.0-only
/*
 * Name: a door attached to a regular file, so that opening the file gives the
 * door. The name is a property of the inode, whatever path, link or mount leads
 * there. The VFS finds the file, asks permissions and security modules, and
 * comes to us by way of the inode's file operations: while the name lasts, these
 * are a copy of its own, a front, that opens differently. Entered by the front
 * desk, by the VFS and when a door is revoked. Lock: name_lock.
 *
 * Who may come at the same time, all of them decided by name_lock:
 *
 *  open, detach    An open that has fetched the front before the inode got its own
 *                  operations back finds no name, and opens the file that it is.
 *  attach, revoke  The flag first, then the list of names: an attach that looks
 *                  at the flag under the lock sees it, or is on the list when
 *                  door_name_end() looks.
 *  detach, revoke  Whoever takes the name out of the table ends it.
 *  open, open      Neither the inode's operations nor the front are ours: both
 *                  belong to the file system's module. The VFS may look at the
 *                  inode once for the owner and again for the operations.
 *  open, unload    Hence an open comes here without having the module, and it may
 *                  have fetched the front long ago. See door_name_exit().
 */
#include "name.h"
#include "budget.h"
#include "cover.h"
#include "file.h"
#include "stats.h"

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/hashtable.h>
#include <linux/kmemleak.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/srcu.h>

/* Names of one door: the list is walked under the lock. */
#define NAMES_MAX 1024

/**
 * struct door_front - what inodes of one kind have while they have a name
 * @fops: as @own, except open()
 * @own: their own operations
 * @open: of these
 * @link: in fronts (name_lock)
 *
 * There is one for each file system, and it stays when the module goes: a file
 * may have been given it, and nobody counts those.
 */
struct door_front {
	struct file_operations fops;
	const struct file_operations *own;
	int (*open)(struct inode *inode, struct file *file);
	struct list_head link;
};

/**
 * struct door_name - a door attached to a file
 * @node: in names, by inode (name_lock)
 * @link: in door->names (name_lock)
 * @file: holds inode, path and mount, as any descriptor opened with O_PATH
 * @door: the door, used by it (immutable)
 * @payer: who pays for it, referenced (immutable)
 * @front: the inode's operations (immutable)
 * @no_data: what the door's open files have for page cache (immutable)
 */
struct door_name {
	struct hlist_node node;
	struct list_head link;
	struct file *file;
	struct door *door;
	struct door_budget *payer;
	struct door_front *front;
	struct address_space *no_data;
};

static DEFINE_HASHTABLE(names, 8);
static LIST_HEAD(fronts);
static DEFINE_SPINLOCK(name_lock);	/* the above, door->names, i_fop of named */
DEFINE_STATIC_SRCU(opens);

static struct door_name *find_name(const struct inode *inode)
{
	struct door_name *name;

	lockdep_assert_held(&name_lock);
	hash_for_each_possible(names, name, node, (unsigned long)inode)
		if (file_inode(name->file) == inode)
			return name;
	return NULL;
}

/*
 * The file stays what it is in everything that goes by path or inode: its mode,
 * its times, its locks. What goes by open file must not come to the file system,
 * which takes private_data for its own: no page cache, so that advice about it
 * goes nowhere, and no FMODE_WRITE, so that there is no ftruncate() and nothing
 * is cloned to it. What counts writers goes by FMODE_WRITER; see
 * door_file_release_client().
 */
static int open_door(struct door *door, struct address_space *no_data,
		     struct inode *inode, struct file *file)
{
	if (file->f_flags & __FMODE_EXEC)
		return -EACCES;
	if (file->f_flags & O_TRUNC)
		return -EINVAL;
	if ((file->f_flags & O_ACCMODE) == O_ACCMODE)
		door_file_make_key(file);
	else
		door_file_adopt(door, file);
	file->f_mode &= ~FMODE_WRITE;
	file->f_mapping = no_data;
	return stream_open(inode, file);
}

static int open_plain(const struct file_operations *own, struct inode *inode,
		      struct file *file)
{
	/* Their owner is the front's, which the file has. */
	file->f_op = own;
	return own->open ? own->open(inode, file) : 0;
}

/*
 * The kernel's own opens want the data: servers of network file systems, and
 * overlays of what lies below them, whose own inodes have names of their own.
 */
static bool wants_data(const struct file *file)
{
	return (current->flags & PF_KTHREAD) ||
	       (file->f_mode & FMODE_NOACCOUNT);
}

static int open_name(struct inode *inode, struct file *file)
{
	const struct door_front *front = container_of(file->f_op,
						      struct door_front, fops);
	struct address_space *no_data = NULL;
	struct door *door = NULL;
	struct door_name *name;
	int err, idx;

	idx = srcu_read_lock(&opens);
	spin_lock(&name_lock);
	name = find_name(inode);
	if (name && !wants_data(file)) {
		door = name->door;
		no_data = name->no_data;
		door_use(door);
		/* For the file. Later, the name's own may be gone. */
		__module_get(THIS_MODULE);
	}
	spin_unlock(&name_lock);
	if (door) {
		err = open_door(door, no_data, inode, file);
		door_unuse(door);
		if (err)
			module_put(THIS_MODULE);
	} else {
		err = open_plain(front->own, inode, file);
	}
	srcu_read_unlock(&opens, idx);
	return err;
}

static struct door_front *make_front(const struct file_operations *own)
{
	struct door_front *front = kzalloc(sizeof(*front), GFP_KERNEL);

	if (!front)
		return NULL;
	front->fops = *own;
	front->fops.open = open_name;
	front->own = own;
	front->open = own->open;
	return front;
}

/* What was made before, unless another file system has come to the same place. */
static struct door_front *find_front(const struct door_front *like)
{
	struct door_front *front;

	lockdep_assert_held(&name_lock);
	list_for_each_entry(front, &fronts, link)
		if (front->own == like->own && front->open == like->open &&
		    !memcmp(&front->fops, &like->fops, sizeof(like->fops)))
			return front;
	return NULL;
}

/* Out of the table; to be ended without the lock. */
static void take_name(struct door_name *name, struct list_head *ended)
{
	struct inode *inode = file_inode(name->file);

	lockdep_assert_held(&name_lock);
	hash_del(&name->node);
	list_move(&name->link, ended);
	name->door->n_names--;
	if (inode->i_fop == &name->front->fops)
		WRITE_ONCE(inode->i_fop, name->front->own);
}

static void free_name(struct door_name *name)
{
	door_repay(name->payer, OBJECTS, 1);
	kfree(name);
}

/*
 * What holds the file is let go on this task's way out of the kernel, so also the
 * end of a process may come here, whatever locks it holds.
 */
static void end_names(struct list_head *ended)
{
	struct door_name *name, *next;

	list_for_each_entry_safe(name, next, ended, link) {
		fput(name->file);
		door_unuse(name->door);
		free_name(name);
		module_put(THIS_MODULE);
	}
}

static int may_attach(struct file *file)
{
	int err = door_cover_admits(file);
	bool busy;

	if (err)
		return err;
	spin_lock(&name_lock);
	busy = find_name(file_inode(file));
	spin_unlock(&name_lock);
	/* Or it would be opened as the door that it has. */
	return busy ? -EBUSY : door_cover_writable(file);
}

static int insert_name(struct door_name *name)
{
	struct inode *inode = file_inode(name->file);
	struct door_front *front, *made;
	struct door *door = name->door;
	int err = 0;

	made = make_front(READ_ONCE(inode->i_fop));
	if (!made)
		return -ENOMEM;
	spin_lock(&name_lock);
	if (READ_ONCE(door->revoked)) {
		err = -EBADF;
	} else if (inode->i_fop != made->own || find_name(inode)) {
		err = -EBUSY;
	} else if (door->n_names == NAMES_MAX) {
		err = -EMLINK;
	} else {
		front = find_front(made);
		if (!front) {
			front = made;
			list_add(&front->link, &fronts);
			made = NULL;
		}
		name->front = front;
		hash_add(names, &name->node, (unsigned long)inode);
		list_add_tail(&name->link, &door->names);
		door->n_names++;
		WRITE_ONCE(inode->i_fop, &front->fops);
	}
	spin_unlock(&name_lock);
	kfree(made);
	return err;
}

/* A server that starts again unlinks its old name and makes the file anew. */
static void end_unlinked(struct door *door)
{
	struct door_name *name, *next;
	LIST_HEAD(ended);

	spin_lock(&name_lock);
	list_for_each_entry_safe(name, next, &door->names, link)
		if (!file_inode(name->file)->i_nlink)
			take_name(name, &ended);
	spin_unlock(&name_lock);
	end_names(&ended);
}

/**
 * door_name_attach - give a door a name
 * @file: an open file of the door
 * @door: the door
 * @fd: descriptor of the file to be covered, from open() with O_PATH
 *
 * Return: 0, -EBADF, -EINVAL, -EPERM, -EBUSY, -EMLINK, -ENOMEM, or what opening it
 * for writing would.
 */
int door_name_attach(struct file *file, struct door *door, int fd)
{
	struct door_name *name;
	int err = -EBADF;

	name = kzalloc(sizeof(*name), GFP_KERNEL_ACCOUNT);
	if (!name)
		return -ENOMEM;
	name->door = door;
	name->no_data = file->f_mapping;
	INIT_LIST_HEAD(&name->link);
	name->file = fget_raw(fd);
	if (!name->file)
		goto free_name;
	err = may_attach(name->file);
	if (err)
		goto put_file;
	end_unlinked(door);
	err = -ENOMEM;
	name->payer = door_pay(OBJECTS, 1);
	if (!name->payer)
		goto put_file;
	door_use(door);
	__module_get(THIS_MODULE);
	err = insert_name(name);
	if (err)
		goto put_door;
	door_stat_inc(NAMES_ATTACHED);
	return 0;

put_door:
	module_put(THIS_MODULE);
	door_unuse(door);
put_file:
	fput(name->file);
free_name:
	free_name(name);
	return err;
}

/**
 * door_name_detach - make a file what it was
 * @fd: a descriptor of the file
 *
 * Return: 0, -EBADF, -EPERM, or -EINVAL if no door is attached.
 */
int door_name_detach(int fd)
{
	struct file *file = fget_raw(fd);
	struct door_name *name;
	LIST_HEAD(ended);
	int err = -EINVAL;

	if (!file)
		return -EBADF;
	if (!door_owns_file(file)) {
		fput(file);
		return -EPERM;
	}
	spin_lock(&name_lock);
	name = find_name(file_inode(file));
	if (name) {
		take_name(name, &ended);
		err = 0;
	}
	spin_unlock(&name_lock);
	fput(file);
	end_names(&ended);
	return err;
}

/**
 * door_name_end - take all names from a door
 * @door: the door; its revoked flag is set
 */
void door_name_end(struct door *door)
{
	struct door_name *name, *next;
	LIST_HEAD(ended);

	spin_lock(&name_lock);
	list_for_each_entry_safe(name, next, &door->names, link)
		take_name(name, &ended);
	spin_unlock(&name_lock);
	end_names(&ended);
}

/**
 * door_name_show - for /proc/PID/fdinfo
 * @m: where to
 * @door: the door
 */
void door_name_show(struct seq_file *m, struct door *door)
{
	struct file **file = kvmalloc_array(NAMES_MAX, sizeof(*file),
					    GFP_KERNEL_ACCOUNT);
	struct door_name *name;
	unsigned int n = 0, i;

	if (!file)
		return;
	/* Paths have any length: they are printed without the lock. */
	spin_lock(&name_lock);
	list_for_each_entry(name, &door->names, link)
		file[n++] = get_file(name->file);
	spin_unlock(&name_lock);
	for (i = 0; i < n; i++) {
		seq_puts(m, "door-name:\t");
		seq_path(m, &file[i]->f_path, "\n");
		seq_putc(m, '\n');
		fput(file[i]);
		cond_resched();
	}
	kvfree(file);
}

/**
 * door_name_next - look at one name after the other
 * @at: where to look from, zeroed at first; where the name has been found
 * @seen: receives the name, for the caller to door_name_unsee()
 *
 * The caller goes on with @at->index + 1. Names that come and go meanwhile may be
 * missed, or seen twice.
 *
 * Return: false if there is none any more.
 */
bool door_name_next(struct door_name_place *at, struct door_name_seen *seen)
{
	struct door_name *name;
	unsigned long i;

	for (; at->bucket < HASH_SIZE(names); at->bucket++, at->index = 0) {
		i = 0;
		spin_lock(&name_lock);
		hlist_for_each_entry(name, &names[at->bucket], node) {
			if (i++ != at->index)
				continue;
			seen->file = get_file(name->file);
			seen->door = name->door;
			door_get(seen->door);
			spin_unlock(&name_lock);
			return true;
		}
		spin_unlock(&name_lock);
	}
	return false;
}

/**
 * door_name_unsee - let go of what has been looked at
 * @seen: of door_name_next()
 */
void door_name_unsee(struct door_name_seen *seen)
{
	fput(seen->file);
	door_put(seen->door);
}

/**
 * door_name_exit - wait for the last open to leave
 *
 * There are no names left, as each holds the module. But an open that has fetched
 * a front may be waiting for a lease or a security module before it calls open().
 * It will find the inode's own there. Then come those who have fetched ours,
 * nothing sleeps between that and open_name(); those inside; and those who have
 * only to return.
 */
void door_name_exit(void)
{
	struct door_front *front;

	if (list_empty(&fronts))
		return;
	list_for_each_entry(front, &fronts, link) {
		WRITE_ONCE(front->fops.open, front->open);
		kmemleak_not_leak(front);
	}
	synchronize_rcu_tasks();
	synchronize_srcu(&opens);
	synchronize_rcu_tasks();
}
