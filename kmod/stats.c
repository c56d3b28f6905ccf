// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: bumped by whichever room knows the outcome, on its own CPU without
 * a lock, and summed only when somebody asks (netlink). No room reads them to
 * decide anything.
 */
#include "stats.h"

#include <linux/cpumask.h>
#include <linux/string.h>

DEFINE_PER_CPU(struct door_stats, door_stats);

/**
 * door_stats_sum - add up the counters of all CPUs
 * @sum: receives the totals
 */
void door_stats_sum(struct door_stats *sum)
{
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct door_stats *s = per_cpu_ptr(&door_stats, cpu);

		for (i = 0; i < DOOR_NL_A_COUNTER_MAX; i++)
			sum->counter[i] += READ_ONCE(s->counter[i]);
		for (i = 0; i < DOOR_WHY_MAX; i++)
			sum->fallback[i] += READ_ONCE(s->fallback[i]);
	}
}
