/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "door": what the module has done so far.
 *
 * DOOR_NL_CMD_STATS_GET (do; anyone may ask, in any network namespace)
 *   request: no attributes; any attribute is refused with EINVAL
 *   answer:  DOOR_NL_A_STATS_COUNTERS (nested), one attribute a counter, each
 *            DOOR_NL_A_COUNTER_* with a u64, summed over all CPUs since the
 *            module was loaded; DOOR_NL_A_STATS_FALLBACKS (nested), one
 *            attribute a reason with a u64: type = DOOR_WHY_* of <linux/door.h>
 *            (>= 1); DOOR_NL_A_STATS_HELD (nested), one attribute a kind, each
 *            DOOR_NL_A_HELD_* with a u64: what is held at this moment, in bytes
 *            unless said otherwise.
 *
 * DOOR_NL_CMD_NAMES_GET (dump; needs CAP_NET_ADMIN)
 *   request: no attributes
 *   answer:  one message a name, in no order: DOOR_NL_A_NAME_*. Names that come and go
 *            during the dump may be missing, or there twice.
 *
 * A u64 starts at a multiple of 8 bytes of the message where the machine needs
 * that: then an empty attribute of type DOOR_NL_A_PAD goes before it. Readers
 * skip that type, and every other one that they do not know.
 */
#ifndef _UAPI_LINUX_DOOR_NETLINK_H
#define _UAPI_LINUX_DOOR_NETLINK_H

#define DOOR_NL_NAME	"door"
#define DOOR_NL_VERSION	1

/* Padding, in every set of attributes. */
#define DOOR_NL_A_PAD	0

enum door_nl_cmd {
	DOOR_NL_CMD_UNSPEC,
	DOOR_NL_CMD_STATS_GET,
	DOOR_NL_CMD_NAMES_GET,
	__DOOR_NL_CMD_MAX
};
#define DOOR_NL_CMD_MAX (__DOOR_NL_CMD_MAX - 1)

enum door_nl_attr_stats {
	DOOR_NL_A_STATS_UNSPEC,
	DOOR_NL_A_STATS_COUNTERS,
	DOOR_NL_A_STATS_FALLBACKS,
	DOOR_NL_A_STATS_HELD,
	__DOOR_NL_A_STATS_MAX
};
#define DOOR_NL_A_STATS_MAX (__DOOR_NL_A_STATS_MAX - 1)

/* A door that is attached to a file. */
enum door_nl_attr_name {
	DOOR_NL_A_NAME_UNSPEC,
	DOOR_NL_A_NAME_PATH,	/* string: of the file, as the asker sees it; "?": too long */
	DOOR_NL_A_NAME_DOOR,	/* u64: id of the door */
	DOOR_NL_A_NAME_PID,	/* s32: of the owner; 0: not visible, -1: gone */
	__DOOR_NL_A_NAME_MAX
};
#define DOOR_NL_A_NAME_MAX (__DOOR_NL_A_NAME_MAX - 1)

/* One a counter. */
enum door_nl_attr_counter {
	DOOR_NL_A_COUNTER_UNSPEC,
	DOOR_NL_A_COUNTER_DOORS_CREATED,	/* door objects born */
	DOOR_NL_A_COUNTER_DOORS_DESTROYED,	/* ... and freed */
	DOOR_NL_A_COUNTER_CALLS,		/* invocations delivered */
	DOOR_NL_A_COUNTER_CALLS_ABORTED,	/* ... that never got their answer */
	DOOR_NL_A_COUNTER_CALL_BYTES_COPIED,	/* argument and result bytes, each copy counted */
	DOOR_NL_A_COUNTER_CALL_BYTES_PINNED,	/* ... of these, from pinned pages */
	DOOR_NL_A_COUNTER_SOCKS_MARKED,		/* sockets marked */
	DOOR_NL_A_COUNTER_STREAMS_JOINED,	/* pairs of sockets joined */
	DOOR_NL_A_COUNTER_STREAMS_ENDED,	/* streams freed */
	DOOR_NL_A_COUNTER_STREAM_BYTES,		/* bytes written through streams */
	DOOR_NL_A_COUNTER_BASE_MESSAGES,	/* messages that went over a joined socket itself */
	DOOR_NL_A_COUNTER_NAMES_ATTACHED,	/* doors attached to files */
	DOOR_NL_A_COUNTER_LIMITS_REACHED,	/* times that a limit refused more */
	__DOOR_NL_A_COUNTER_MAX
};
#define DOOR_NL_A_COUNTER_MAX (__DOOR_NL_A_COUNTER_MAX - 1)

/* What users are charged for, one a kind. */
enum door_nl_attr_held {
	DOOR_NL_A_HELD_UNSPEC,
	DOOR_NL_A_HELD_LANES,		/* room of streams */
	DOOR_NL_A_HELD_WINDOWS,		/* where server threads receive small arguments */
	DOOR_NL_A_HELD_ARGS,		/* copies of arguments that wait for a thread */
	DOOR_NL_A_HELD_RESULTS,		/* copies of results that wait for their caller */
	DOOR_NL_A_HELD_PINS,		/* memory of callers and servers, pinned for a call */
	DOOR_NL_A_HELD_OBJECTS,		/* doors, server threads, names: how many */
	__DOOR_NL_A_HELD_MAX
};
#define DOOR_NL_A_HELD_MAX (__DOOR_NL_A_HELD_MAX - 1)

#endif /* _UAPI_LINUX_DOOR_NETLINK_H */
