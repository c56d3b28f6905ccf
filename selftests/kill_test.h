/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Processes killed at moments that nobody chooses. DOOR_TEST_KILLS says how
 * many of a kind, 5 if it does not; DOOR_TEST_SEED repeats one choice of
 * moments.
 */
#ifndef KILL_TEST_H
#define KILL_TEST_H

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Seconds that a test with this many kills may take. */
#define KILL_TIMEOUT 3000

/**
 * struct score - what a victim has done so far, seen by who survives it
 * @sent: bytes that send() took, or calls that were answered
 * @got: bytes received
 */
struct score {
	atomic_ulong sent;
	atomic_ulong got;
};

static inline struct score *score_make(void)
{
	void *p = mmap(NULL, sizeof(struct score), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : (struct score *)p;
}

static inline int kills_wanted(void)
{
	const char *s = getenv("DOOR_TEST_KILLS");

	return s ? atoi(s) : 5;
}

static inline unsigned int kill_seed(void)
{
	const char *s = getenv("DOOR_TEST_SEED");
	unsigned int seed =
		s ? (unsigned int)atoi(s) : (unsigned int)time(NULL);

	printf("# DOOR_TEST_SEED=%u\n", seed);
	return seed;
}

/* Kills @victim by and by, mostly soon. Return: who does it. */
static inline pid_t kill_later(pid_t victim, unsigned int *seed)
{
	unsigned int bits = rand_r(seed) % 16;
	unsigned int us = rand_r(seed) % (1U << bits);
	struct timespec t = {0, us * 1000};
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	nanosleep(&t, NULL);
	kill(victim, SIGKILL);
	_exit(0);
}

/* Return: whether the victim has been killed, and did not end by itself. */
static inline bool both_gone(pid_t victim, pid_t killer)
{
	int status = 0;

	waitpid(killer, NULL, 0);
	return waitpid(victim, &status, 0) == victim && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGKILL;
}

#endif /* KILL_TEST_H */
