// SPDX-License-Identifier: GPL-2.0-only
/*
 * Door: the object, its files and its limits. Entered by the front desk and by
 * calls; asks the process and the pool it belongs to. Lock: door->lock.
 */
#include "door.h"
#include "desc.h"
#include "name.h"
#include "stats.h"
#include "unref.h"

#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/door.h>

static atomic64_t last_id = ATOMIC64_INIT(0);

static const struct file_operations *owner_fops __ro_after_init;
static const struct file_operations *client_fops __ro_after_init;

/** door_file_release - the last descriptor of one open file is gone */
int door_file_release(struct inode *inode, struct file *file)
{
	door_put(file->private_data);
	return 0;
}

/** door_client_release - as above, for files made for others than the owner */
int door_client_release(struct inode *inode, struct file *file)
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

	return READ_ONCE(door->revoked) ? EPOLLHUP : 0;
}

/** door_file_fdinfo - for /proc/PID/fdinfo */
void door_file_fdinfo(struct seq_file *m, struct file *file)
{
	struct door *door = file->private_data;

	seq_printf(m, "door-id:\t%llu\ndoor-attributes:\t%#x\n", door->id,
		   READ_ONCE(door->attributes));
	/* Where they are is none of a client's business. */
	if (file->f_op == owner_fops)
		door_name_show(m, door);
}

static struct file *make_file(struct door *door,
			      const struct file_operations *fops)
{
	struct file *file = anon_inode_getfile("[door]", fops, door,
					       O_RDWR | O_CLOEXEC);

	if (!IS_ERR(file))
		door_get(door);
	return file;
}

static struct door *make_door(const struct door_ioc_create *ioc)
{
	struct door *door = kzalloc(sizeof(*door), GFP_KERNEL_ACCOUNT);
	struct door_proc *proc;

	if (!door)
		return ERR_PTR(-ENOMEM);
	proc = door_proc_join();
	if (IS_ERR(proc)) {
		kfree(door);
		return ERR_CAST(proc);
	}
	kref_init(&door->ref);
	INIT_LIST_HEAD(&door->unref.link);
	INIT_LIST_HEAD(&door->names);
	door->unref.door = door;
	door->tracked = ioc->attributes &
			(DOOR_ATTR_UNREF | DOOR_ATTR_UNREF_MULTI);
	door->proc = proc;
	door->id = atomic64_inc_return(&last_id);
	door->procedure = ioc->procedure;
	door->cookie = ioc->cookie;
	door->attributes = ioc->attributes;
	door_pool_init(&door->private);
	door->pool = ioc->attributes & DOOR_ATTR_PRIVATE ? &door->private :
							   &proc->pool;
	spin_lock_init(&door->lock);
	door->data_max = U64_MAX;
	door->desc_max = ioc->attributes & DOOR_ATTR_REFUSE_DESC ? 0 : INT_MAX;
	spin_lock(&proc->lock);
	list_add(&door->link, &proc->doors);
	spin_unlock(&proc->lock);
	door_stat_inc(DOORS_CREATED);
	pr_debug("door %llu created\n", door->id);
	return door;
}

static void free_door(struct kref *ref)
{
	struct door *door = container_of(ref, struct door, ref);
	struct door_proc *proc = door->proc;

	spin_lock(&proc->lock);
	list_del_init(&door->link);
	spin_unlock(&proc->lock);
	door_stat_inc(DOORS_DESTROYED);
	pr_debug("door %llu destroyed\n", door->id);
	kfree(door);
	door_proc_part(proc);
}

/**
 * door_get - take a reference
 * @door: the door
 */
void door_get(struct door *door)
{
	kref_get(&door->ref);
}

/**
 * door_put - drop a reference
 * @door: the door
 */
void door_put(struct door *door)
{
	kref_put(&door->ref, free_door);
}

/**
 * door_begin - a call is about to be delivered
 * @door: the door; referenced until door_end()
 */
void door_begin(struct door *door)
{
	door_get(door);
	if (unlikely(door->tracked))
		door_unref_begin(door);
}

/**
 * door_end - an invocation is over
 * @door: the door; its reference is dropped
 */
void door_end(struct door *door)
{
	if (unlikely(door->tracked))
		door_unref_end(door);
	door_put(door);
}

/**
 * door_create - make a door of the calling process
 * @ioc: what the caller asked for, attributes checked
 *
 * Return: a descriptor of the door, or -ENOMEM, -EMFILE, -ENFILE, -EPERM.
 */
int door_create(const struct door_ioc_create *ioc)
{
	struct door *door;
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	door = make_door(ioc);
	if (IS_ERR(door)) {
		put_unused_fd(fd);
		return PTR_ERR(door);
	}
	file = door_proc_is_mine(door->proc) ? make_file(door, owner_fops) :
					       ERR_PTR(-EPERM);
	door_put(door);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/**
 * door_revoke - take no more calls
 * @door: the door
 *
 * The flag first, then those who wait: a client that looks at the flag under the
 * pool's lock either sees it or is on the list when door_pool_refuse() looks.
 */
void door_revoke(struct door *door)
{
	WRITE_ONCE(door->revoked, true);
	door_name_end(door);
	door_pool_refuse(door->pool, door);
	door_unref_revoked(door);
}

static struct door *next_door(struct door_proc *proc)
{
	struct door *door, *found = NULL;

	spin_lock(&proc->lock);
	while (!found && !list_empty(&proc->doors)) {
		door = list_first_entry(&proc->doors, struct door, link);
		list_del_init(&door->link);
		if (kref_get_unless_zero(&door->ref))
			found = door;
	}
	spin_unlock(&proc->lock);
	return found;
}

/**
 * door_revoke_all - the owner has gone
 * @proc: the owner
 */
void door_revoke_all(struct door_proc *proc)
{
	struct door *door;

	while ((door = next_door(proc))) {
		door_revoke(door);
		door_put(door);
		cond_resched();
	}
}

/**
 * door_find - look for a door
 * @proc: its owner, alive
 * @id: its number
 *
 * Return: the door, referenced, or NULL.
 */
struct door *door_find(struct door_proc *proc, u64 id)
{
	struct door *door, *found = NULL;

	spin_lock(&proc->lock);
	list_for_each_entry(door, &proc->doors, link) {
		if (door->id == id && kref_get_unless_zero(&door->ref)) {
			found = door;
			break;
		}
	}
	spin_unlock(&proc->lock);
	return found;
}

/**
 * door_of_file - recognise a door
 * @file: an open file
 *
 * Return: the door, without a reference of its own, or NULL.
 */
struct door *door_of_file(struct file *file)
{
	return file->f_op == owner_fops || file->f_op == client_fops ?
	       file->private_data : NULL;
}

/**
 * door_client_adopt - make an open file a client's
 * @door: the door
 * @file: being opened, with the operations of what it would have been; gets the
 *	caller's reference on the module
 */
void door_client_adopt(struct door *door, struct file *file)
{
	replace_fops(file, client_fops);
	file->private_data = door;
	door_get(door);
	door_unref_client(door);
}

static u32 reported_attributes(const struct door *door)
{
	u32 attributes = READ_ONCE(door->attributes);

	if (door_proc_is_mine(door->proc))
		attributes |= DOOR_ATTR_LOCAL;
	if (READ_ONCE(door->revoked))
		attributes |= DOOR_ATTR_REVOKED;
	return attributes;
}

/**
 * door_info - describe a door to the calling process
 * @door: the door
 * @ioc: where to
 */
void door_info(struct door *door, struct door_ioc_info *ioc)
{
	*ioc = (struct door_ioc_info) {
		.attributes = reported_attributes(door),
		.id = door->id,
	};
	if (!READ_ONCE(door->clients))
		ioc->attributes |= DOOR_ATTR_IS_UNREF;
	/* Its memory map may have outlived it in a child, and so has the door. */
	if (READ_ONCE(door->proc->dead) ||
	    !pid_has_task(door->proc->tgid, PIDTYPE_TGID))
		ioc->target = -1;
	else
		ioc->target = pid_nr_ns(door->proc->tgid,
					task_active_pid_ns(current));
	if (ioc->attributes & DOOR_ATTR_LOCAL) {
		ioc->procedure = door->procedure;
		ioc->cookie = door->cookie;
	}
}

/**
 * door_getparam - read a limit
 * @door: the door
 * @ioc: which one, and where to
 *
 * Return: 0 or -EINVAL.
 */
int door_getparam(struct door *door, struct door_ioc_param *ioc)
{
	switch (ioc->param) {
	case DOOR_IOC_PARAM_DESC_MAX:
		ioc->value = READ_ONCE(door->desc_max);
		return 0;
	case DOOR_IOC_PARAM_DATA_MAX:
		ioc->value = READ_ONCE(door->data_max);
		return 0;
	case DOOR_IOC_PARAM_DATA_MIN:
		ioc->value = READ_ONCE(door->data_min);
		return 0;
	}
	return -EINVAL;
}

static int set_data_limit(u64 *limit, u64 min, u64 max, u64 value)
{
	if (min > max)
		return -EINVAL;
	WRITE_ONCE(*limit, value);
	return 0;
}

/**
 * door_setparam - change a limit
 * @door: the door
 * @ioc: which one, and its value
 *
 * Return: 0, -EINVAL, -ERANGE or -EOPNOTSUPP.
 */
int door_setparam(struct door *door, const struct door_ioc_param *ioc)
{
	u64 value = ioc->value;
	int err = -EINVAL;

	spin_lock(&door->lock);
	switch (ioc->param) {
	case DOOR_IOC_PARAM_DESC_MAX:
		if ((door->attributes & DOOR_ATTR_REFUSE_DESC) && value)
			err = -EOPNOTSUPP;
		else
			err = value > INT_MAX ? -ERANGE : 0;
		if (!err)
			WRITE_ONCE(door->desc_max, value);
		break;
	case DOOR_IOC_PARAM_DATA_MAX:
		err = set_data_limit(&door->data_max, door->data_min, value,
				     value);
		break;
	case DOOR_IOC_PARAM_DATA_MIN:
		err = set_data_limit(&door->data_min, value, door->data_max,
				     value);
		break;
	}
	spin_unlock(&door->lock);
	return err;
}

static struct file *convey(struct file *file)
{
	struct door *door = door_of_file(file);
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
	struct door *door = door_of_file(file);

	if (!door)
		return;
	entry->attributes |= reported_attributes(door);
	entry->id = door->id;
}

static const struct door_desc_ops desc_ops = {
	.convey		= convey,
	.describe	= describe,
};

/**
 * door_init - start up
 * @owner: operations of the files that door_create() makes
 * @client: operations of the files that are made for others; the operations are
 *	what makes an open file a door
 */
void __init door_init(const struct file_operations *owner,
		      const struct file_operations *client)
{
	owner_fops = owner;
	client_fops = client;
	door_desc_init(&desc_ops);
}
