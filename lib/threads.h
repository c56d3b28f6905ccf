/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads for doors that have no factory. */
#ifndef LIBDOOR_THREADS_H
#define LIBDOOR_THREADS_H

#include "private.h"

/* A door has been made: the private one @p, or a shared one. */
hidden void threads_first(struct private *p);
/* The last thread of a pool has been taken: more may be made. */
hidden void threads_more(const struct door_ioc_return *ioc);

#endif /* LIBDOOR_THREADS_H */
