/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_MEMORY_H
#define FUZZ_MEMORY_H

#include "rng.h"

#include <pthread.h>

#define REGION_UNWATCHED (-2)

/**
 * struct region - memory to give to the kernel, which may stall or vanish
 * @mem: where it is
 * @shadow: what is in the page that is missing
 * @len: bytes, whole pages
 * @uffd: who is asked for missing pages, or -1: nobody
 * @end: tells its keeper to end
 * @stall_ms: how long a page that is missing takes
 * @hidden: a page that cannot be accessed, or NULL
 * @missing: a page that is, or NULL
 *
 * Of one thread.
 */
struct region {
	char *mem;
	char *shadow;
	size_t len;
	int uffd;
	int end;
	_Atomic unsigned int stall_ms;
	char *hidden;
	char *missing;
	pthread_t keeper;
};

bool region_make(struct region *m, size_t len);
void region_free(struct region *m);
void region_arm(struct region *m, struct rng *rng, size_t len, unsigned int ms);
void region_disarm(struct region *m);

#endif /* FUZZ_MEMORY_H */
