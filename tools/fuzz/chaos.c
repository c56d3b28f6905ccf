// SPDX-License-Identifier: GPL-2.0-only
/* Chaos: what befalls processes from outside. */
#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static void freeze(const struct round *r, bool on)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/prey/cgroup.freeze", r->group);
	write_to(path, "%d", on);
}

/* Those that are frozen together. */
static void gather(const struct round *r, const pid_t *pid, int n)
{
	char path[128], procs[200];

	if (!group_make(path, sizeof(path), r, "prey"))
		return;
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", path);
	while (n--)
		write_to(procs, "%d", pid[n]);
}

/*
 * For @ms, the processes are stopped, frozen and go on, are interrupted, and
 * once in a while one is killed. All of them run at the end.
 */
void chaos_signals(struct round *r, struct rng *rng, const pid_t *pid, int n,
		   unsigned int ms)
{
	bool killing = rng_one_in(rng, 3);
	long long end = now_ms() + ms;
	int i;

	gather(r, pid, n);
	while (n && now_ms() < end && !r->sh->failed) {
		pid_t victim = pid[rng_below(rng, n)];

		sleep_ms(rng_size(rng, 100));
		switch (rng_below(rng, 9)) {
		case 0:
			kill(victim, SIGSTOP);
			sleep_ms(rng_size(rng, 100));
			kill(victim, SIGCONT);
			break;
		case 1:
			kill(victim, SIGSTOP);
			break;
		case 2:
			for (i = 0; i < n; i++)
				kill(pid[i], SIGCONT);
			break;
		case 3:
			if (killing && rng_one_in(rng, 8))
				kill(victim, SIGKILL);
			break;
		case 4:
			freeze(r, true);
			sleep_ms(rng_size(rng, 200));
			freeze(r, false);
			break;
		default:
			kill(victim, SIGUSR1);
		}
	}
	for (i = 0; i < n; i++)
		kill(pid[i], SIGCONT);
}
