// SPDX-License-Identifier: GPL-2.0-only
/* door stat: the module's counters, for people and for programs. */
#include "door.h"
#include "nl.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "preload/why.h"

struct label {
	const char *name; /* in JSON; part of the tool's interface */
	const char *text;
};

static const struct label counters[] = {
	[DOOR_NL_A_COUNTER_DOORS_CREATED] = {"doors_created", "doors created"},
	[DOOR_NL_A_COUNTER_DOORS_DESTROYED] = {"doors_destroyed",
					       "doors destroyed"},
	[DOOR_NL_A_COUNTER_CALLS] = {"calls", "calls delivered"},
	[DOOR_NL_A_COUNTER_CALLS_ABORTED] = {"calls_aborted", "calls aborted"},
	[DOOR_NL_A_COUNTER_CALL_BYTES_COPIED] = {"call_bytes_copied",
						 "call bytes copied"},
	[DOOR_NL_A_COUNTER_CALL_BYTES_PINNED] = {"call_bytes_pinned",
						 "  of these, pinned"},
	[DOOR_NL_A_COUNTER_SOCKS_MARKED] = {"socks_marked", "sockets marked"},
	[DOOR_NL_A_COUNTER_STREAMS_JOINED] = {"streams_joined",
					      "socket pairs joined"},
	[DOOR_NL_A_COUNTER_STREAMS_ENDED] = {"streams_ended", "streams ended"},
	[DOOR_NL_A_COUNTER_STREAM_BYTES] = {"stream_bytes",
					    "bytes over streams"},
	[DOOR_NL_A_COUNTER_BASE_MESSAGES] = {"base_messages",
					     "messages over their sockets"},
	[DOOR_NL_A_COUNTER_NAMES_ATTACHED] = {"names_attached",
					      "names attached"},
	[DOOR_NL_A_COUNTER_LIMITS_REACHED] = {"limits_reached",
					      "limits reached"},
};
_Static_assert(sizeof(counters) / sizeof(*counters) ==
		       DOOR_NL_A_COUNTER_MAX + 1,
	       "a counter without a label");

static const struct label held[] = {
	[DOOR_NL_A_HELD_LANES] = {"lanes", "bytes for streams"},
	[DOOR_NL_A_HELD_WINDOWS] = {"windows", "bytes for server threads"},
	[DOOR_NL_A_HELD_ARGS] = {"args", "bytes of arguments that wait"},
	[DOOR_NL_A_HELD_RESULTS] = {"results", "bytes of results that wait"},
	[DOOR_NL_A_HELD_PINS] = {"pins", "bytes pinned for calls"},
	[DOOR_NL_A_HELD_OBJECTS] = {"objects", "doors, threads and names"},
};
_Static_assert(sizeof(held) / sizeof(*held) == DOOR_NL_A_HELD_MAX + 1,
	       "a kind without a label");

/* The names of the reasons in JSON; the words for people are door_why_text().
 */
static const char *const whys[] = {
	[DOOR_WHY_KIND] = "kind",
	[DOOR_WHY_REMOTE] = "remote",
	[DOOR_WHY_PEER_UNMARKED] = "peer_unmarked",
	[DOOR_WHY_PEER_GONE] = "peer_gone",
	[DOOR_WHY_PEER_UNKNOWN] = "peer_unknown",
	[DOOR_WHY_BUSY] = "busy",
	[DOOR_WHY_CONNECTED] = "connected",
	[DOOR_WHY_OOB] = "oob",
	[DOOR_WHY_OPTION] = "option",
	[DOOR_WHY_MEMORY] = "memory",
	[DOOR_WHY_DISCONNECT] = "disconnect",
};
_Static_assert(sizeof(whys) / sizeof(*whys) == DOOR_WHY_MAX,
	       "a reason without a name");

static void print_text(const struct nl_stats *stats)
{
	int i;

	for (i = 1; i <= DOOR_NL_A_COUNTER_MAX; i++)
		printf("%-42s %15" PRIu64 "\n", counters[i].text,
		       stats->counter[i]);
	puts("held now:");
	for (i = 1; i <= DOOR_NL_A_HELD_MAX; i++)
		printf("  %-40s %15" PRIu64 "\n", held[i].text, stats->held[i]);
	puts("sockets that stayed or became plain:");
	for (i = 1; i < DOOR_WHY_MAX; i++)
		printf("  %-40s %15" PRIu64 "\n", door_why_text(i),
		       stats->fallback[i]);
}

static void print_json(const struct nl_stats *stats)
{
	int i;

	printf("{\"counters\":{");
	for (i = 1; i <= DOOR_NL_A_COUNTER_MAX; i++)
		printf("%s\"%s\":%" PRIu64, i > 1 ? "," : "", counters[i].name,
		       stats->counter[i]);
	printf("},\"fallbacks\":{");
	for (i = 1; i < DOOR_WHY_MAX; i++)
		printf("%s\"%s\":%" PRIu64, i > 1 ? "," : "", whys[i],
		       stats->fallback[i]);
	printf("},\"held\":{");
	for (i = 1; i <= DOOR_NL_A_HELD_MAX; i++)
		printf("%s\"%s\":%" PRIu64, i > 1 ? "," : "", held[i].name,
		       stats->held[i]);
	printf("}}\n");
}

int cmd_stat(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {}};
	struct nl_stats stats;
	bool json = false;
	int option, code;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return EXIT_USAGE;
		json = true;
	}
	if (optind < argc)
		return complain(EXIT_USAGE, argv[optind],
				"unexpected argument");
	code = nl_get_stats(&stats);
	if (code)
		return code;
	if (json)
		print_json(&stats);
	else
		print_text(&stats);
	return EXIT_OK;
}
