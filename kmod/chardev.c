// SPDX-License-Identifier: GPL-2.0-only
/*
 * Front desk: /dev/door. The only file that reads or writes ioctl structures:
 * copies them in before any lock is taken, checks them, calls the room that
 * does the work and copies the outcome back.
 */
#include "chardev.h"

#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/door.h>

static long door_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}

static const struct file_operations door_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= door_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.llseek		= noop_llseek,
};

static struct miscdevice door_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "door",
	.fops	= &door_fops,
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
