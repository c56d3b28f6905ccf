// SPDX-License-Identifier: GPL-2.0-only
/*
 * Owner: what a process does with doors of its own. It makes them and ends them,
 * the latter also by ending itself; and it can see where they have names. Entered by
 * the front desk and when a process ends. No lock of its own.
 */
#include "owner.h"
#include "answer.h"
#include "file.h"
#include "name.h"
#include "unref.h"

#include <linux/file.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/door.h>

/**
 * door_owner_create - make a door of the calling process
 * @ioc: what the caller asked for, attributes checked
 *
 * Return: a descriptor of the door, or -ENOMEM, -EMFILE, -ENFILE, -EPERM.
 */
int door_owner_create(const struct door_ioc_create *ioc)
{
	struct door *door;
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	door = door_make(ioc);
	if (IS_ERR(door)) {
		put_unused_fd(fd);
		return PTR_ERR(door);
	}
	file = door_proc_is_mine(door->proc) ? door_file_make(door) :
					       ERR_PTR(-EPERM);
	door_unuse(door);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

/**
 * door_owner_revoke - take no more calls
 * @door: the door
 *
 * The flag first, then those who wait: a client that looks at the flag under the
 * pool's lock either sees it or is in the queue when door_answer_refuse() looks.
 */
void door_owner_revoke(struct door *door)
{
	WRITE_ONCE(door->revoked, true);
	door_name_end(door);
	door_answer_refuse(door);
	wake_up_poll(&door->polled, EPOLLHUP);
	door_unref_revoked(door);
	door_pool_end(&door->private);
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
 * door_owner_gone - the owner has gone
 * @proc: the owner
 */
void door_owner_gone(struct door_proc *proc)
{
	struct door *door;

	while ((door = next_door(proc))) {
		door_owner_revoke(door);
		door_put(door);
		cond_resched();
	}
}

/** door_owner_fdinfo - for /proc/PID/fdinfo */
void door_owner_fdinfo(struct seq_file *m, struct file *file)
{
	struct door *door = file->private_data;

	seq_printf(m, "door-id:\t%llu\ndoor-attributes:\t%#x\n", door->id,
		   READ_ONCE(door->attributes));
	/* Where they are is none of a client's business. */
	if (door_file_is_owners(file))
		door_name_show(m, door);
}
