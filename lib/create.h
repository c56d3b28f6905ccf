/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Birth of doors, whoever makes their threads. */
#ifndef LIBDOOR_CREATE_H
#define LIBDOOR_CREATE_H

#include "private.h"
#include "server.h"

/* What programs may ask for; door_xcreate() takes one more. */
#define CREATE_MASK                                                        \
	(DOOR_UNREF | DOOR_PRIVATE | DOOR_UNREF_MULTI | DOOR_REFUSE_DESC | \
	 DOOR_NO_CANCEL)
#define BOTH_UNREF (DOOR_UNREF | DOOR_UNREF_MULTI)

/*
 * Makes a door. @p, if it is private, becomes its record, or is dropped. @more
 * makes threads for it, and for all whose attributes say the same about who
 * does. Returns its descriptor or -errno.
 */
hidden int create_door(struct door_ioc_create *ioc, struct private *p,
		       server_more_t *more);

#endif /* LIBDOOR_CREATE_H */
