/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_STATS_H
#define _DOOR_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>
#include <linux/door.h>
#include <linux/door_netlink.h>

/* A counter's index is its netlink attribute less one. */
#define DOOR_STAT(name) (DOOR_NL_A_COUNTER_##name - 1)

/**
 * struct door_stats - what one CPU has counted
 * @counter: indexed by DOOR_STAT(NAME)
 * @fallback: indexed by DOOR_WHY_*
 *
 * (this CPU only; read by summing, which may see a bump late)
 */
struct door_stats {
	u64 counter[DOOR_NL_A_COUNTER_MAX];
	u64 fallback[DOOR_WHY_MAX];
};

DECLARE_PER_CPU(struct door_stats, door_stats);

#define door_stat_add(name, n) \
	this_cpu_add(door_stats.counter[DOOR_STAT(name)], (n))
#define door_stat_inc(name) door_stat_add(name, 1)
#define door_stat_fallback(why) this_cpu_inc(door_stats.fallback[why])

void door_stats_sum(struct door_stats *sum);

#endif /* _DOOR_STATS_H */
