/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of libdoor share, and nobody else sees. */
#ifndef LIBDOOR_LIB_H
#define LIBDOOR_LIB_H

#include <door.h>
#include <errno.h>
#include <stdint.h>

#include "sys.h"

#define hidden __attribute__((visibility("hidden")))

/* Public functions report through errno. */
static inline int result(int ret)
{
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/* A descriptor of /dev/door that is this process's own, or -errno. */
hidden int control_get(void);
/* @fd turned out not to be one: another attempt may be made if it says so. */
hidden int control_lost(int fd, int err);

hidden void info_of(const struct door_ioc_info *ioc, door_info_t *info);

#endif /* LIBDOOR_LIB_H */
