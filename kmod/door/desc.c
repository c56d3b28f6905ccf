// SPDX-License-Identifier: GPL-2.0-only
/*
 * Descriptors: taken from the sender in its own context, installed in the
 * receiver in its own. In between they exist only within one running call, so
 * no collector of descriptors in flight is needed. Entered by calls; no lock.
 */
#include "desc.h"

#include <linux/bitmap.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/door.h>

static const struct door_desc_ops *door_ops __ro_after_init;

static bool released_before(const struct door_descs *d, unsigned int n, int fd)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (d->desc[i].release && d->desc[i].fd == fd)
			return true;
	return false;
}

static int take_one(struct door_descs *d, unsigned int n,
		    const struct door_ioc_desc *entry)
{
	struct file *file, *conveyed;

	if (!(entry->attributes & DOOR_DESC_DESCRIPTOR) ||
	    released_before(d, n, entry->fd))
		return -EINVAL;
	file = fget_raw(entry->fd);
	if (!file)
		return -EINVAL;
	conveyed = door_ops->convey(file);
	fput(file);
	if (IS_ERR(conveyed))
		return PTR_ERR(conveyed);
	d->desc[n].file = conveyed;
	d->desc[n].fd = entry->fd;
	d->desc[n].release = entry->attributes & DOOR_DESC_RELEASE;
	return 0;
}

/* A malformed array costs the sender whatever it meant to give away. */
static void release_entries(const struct door_ioc_desc *entry, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if ((entry[i].attributes & DOOR_DESC_DESCRIPTOR) &&
		    (entry[i].attributes & DOOR_DESC_RELEASE))
			close_fd(entry[i].fd);
}

/**
 * door_descs_take - reference what the calling process wants to send
 * @addr: user address of an array of struct door_ioc_desc
 * @nr: its length, 1 to DOOR_DESC_MAX
 *
 * The sender's descriptors stay open until door_descs_release().
 *
 * Return: the descriptors, -EFAULT, -ENOMEM, -ENFILE or -EINVAL. Only after
 * -EINVAL have the descriptors marked for release been closed.
 */
struct door_descs *door_descs_take(u64 addr, unsigned int nr)
{
	struct door_ioc_desc *entry;
	struct door_descs *d;
	int err = -ENOMEM;

	entry = vmemdup_user(u64_to_user_ptr(addr), nr * sizeof(*entry));
	if (IS_ERR(entry))
		return ERR_CAST(entry);
	d = kvzalloc(struct_size(d, desc, nr), GFP_KERNEL_ACCOUNT);
	if (!d)
		goto free_entries;
	for (; d->nr < nr; d->nr++) {
		err = take_one(d, d->nr, &entry[d->nr]);
		if (err)
			goto drop;
	}
	kvfree(entry);
	return d;
drop:
	door_descs_drop(d);
	if (err == -EINVAL)
		release_entries(entry, nr);
free_entries:
	kvfree(entry);
	return ERR_PTR(err);
}

/**
 * door_descs_release - close the sender's descriptors that it gave away
 * @d: the descriptors, of the calling process
 *
 * May take any time: files of some file systems do something at each close.
 */
void door_descs_release(const struct door_descs *d)
{
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		if (d->desc[i].release)
			close_fd(d->desc[i].fd);
}

/**
 * door_descs_fit - would a process have room for more descriptors
 * @nr: how many
 * @files: its table; the process is blocked in a call and will not drop it
 * @limit: its RLIMIT_NOFILE
 *
 * Return: true if so now; other threads of that process may still change it.
 */
bool door_descs_fit(unsigned int nr, struct files_struct *files,
		    unsigned long limit)
{
	struct fdtable *fdt;
	unsigned long open;

	rcu_read_lock();
	fdt = files_fdtable(files);
	open = bitmap_weight(fdt->open_fds,
			     min_t(unsigned long, fdt->max_fds, limit));
	rcu_read_unlock();
	return open + nr <= limit;
}

/* Everything or nothing: the first @n have been installed. */
static void uninstall(const struct door_ioc_desc *entry, unsigned int n)
{
	while (n--)
		close_fd(entry[n].fd);
}

/**
 * door_descs_install - give the calling process its descriptors
 * @d: the descriptors
 * @addr: user address where the array of struct door_ioc_desc goes
 *
 * Return: 0, or -EMFILE, -EFAULT, -ENOMEM or what the security modules say;
 * then no descriptor has stayed.
 */
int door_descs_install(const struct door_descs *d, u64 addr)
{
	struct door_ioc_desc *entry;
	unsigned int i;
	int err = 0;

	entry = kvcalloc(d->nr, sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	for (i = 0; i < d->nr; i++) {
		err = receive_fd(d->desc[i].file, NULL, O_CLOEXEC);
		if (err < 0)
			goto undo;
		entry[i].fd = err;
		entry[i].attributes = DOOR_DESC_DESCRIPTOR;
		door_ops->describe(d->desc[i].file, &entry[i]);
	}
	err = 0;
	if (copy_to_user(u64_to_user_ptr(addr), entry, i * sizeof(*entry)))
		err = -EFAULT;
undo:
	if (err)
		uninstall(entry, i);
	kvfree(entry);
	return err;
}

/**
 * door_descs_drop - let go of descriptors
 * @d: the descriptors or NULL
 */
void door_descs_drop(struct door_descs *d)
{
	unsigned int i;

	if (!d)
		return;
	for (i = 0; i < d->nr; i++)
		fput(d->desc[i].file);
	kvfree(d);
}

/**
 * door_desc_init - introduce doors
 * @ops: what they have to say
 */
void __init door_desc_init(const struct door_desc_ops *ops)
{
	door_ops = ops;
}
