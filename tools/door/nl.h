/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DOOR_TOOL_NL_H
#define DOOR_TOOL_NL_H

#include <stdint.h>
#include <linux/door.h>
#include <linux/door_netlink.h>

/* All indexed by their attribute types; 0 stays unused. */
struct nl_stats {
	uint64_t counter[DOOR_NL_A_COUNTER_MAX + 1];
	uint64_t fallback[DOOR_WHY_MAX];
	uint64_t held[DOOR_NL_A_HELD_MAX + 1];
};

/* A door that is attached to a file. */
struct nl_name {
	const char *path;
	uint64_t door;
	int pid; /* its owner; 0: not visible, -1: gone */
};

int nl_get_stats(struct nl_stats *stats);
int nl_each_name(int (*found)(const struct nl_name *));

#endif /* DOOR_TOOL_NL_H */
