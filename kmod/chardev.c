// SPDX-License-Identifier: GPL-2.0-only
/*
 * Front desk: /dev/door and the ioctls of doors. The only file that reads or
 * writes ioctl structures: copies them in before any lock is taken, checks them,
 * calls the room that does the work and copies the outcome back.
 */
#include "chardev.h"
#include "door/call.h"
#include "door/cred.h"
#include "door/file.h"
#include "door/name.h"
#include "door/owner.h"
#include "door/pending.h"
#include "door/serve.h"
#include "door/window.h"
#include "sock/mark.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/**
 * struct command - one ioctl
 * @cmd: number, direction and today's size of the structure
 * @size0: size of the structure in its first release, the least accepted
 * @run: gets the structure copied in, complete and zero extended; what it
 *	leaves there is copied out if it returns no error and @cmd says so
 * @undo: called when that copying failed; may be NULL
 */
struct command {
	unsigned int cmd;
	unsigned int size0;
	long (*run)(struct file *file, void *ioc);
	void (*undo)(struct file *file);
};

/* Room for the largest structure, which each entry of the tables is held against. */
#define IOC_WORDS 16
#define COMMAND(name, ...) \
	[_IOC_NR(DOOR_IOC_##name)] = { \
		DOOR_IOC_##name + BUILD_BUG_ON_ZERO(_IOC_SIZE(DOOR_IOC_##name) > \
						    IOC_WORDS * sizeof(u64)), \
		__VA_ARGS__ }

/*
 * The process that a descriptor of /dev/door stands for is the first that makes
 * a door or serves with it.
 */
static struct door_proc *control_proc(struct file *file)
{
	struct door_proc *proc, *first;

	/* Pairs with cmpxchg() below. */
	proc = smp_load_acquire(&file->private_data);
	if (unlikely(!proc)) {
		/* Or a child would claim memory that it is going to leave. */
		if (in_vfork(current))
			return ERR_PTR(-EPERM);
		proc = door_proc_join();
		if (IS_ERR(proc))
			return proc;
		first = cmpxchg(&file->private_data, NULL, proc);
		if (first) {
			door_proc_part(proc);
			proc = first;
		}
	}
	return door_proc_is_mine(proc) ? proc : ERR_PTR(-EPERM);
}

/* The calling thread, if it has ever served. */
static struct door_thread *control_thread(struct file *file)
{
	struct door_proc *proc;

	/* Pairs with cmpxchg() in control_proc(). */
	proc = smp_load_acquire(&file->private_data);
	if (!proc || !door_proc_is_mine(proc))
		return NULL;
	return door_proc_thread(proc);
}

static long run_caps(struct file *file, void *p)
{
	struct door_ioc_caps *ioc = p;

	ioc->features = DOOR_CAP_CALLS | DOOR_CAP_DESCRIPTORS |
			DOOR_CAP_NAMES;
	return 0;
}

static long run_create(struct file *file, void *p)
{
	const struct door_ioc_create *ioc = p;
	struct door_proc *proc;

	if (ioc->flags || (ioc->attributes & ~DOOR_ATTR_CREATE_ALL) ||
	    ((ioc->attributes & DOOR_ATTR_UNREF) &&
	     (ioc->attributes & DOOR_ATTR_UNREF_MULTI)))
		return -EINVAL;
	if (in_vfork(current))
		return -EOPNOTSUPP;
	proc = control_proc(file);
	if (IS_ERR(proc))
		return PTR_ERR(proc);
	return door_owner_create(ioc);
}

static long run_return(struct file *file, void *p)
{
	struct door_ioc_return *ioc = p;
	struct door_proc *proc = control_proc(file);

	if (IS_ERR(proc))
		return PTR_ERR(proc);
	if (ioc->flags || ioc->reserved)
		return -EINVAL;
	return door_serve(proc, file, ioc);
}

static void undo_return(struct file *file)
{
	door_serve_undo(file->private_data);
}

static long run_bind(struct file *file, void *p)
{
	const struct door_ioc_bind *ioc = p;
	struct door_proc *proc = control_proc(file);

	if (IS_ERR(proc))
		return PTR_ERR(proc);
	if (ioc->flags)
		return -EINVAL;
	return door_serve_bind(proc, file, ioc->id);
}

static long run_unbind(struct file *file, void *p)
{
	struct door_thread *th = control_thread(file);

	return th ? door_serve_unbind(th) : -EBADF;
}

static long run_leave(struct file *file, void *p)
{
	struct door_thread *th = control_thread(file);

	if (th)
		door_serve_leave(th);
	return 0;
}

static long run_aborted(struct file *file, void *p)
{
	struct door_proc *proc = control_proc(file);
	struct door_ioc_aborted *ioc = p;

	if (IS_ERR(proc))
		return PTR_ERR(proc);
	ioc->reserved = 0;
	return door_serve_aborted(proc, ioc);
}

static long run_cred(struct file *file, void *p)
{
	struct door_thread *th = control_thread(file);
	struct door_ioc_cred *ioc = p;

	if (!th || ioc->flags || ioc->reserved)
		return -EINVAL;
	return door_cred(th, ioc);
}

static long run_bound_info(struct file *file, void *p)
{
	struct door_thread *th = control_thread(file);

	if (!th || !th->bound)
		return -EBADF;
	door_info(th->bound, p);
	return 0;
}

static long run_detach(struct file *file, void *p)
{
	const struct door_ioc_name *ioc = p;

	return ioc->flags ? -EINVAL : door_name_detach(ioc->fd);
}

static long sock_command(void *ioc, int (*run)(struct door_ioc_sock *))
{
	struct door_ioc_sock *arg = ioc;

	return arg->flags ? -EINVAL : run(arg);
}

static long sock_listen(struct file *file, void *ioc)
{
	return sock_command(ioc, door_mark_listen);
}

static long sock_connect(struct file *file, void *ioc)
{
	return sock_command(ioc, door_mark_connect);
}

static long sock_pair(struct file *file, void *ioc)
{
	return sock_command(ioc, door_mark_pair);
}

static long sock_info(struct file *file, void *ioc)
{
	return sock_command(ioc, door_mark_info);
}

/* Commands of /dev/door. */
static const struct command control_commands[] = {
	COMMAND(CAPS, 8, run_caps),
	COMMAND(CREATE, 24, run_create),
	COMMAND(RETURN, 104, run_return, undo_return),
	COMMAND(INFO, 40, run_bound_info),
	COMMAND(BIND, 16, run_bind),
	COMMAND(CRED, 56, run_cred),
	COMMAND(UNBIND, 0, run_unbind),
	COMMAND(LEAVE, 0, run_leave),
	COMMAND(ABORTED, 16, run_aborted),
	COMMAND(DETACH, 8, run_detach),
	COMMAND(SOCK_LISTEN, 32, sock_listen),
	COMMAND(SOCK_CONNECT, 32, sock_connect),
	COMMAND(SOCK_PAIR, 32, sock_pair),
	COMMAND(SOCK_INFO, 32, sock_info),
};

static long call_restart(struct restart_block *restart);

/* The second half of a call, whether it is the first attempt or not. */
static long end_call(long ret, const struct door_ioc_call *ioc,
		     void __user *uioc)
{
	if (unlikely(ret == -ERESTART_RESTARTBLOCK))
		return set_restart_fn(&current->restart_block, call_restart);
	if (!ret && uioc && copy_to_user(uioc, ioc, sizeof(*ioc)))
		return -EFAULT;
	return ret;
}

static long call_restart(struct restart_block *restart)
{
	struct door_ioc_call ioc;
	void __user *uioc;
	long ret;

	ret = door_call_resume(&ioc, &uioc);
	return end_call(ret, &ioc, uioc);
}

/* Not in the table: it is the one that has to be fast. */
static long call_ioctl(struct file *file, unsigned int cmd, void __user *uioc)
{
	struct door_ioc_call ioc;
	int err;

	if (!uioc) {
		memset(&ioc, 0, sizeof(ioc));
	} else if (likely(cmd == DOOR_IOC_CALL)) {
		if (copy_from_user(&ioc, uioc, sizeof(ioc)))
			return -EFAULT;
	} else {
		if (_IOC_SIZE(cmd) < sizeof(ioc))
			return -EINVAL;
		err = copy_struct_from_user(&ioc, sizeof(ioc), uioc,
					    _IOC_SIZE(cmd));
		if (err)
			return err;
	}
	return end_call(door_call(file->private_data, &ioc, uioc), &ioc, uioc);
}

static long run_abandon(struct file *file, void *p)
{
	door_call_abandon();
	return 0;
}

static long run_info(struct file *file, void *p)
{
	door_info(file->private_data, p);
	return 0;
}

static long run_revoke(struct file *file, void *p)
{
	struct door *door = file->private_data;

	if (!door_proc_is_mine(door->proc))
		return -EPERM;
	door_owner_revoke(door);
	return 0;
}

static long run_getparam(struct file *file, void *p)
{
	struct door_ioc_param *ioc = p;

	return ioc->flags ? -EINVAL : door_getparam(file->private_data, ioc);
}

static long run_setparam(struct file *file, void *p)
{
	const struct door_ioc_param *ioc = p;
	struct door *door = file->private_data;

	if (READ_ONCE(door->revoked))
		return -EBADF;
	if (!door_proc_is_mine(door->proc))
		return -EPERM;
	if (ioc->flags)
		return -EINVAL;
	return door_setparam(door, ioc);
}

static long run_attach(struct file *file, void *p)
{
	const struct door_ioc_name *ioc = p;

	return ioc->flags ? -EINVAL :
			    door_name_attach(file, file->private_data, ioc->fd);
}

/* Commands of doors. */
static const struct command door_commands[] = {
	COMMAND(INFO, 40, run_info),
	COMMAND(REVOKE, 0, run_revoke),
	COMMAND(GETPARAM, 16, run_getparam),
	COMMAND(SETPARAM, 16, run_setparam),
	COMMAND(ABANDON, 0, run_abandon),
	COMMAND(ATTACH, 8, run_attach),
	COMMAND(DETACH, 8, run_detach),
};

/* Commands of what a name gives whoever opens it to detach. */
static const struct command key_commands[] = {
	COMMAND(DETACH, 8, run_detach),
};

static long run_command(const struct command *table, size_t n,
			struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd), size = _IOC_SIZE(cmd), own;
	u64 ioc[IOC_WORDS];
	long ret;

	if (_IOC_TYPE(cmd) != DOOR_IOC_MAGIC || nr >= n)
		return -ENOTTY;
	table += array_index_nospec(nr, n);
	if (!table->run || _IOC_DIR(cmd) != _IOC_DIR(table->cmd))
		return -ENOTTY;
	if (size < table->size0)
		return -EINVAL;
	own = _IOC_SIZE(table->cmd);
	if (_IOC_DIR(cmd) & _IOC_WRITE)
		ret = copy_struct_from_user(ioc, own, uarg, size);
	else
		ret = size > own ? -E2BIG : 0;
	if (ret)
		return ret;
	ret = table->run(file, ioc);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(uarg, ioc, min(size, own))) {
		if (table->undo)
			table->undo(file);
		return -EFAULT;
	}
	return ret;
}

static long control_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	return run_command(control_commands, ARRAY_SIZE(control_commands), file,
			   cmd, arg);
}

static int control_open(struct inode *inode, struct file *file)
{
	/* misc_open() has left a pointer of its own there. */
	file->private_data = NULL;
	return nonseekable_open(inode, file);
}

static int control_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		door_proc_part(file->private_data);
	return 0;
}

/* Only the module itself maps, while it makes a server thread. */
static int control_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct door_thread *th = control_thread(file);

	return th ? door_window_mmap(th->window, vma) : -ENODEV;
}

static const struct file_operations control_fops = {
	.owner		= THIS_MODULE,
	.open		= control_open,
	.release	= control_release,
	.mmap		= control_mmap,
	.unlocked_ioctl	= control_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static long door_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const unsigned int size_mask = _IOC_SIZEMASK << _IOC_SIZESHIFT;

	if (likely((cmd & ~size_mask) == (DOOR_IOC_CALL & ~size_mask)))
		return call_ioctl(file, cmd, (void __user *)arg);
	return run_command(door_commands, ARRAY_SIZE(door_commands), file, cmd,
			   arg);
}

static long key_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return run_command(key_commands, ARRAY_SIZE(key_commands), file, cmd,
			   arg);
}

/* Said here, since users of regular files inside the kernel may not look. */
static ssize_t no_data(struct kiocb *iocb, struct iov_iter *iter)
{
	return -EINVAL;
}

static const struct file_operations owner_fops = {
	.owner		= THIS_MODULE,
	.release	= door_file_release,
	.poll		= door_file_poll,
	.show_fdinfo	= door_owner_fdinfo,
	.unlocked_ioctl	= door_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static const struct file_operations client_fops = {
	.owner		= THIS_MODULE,
	.read_iter	= no_data,
	.write_iter	= no_data,
	.release	= door_file_release_client,
	.poll		= door_file_poll,
	.show_fdinfo	= door_owner_fdinfo,
	.unlocked_ioctl	= door_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static const struct file_operations key_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= key_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice door_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "door",
	.fops	= &control_fops,
	.mode	= 0666,
};

/**
 * door_chardev_init - make /dev/door appear
 *
 * Return: 0 or the error of misc_register().
 */
int __init door_chardev_init(void)
{
	door_file_init(&owner_fops, &client_fops, &key_fops);
	return misc_register(&door_misc);
}

/** door_chardev_exit - make /dev/door disappear */
void door_chardev_exit(void)
{
	misc_deregister(&door_misc);
	door_pending_exit(call_restart);
}
