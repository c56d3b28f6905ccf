/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random numbers of the fuzzer. Every actor draws from a sequence of its own
 * that follows from the seed, the round and the actor's number, so that the
 * same plan is made again whatever the machine's timing is.
 */
#ifndef FUZZ_RNG_H
#define FUZZ_RNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rng {
	uint64_t state;
};

static inline uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline struct rng rng_of(uint64_t seed, uint64_t who)
{
	return (struct rng){.state = mix64(seed ^ mix64(who))};
}

static inline uint64_t rng_u64(struct rng *r)
{
	r->state += 0x9e3779b97f4a7c15ULL;
	return mix64(r->state);
}

/* Less than n, which is not 0. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_u64(r) % n;
}

static inline bool rng_one_in(struct rng *r, unsigned int n)
{
	return !rng_below(r, n);
}

/* From 1 to most, each power of two as likely as another. */
static inline uint64_t rng_size(struct rng *r, uint64_t most)
{
	unsigned int bits = 63 - __builtin_clzll(most | 1);
	uint64_t n = 1ULL << rng_below(r, bits + 1);

	n += rng_below(r, n);
	return n < most ? n : most;
}

#define rng_pick(r, array) \
	((array)[rng_below((r), sizeof(array) / sizeof((array)[0]))])

#endif /* FUZZ_RNG_H */
