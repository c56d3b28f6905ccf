/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of libdoor share, and nobody else sees. */
#ifndef LIBDOOR_LIB_H
#define LIBDOOR_LIB_H

#include <door.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "sys.h"

#define hidden __attribute__((visibility("hidden")))

/*
 * AT_FORK(in_child): has that function of the file run in every child of
 * fork(). It is registered before anything that uses the library runs, because
 * such handlers run in the order in which they came: the program's own may use
 * doors, and then find none of the parent's state. An allocator's may have come
 * later and still hold its locks, so @in_child must neither allocate nor free.
 */
#define AT_FORK(in_child)                                           \
	__attribute__((constructor(101))) static void at_load(void) \
	{                                                           \
		pthread_atfork(NULL, NULL, in_child);               \
	}                                                           \
	static void at_load(void)

/* Public functions report through errno. */
static inline int result(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/*
 * One ioctl of /dev/door, on a descriptor that is this process's own. Returns
 * what it does, or -errno.
 */
hidden int control_ask(unsigned long command, void *ioc);

hidden void info_of(const struct door_ioc_info *ioc, door_info_t *info);

#endif /* LIBDOOR_LIB_H */
