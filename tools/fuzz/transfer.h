/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_TRANSFER_H
#define FUZZ_TRANSFER_H

#include "memory.h"
#include "sock.h"

/**
 * struct transfer - one end's means of moving bytes
 * @way: 0, or the only way to send; to receive, in one large read after another
 */
struct transfer {
	int fd;
	int family;
	unsigned int way;
	int pipe[2];
	int file;
	struct region m;
};

#define TRANSFER_WAYS 11

bool transfer_make(struct transfer *t, const struct round *r, int fd,
		   int family);
ssize_t transfer_out(struct transfer *t, struct rng *rng,
		     const struct stream *s, size_t most);
bool transfer_goes_on(int err);
ssize_t transfer_in(struct transfer *t, struct rng *rng, bool *taken,
		    bool *visible);

#endif /* FUZZ_TRANSFER_H */
