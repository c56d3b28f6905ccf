/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the fuzzer share. main.c plans rounds and judges them; in
 * each a scenario lets actors loose on each other; actors judge what they see
 * and say so to the oracle.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "rng.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/types.h>

#define FUZZ_CONNS 8192 /* connections of a round that are kept account of */

/**
 * struct conn - one connection, as its two ends account for it
 * @sent: bytes sent by the client before it said so (set before @finished)
 * @finished: the client has sent all and will send no more
 * @got: bytes that the server has read
 * @over: the server has seen the end: CONN_*
 */
struct conn {
	_Atomic uint32_t sent;
	_Atomic int finished;
	_Atomic uint32_t got;
	_Atomic int over;
};

enum { CONN_OPEN, CONN_END, CONN_RESET };

/**
 * struct shared - memory of all processes of a round
 * @failed: somebody has found something; @sentence is for the first
 * @shown: the state of the processes then has been printed
 * @judge: the process that does so
 * @stop: nobody begins anything new
 * @begun: connections begun
 * @calls, @answers, @notices: calls made, answered, and doors told of as unused
 */
struct shared {
	_Atomic int failed;
	_Atomic int said;
	_Atomic int shown;
	pid_t judge;
	char sentence[1024];
	_Atomic int stop;
	_Atomic uint64_t begun;
	_Atomic uint64_t calls;
	_Atomic uint64_t answers;
	_Atomic uint64_t notices;
	_Atomic uint64_t bytes;
	struct conn conn[FUZZ_CONNS];
};

/**
 * struct round - what an actor knows
 * @dir: a folder that everybody may write to
 * @group: the control group of the round's processes
 * @slow: multiplies time limits
 */
struct round {
	uint64_t seed;
	unsigned int number;
	unsigned int ms;
	unsigned int slow;
	bool sockmap;
	const char *dir;
	const char *group;
	struct shared *sh;
};

struct scenario {
	const char *name;
	unsigned int weight;
	unsigned int ms;
	void (*run)(struct round *r, struct rng *rng);
};

/* oracle.c: what is right */
void oracle_fail(struct round *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void pattern_fill(void *buf, uint64_t key, uint64_t pos, size_t n);
size_t pattern_check(const void *buf, uint64_t key, uint64_t pos, size_t n);
void hex(char *to, size_t size, const void *from, size_t n);

static inline bool round_over(const struct round *r)
{
	return r->sh->stop || r->sh->failed;
}

/* actor.c: processes, time, control groups */
typedef void (*actor_fn)(struct round *r, struct rng *rng, void *arg);
pid_t actor_start(struct round *r, unsigned int who, actor_fn fn, void *arg);
void actor_interruptible(int flags);
bool actor_wait(pid_t pid, unsigned int ms);
long long now_ms(void);
void sleep_ms(unsigned int ms);
void wait_for_count(const struct round *r, const _Atomic uint64_t *count,
		    uint64_t least);
void drop_to_nobody(void);
bool write_to(const char *path, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
long long read_number(const char *path);
bool group_make(char *path, size_t size, const struct round *r,
		const char *name);

/* sockmap.c */
bool sockmap_attach(const char *group);

/* chaos.c */
void chaos_signals(struct round *r, struct rng *rng, const pid_t *pid, int n,
		   unsigned int ms);

/* the scenarios */
void run_reconnect(struct round *r, struct rng *rng);
void run_stream(struct round *r, struct rng *rng);
void run_sockmap(struct round *r, struct rng *rng);
void run_ends(struct round *r, struct rng *rng);
void run_calls(struct round *r, struct rng *rng);
void run_unref(struct round *r, struct rng *rng);
void run_starve(struct round *r, struct rng *rng);
void run_hostile(struct round *r, struct rng *rng);

#endif /* FUZZ_H */
