// SPDX-License-Identifier: GPL-2.0-only
/*
 * Front desk: /dev/door. The only file that reads or writes ioctl structures:
 * copies them in before any lock is taken, checks them, calls the room that
 * does the work and copies the outcome back.
 */
#include "chardev.h"
#include "graft.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/**
 * struct command - one ioctl
 * @cmd: number, direction and today's size of the structure
 * @size0: size of the structure in its first release, the least accepted
 * @run: gets the structure copied in, complete and zero extended; what it
 *	leaves there is copied out if it returns no error and @cmd says so
 */
struct command {
	unsigned int cmd;
	unsigned int size0;
	long (*run)(struct file *file, void *ioc);
};

#define COMMAND(cmd_, size0_, run_) \
	[_IOC_NR(cmd_)] = { .cmd = (cmd_), .size0 = (size0_), .run = (run_) }

static long sock_command(void *ioc, int (*run)(struct door_ioc_sock *))
{
	struct door_ioc_sock *arg = ioc;

	return arg->flags ? -EINVAL : run(arg);
}

static long sock_listen(struct file *file, void *ioc)
{
	return sock_command(ioc, door_graft_listen);
}

static long sock_connect(struct file *file, void *ioc)
{
	return sock_command(ioc, door_graft_connect);
}

static long sock_pair(struct file *file, void *ioc)
{
	return sock_command(ioc, door_graft_pair);
}

static long sock_info(struct file *file, void *ioc)
{
	return sock_command(ioc, door_graft_info);
}

#define SOCK_COMMAND(cmd_, run_) \
	COMMAND(cmd_, sizeof(struct door_ioc_sock), run_)

/* Commands of /dev/door. */
static const struct command control_commands[] = {
	SOCK_COMMAND(DOOR_IOC_SOCK_LISTEN, sock_listen),
	SOCK_COMMAND(DOOR_IOC_SOCK_CONNECT, sock_connect),
	SOCK_COMMAND(DOOR_IOC_SOCK_PAIR, sock_pair),
	SOCK_COMMAND(DOOR_IOC_SOCK_INFO, sock_info),
};

static long run_command(const struct command *table, size_t n,
			struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;
	unsigned int nr = _IOC_NR(cmd), size = _IOC_SIZE(cmd), own;
	u64 ioc[16];
	long ret;

	if (_IOC_TYPE(cmd) != DOOR_IOC_MAGIC || nr >= n || !table[nr].run ||
	    _IOC_DIR(cmd) != _IOC_DIR(table[nr].cmd))
		return -ENOTTY;
	table += nr;
	if (size < table->size0)
		return -EINVAL;
	own = _IOC_SIZE(table->cmd);
	ret = copy_struct_from_user(ioc, own, uarg, size);
	if (ret)
		return ret;
	ret = table->run(file, ioc);
	if (ret >= 0 && (_IOC_DIR(cmd) & _IOC_READ) &&
	    copy_to_user(uarg, ioc, min(size, own)))
		return -EFAULT;
	return ret;
}

static long control_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	return run_command(control_commands, ARRAY_SIZE(control_commands), file,
			   cmd, arg);
}

static const struct file_operations control_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= control_ioctl,
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
int door_chardev_init(void)
{
	return misc_register(&door_misc);
}

/** door_chardev_exit - make /dev/door disappear */
void door_chardev_exit(void)
{
	misc_deregister(&door_misc);
}
