/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Server half: what its files owe each other. */
#ifndef LIBDOOR_SERVER_H
#define LIBDOOR_SERVER_H

#include "lib.h"

/* The last thread of a pool has been taken: more may be made. */
hidden void create_more(const struct door_ioc_return *ioc);
/* The calling thread has been taken by a call: it is not on its way any more.
 */
hidden void create_arrived(void);
/* Makes the calling thread serve a private door. Returns -errno. */
hidden int bind_thread(door_id_t id);

/* Makes a door, past the library's own bookkeeping. Returns it or -errno. */
hidden int create_door(struct door_ioc_create *ioc);
/* One more thread, from the door's own factory. */
hidden void xcreate_more(door_info_t *info);
/* Number of the invocation that the calling thread runs. */
hidden uint64_t current_call(void);

/* The calling thread is about to serve. Returns -errno. */
hidden int cancel_ready(void);
/* It runs that invocation, it has come to the end of it. */
hidden void cancel_begin(uint64_t call);
hidden void cancel_end(uint64_t call);
/* There are invocations to be cancelled if their callers give up. */
hidden void cancel_watch(void);

#endif /* LIBDOOR_SERVER_H */
