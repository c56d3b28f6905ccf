/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cancellation of threads whose callers have given up. */
#ifndef LIBDOOR_CANCEL_H
#define LIBDOOR_CANCEL_H

#include "lib.h"

#include <stdbool.h>

/* The calling thread is about to serve. Returns -errno. */
hidden int cancel_ready(void);
/* It has not come to that. */
hidden void cancel_unready(void);
/* It is of the kind that the library makes, of which it can make another. */
hidden void cancel_replaceable(void);
/*
 * It runs that invocation, it has come to the end of it. A cancellation point
 * if the caller has given up; true if it has to make room for another thread,
 * then come to cancel_now().
 */
hidden void cancel_begin(uint64_t call);
hidden bool cancel_end(uint64_t call);
hidden void cancel_now(void);
/* There are invocations to be cancelled if their callers give up. */
hidden void cancel_watch(void);

#endif /* LIBDOOR_CANCEL_H */
