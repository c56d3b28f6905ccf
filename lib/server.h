/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Server half: a thread that serves. */
#ifndef LIBDOOR_SERVER_H
#define LIBDOOR_SERVER_H

#include "lib.h"

/* Makes threads for the door that is being called. */
typedef void server_more_t(const struct door_ioc_return *ioc);

/*
 * @more is called when a door with DOOR_PRIVCREATE among its attributes, or one
 * without, gives work to the last thread of its pool; in that thread, before
 * the procedure.
 */
hidden void server_when_depleted(uint32_t attributes, server_more_t *more);
/* @taken is called, once, when a call takes the calling thread. */
hidden void server_when_taken(void (*taken)(void));
/* The same if none ever will. */
hidden void server_taken(void);

/* Makes the calling thread serve a private door. Returns -errno. */
hidden int server_bind(door_id_t id);
/* Number of the invocation that the calling thread runs. */
hidden uint64_t server_call(void);

#endif /* LIBDOOR_SERVER_H */
