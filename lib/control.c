// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Control: the process's descriptor of /dev/door. Opened when first needed;
 * opened again in a forked child, which may not use its parent's, and when the
 * program has closed it, as daemons do with everything they find open.
 */
#include "lib.h"

#include <stdatomic.h>
#include <stdbool.h>

static _Atomic int control = -1;
/* The next is not the first: it has to stand for what the process has. */
static atomic_bool another;

static void in_child(void)
{
	int fd = atomic_exchange(&control, -1);

	atomic_store(&another, false);
	/* It may be the program's by now. */
	if (fd >= 0 && sys_caps(fd) == 0)
		close(fd);
}

AT_FORK(in_child);

/*
 * One that has not been used to serve stands for nobody. It is enough to try:
 * there is no such door.
 */
static void join(int fd)
{
	struct door_ioc_bind none = {0};

	sys_ioctl(fd, DOOR_IOC_BIND, &none);
}

static int control_get(void)
{
	int fd = atomic_load_explicit(&control, memory_order_acquire);
	int none = -1;

	if (__builtin_expect(fd >= 0, 1))
		return fd;
	/* A child that another thread forks in here has it, too, till exec. */
	fd = sys_open();
	if (fd < 0)
		return fd;
	if (atomic_load(&another))
		join(fd);
	if (atomic_compare_exchange_strong(&control, &none, fd))
		return fd;
	close(fd);
	return none;
}

/*
 * Whether the answer is not that of our /dev/door. Any error may be somebody
 * else's, whose number it has become; and doors have a command of their own by
 * the name of INFO. EPERM: we are a child that was made past libc's fork(), but
 * for DETACH, which says that of the file.
 */
static bool lost(int fd, unsigned long command, int ret)
{
	bool own = ret == -EPERM && command != DOOR_IOC_DETACH;

	if (!own && sys_caps(fd) == 0)
		return false;
	atomic_store(&another, true);
	if (atomic_compare_exchange_strong(&control, &fd, -1) && own)
		close(fd);
	return true;
}

int control_ask(unsigned long command, void *ioc)
{
	int fd = control_get(), ret;

	if (fd < 0)
		return fd;
	ret = sys_ioctl(fd, command, ioc);
	if (__builtin_expect(ret >= 0 && command != DOOR_IOC_INFO, 1) ||
	    ret == -EINTR || !lost(fd, command, ret))
		return ret;
	fd = control_get();
	return fd < 0 ? fd : sys_ioctl(fd, command, ioc);
}
