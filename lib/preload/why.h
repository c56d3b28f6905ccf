/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reasons of <linux/door.h> in words, for people who read them. */
#ifndef DOOR_WHY_H
#define DOOR_WHY_H

#include <linux/door.h>

static inline const char *door_why_text(unsigned int why)
{
	static const char *const text[] = {
		[DOOR_WHY_NONE] = "not marked",
		[DOOR_WHY_KIND] = "not a TCP or AF_UNIX stream socket",
		[DOOR_WHY_REMOTE] = "address of another machine",
		[DOOR_WHY_PEER_UNMARKED] = "peer not marked",
		[DOOR_WHY_PEER_GONE] = "peer gone before accept",
		[DOOR_WHY_PEER_UNKNOWN] = "peer not found here",
		[DOOR_WHY_BUSY] = "socket in other use",
		[DOOR_WHY_CONNECTED] = "connected before it was marked",
		[DOOR_WHY_OOB] = "urgent data",
		[DOOR_WHY_OPTION] = "socket option without a door equivalent",
		[DOOR_WHY_MEMORY] = "no memory",
		[DOOR_WHY_DISCONNECT] = "disconnected",
	};

	_Static_assert(sizeof(text) / sizeof(*text) == DOOR_WHY_MAX,
		       "a reason without words");
	return why < DOOR_WHY_MAX ? text[why] : "unknown reason";
}

#endif /* DOOR_WHY_H */
