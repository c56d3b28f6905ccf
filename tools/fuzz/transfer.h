/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_TRANSFER_H
#define FUZZ_TRANSFER_H

#include "memory.h"
#include "sock.h"

/* One end's means of moving bytes: a socket, memory, a pipe, a file. */
struct transfer {
	int fd;
	int family;
	int pipe[2];
	int file;
	struct region m;
};

bool transfer_make(struct transfer *t, const struct round *r, int fd,
		   int family);
ssize_t transfer_out(struct transfer *t, struct rng *rng,
		     const struct stream *s, size_t most);
ssize_t transfer_in(struct transfer *t, struct rng *rng, bool *taken,
		    bool *visible);

#endif /* FUZZ_TRANSFER_H */
