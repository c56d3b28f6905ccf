/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of callers that give up share. */
#ifndef CANCEL_TEST_H
#define CANCEL_TEST_H

#include "door_test.h"

/* Indices of shared->value. */
enum { CLEANED, TID, STARTED, ENDED, FD, UNEXPECTED, CREATING, CREATED };

/* Signals that the calling thread has caught. */
static __thread volatile int caught;

static inline void on_signal(int sig)
{
	(void)sig;
	caught++;
}

static inline void handle(int sig)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigaction(sig, &sa, NULL);
}

static inline void *park_enabled(void *p)
{
	atomic_fetch_add(&shared->value[STARTED], 1);
	door_return(NULL, 0, NULL, 0);
	return p;
}

static inline int start_inside(struct caller *c, int d)
{
	int before = atomic_load(&shared->ran);

	if (caller_start(c, d, OP_WAIT, 1))
		return -1;
	return wait_until(shared->ran == before + 1) &&
			       wait_until(caller_sleeps(c))
		       ? 0
		       : -1;
}

/* The caller catches a signal and has the error. */
static inline int give_up(struct caller *c)
{
	if (pthread_kill(c->thread, SIGUSR1) || caller_join(c))
		return -1;
	return c->ret == -1 && c->err == EINTR ? 0 : -1;
}

#endif /* CANCEL_TEST_H */
