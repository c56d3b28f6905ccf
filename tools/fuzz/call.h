/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls of the fuzzer: what a client sends says who it is, what comes with it
 * and what it wants, so that the server can tell whether that is what has
 * arrived, and the client whether the answer is its own.
 */
#ifndef FUZZ_CALL_H
#define FUZZ_CALL_H

#include "fuzz.h"

#include <linux/door.h>

#define ASK_MAGIC 0xa5ca11edU
#define ASK_DESCS 4

/**
 * struct ask - what a client's argument begins with; the rest follows from
 * @serial
 * @size: bytes of argument in all
 * @want: bytes of result
 * @want_desc: a descriptor is to come back, of the first file sent
 */
struct ask {
	uint32_t magic;
	uint32_t pid;
	uint64_t serial;
	uint64_t size;
	uint64_t want;
	uint32_t descs;
	uint32_t want_desc;
	uint64_t ino[ASK_DESCS];
};

/** struct told - what a result begins with */
struct told {
	uint64_t serial;
	uint64_t ino;
};

static inline uint64_t ask_key(const struct round *r, uint64_t serial)
{
	return mix64(r->seed ^ mix64(serial));
}

/**
 * struct server_plan - what a server is like
 * @calm: it does nothing but answer
 * @nervous: its threads are interrupted all the time
 * @delay: how long it takes for that, in milliseconds at most
 */
struct server_plan {
	unsigned int id;
	unsigned int threads;
	uint32_t attributes;
	bool calm;
	bool nervous;
	unsigned int delay;
};

/**
 * struct client_plan - what a client is like
 * @servers: how many there are
 * @light: it sends little, and no descriptors
 * @fickle: it opens doors and closes them again
 */
struct client_plan {
	unsigned int servers;
	bool light;
	bool fickle;
};

void door_path(char *path, size_t size, const struct round *r, unsigned int id);
void call_server(struct round *r, struct rng *rng, void *plan);
void call_client(struct round *r, struct rng *rng, void *plan);

#endif /* FUZZ_CALL_H */
