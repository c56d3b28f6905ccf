// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Control: the process's descriptor of /dev/door. Opened when first needed;
 * opened again in a forked child, which may not use its parent's, and when the
 * program has closed it, as daemons do with everything they find open.
 */
#include "lib.h"

#include <stdatomic.h>

static _Atomic int control = -1;

static void in_child(void)
{
	int fd = atomic_exchange(&control, -1);

	if (fd >= 0)
		close(fd);
}

AT_FORK(in_child);

int control_get(void)
{
	int fd = atomic_load_explicit(&control, memory_order_acquire);
	int none = -1;

	if (__builtin_expect(fd >= 0, 1))
		return fd;
	/* A child that another thread forks in here has it, too, till exec. */
	fd = sys_open();
	if (fd < 0)
		return fd;
	if (atomic_compare_exchange_strong(&control, &none, fd))
		return fd;
	close(fd);
	return none;
}

/*
 * ENOTTY, EBADF: the number is somebody else's, or nobody's. EPERM: we are a
 * child that was made past libc's fork().
 */
int control_lost(int fd, int err)
{
	if (err != -ENOTTY && err != -EBADF && err != -EPERM)
		return 0;
	if (atomic_compare_exchange_strong(&control, &fd, -1) && err == -EPERM)
		close(fd);
	return 1;
}
