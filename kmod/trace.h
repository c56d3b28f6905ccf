/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints, under events/door/ of tracefs: what a counter cannot tell, namely
 * which process and when. The room that knows the outcome emits the event.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM door

#if !defined(_DOOR_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _DOOR_TRACE_H

#include <linux/socket.h>
#include <linux/tracepoint.h>
#include <linux/door.h>

#define door_trace_why(why)						\
	__print_symbolic(why,						\
			 { DOOR_WHY_NONE,		"none" },		\
			 { DOOR_WHY_KIND,		"kind" },		\
			 { DOOR_WHY_REMOTE,		"remote" },		\
			 { DOOR_WHY_PEER_UNMARKED,	"peer_unmarked" },	\
			 { DOOR_WHY_PEER_GONE,		"peer_gone" },		\
			 { DOOR_WHY_PEER_UNKNOWN,	"peer_unknown" },	\
			 { DOOR_WHY_BUSY,		"busy" },		\
			 { DOOR_WHY_CONNECTED,		"connected" },		\
			 { DOOR_WHY_OOB,		"oob" },		\
			 { DOOR_WHY_OPTION,		"option" },		\
			 { DOOR_WHY_MEMORY,		"memory" },		\
			 { DOOR_WHY_DISCONNECT,		"disconnect" })

#define door_trace_family(family)					\
	__print_symbolic(family,					\
			 { AF_UNIX,	"unix" },			\
			 { AF_INET,	"inet" },			\
			 { AF_INET6,	"inet6" })

/* A marked socket becomes, or stays, an ordinary one. */
TRACE_EVENT(door_fallback,
	TP_PROTO(unsigned int why, unsigned int family),
	TP_ARGS(why, family),
	TP_STRUCT__entry(
		__field(unsigned int, why)
		__field(unsigned int, family)
	),
	TP_fast_assign(
		__entry->why = why;
		__entry->family = family;
	),
	TP_printk("why=%s family=%s", door_trace_why(__entry->why),
		  door_trace_family(__entry->family))
);

/* Two sockets now share a stream. */
TRACE_EVENT(door_join,
	TP_PROTO(unsigned int family),
	TP_ARGS(family),
	TP_STRUCT__entry(
		__field(unsigned int, family)
	),
	TP_fast_assign(
		__entry->family = family;
	),
	TP_printk("family=%s", door_trace_family(__entry->family))
);

/* A call is delivered to a server thread; the client's event. */
TRACE_EVENT(door_call,
	TP_PROTO(u64 door, size_t size, pid_t server),
	TP_ARGS(door, size, server),
	TP_STRUCT__entry(
		__field(u64, door)
		__field(size_t, size)
		__field(pid_t, server)
	),
	TP_fast_assign(
		__entry->door = door;
		__entry->size = size;
		__entry->server = server;
	),
	TP_printk("door=%llu size=%zu server=%d", __entry->door, __entry->size,
		  __entry->server)
);

/* ... and answered; the server thread's event. */
TRACE_EVENT(door_return,
	TP_PROTO(size_t size),
	TP_ARGS(size),
	TP_STRUCT__entry(
		__field(size_t, size)
	),
	TP_fast_assign(
		__entry->size = size;
	),
	TP_printk("size=%zu", __entry->size)
);

/* ... or not; the event of whoever gave up, or whose end it was. */
TRACE_EVENT(door_abort,
	TP_PROTO(int err),
	TP_ARGS(err),
	TP_STRUCT__entry(
		__field(int, err)
	),
	TP_fast_assign(
		__entry->err = err;
	),
	TP_printk("err=%d", __entry->err)
);

#endif /* _DOOR_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
