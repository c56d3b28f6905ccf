/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cancellation of threads whose callers have given up. */
#ifndef LIBDOOR_CANCEL_H
#define LIBDOOR_CANCEL_H

#include "lib.h"

/* The calling thread is about to serve. Returns -errno. */
hidden int cancel_ready(void);
/* It runs that invocation, it has come to the end of it. */
hidden void cancel_begin(uint64_t call);
hidden void cancel_end(uint64_t call);
/* There are invocations to be cancelled if their callers give up. */
hidden void cancel_watch(void);

#endif /* LIBDOOR_CANCEL_H */
