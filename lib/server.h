/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Server half: what its two files owe each other. */
#ifndef LIBDOOR_SERVER_H
#define LIBDOOR_SERVER_H

#include "lib.h"

/* The last thread of a pool has been taken: more may be made. */
hidden void create_more(const struct door_ioc_return *ioc);
/* Makes the calling thread serve a private door. Returns -errno. */
hidden int bind_thread(door_id_t id);

#endif /* LIBDOOR_SERVER_H */
