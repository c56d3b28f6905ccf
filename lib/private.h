/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is kept of private doors. */
#ifndef LIBDOOR_PRIVATE_H
#define LIBDOOR_PRIVATE_H

#include "lib.h"

/* How a door's own threads are made; all NULL if the process's function does.
 */
struct factory {
	door_xcreate_server_func_t *create;
	door_xcreate_thrsetup_func_t *setup;
	void *cookie;
};

/*
 * One private door. Whoever makes threads gets one of the descriptions and may
 * hand it to them; it stays as long as the door.
 */
struct private
{
	struct private *next;
	struct factory factory;
	door_info_t info; /* when the door is made */
	door_info_t more; /* when its last thread has been taken */
};

/* Before the door is made. NULL if there is no memory. */
hidden struct private *private_new(const struct factory *factory);
/* It has been made; it has not. */
hidden void private_add(struct private *p, int d);
hidden void private_drop(struct private *p);
/* NULL if the process has no such door. */
hidden struct private *private_find(door_id_t id);
/* No call will come any more. */
hidden void private_gone(door_id_t id);

#endif /* LIBDOOR_PRIVATE_H */
