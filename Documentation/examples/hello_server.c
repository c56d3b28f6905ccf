// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest server: one door, with a name. Its client is hello_client.c.
 *
 *   hello_server PATH
 */
#include <door.h>
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "publish.h"

/* Runs on a thread of this process, once for each call; several at a time. */
static void hello(void *cookie, char *arg, size_t size, door_desc_t *descs,
		  uint_t ndescs)
{
	const char *greeting = cookie;
	char answer[128];
	int len;

	(void)descs;
	(void)ndescs;
	/* The argument is bytes from somebody else: not a string. */
	len = snprintf(answer, sizeof(answer), "%s, %.*s!", greeting,
		       size < 64 ? (int)size : 64, size ? arg : "");
	/* Does not come back: the next call starts afresh. */
	door_return(answer, len, NULL, 0);
	/* It does if it fails. The client still waits: release it. */
	door_return(NULL, 0, NULL, 0);
}

int main(int argc, char **argv)
{
	int door;

	if (argc != 2)
		errx(2, "usage: hello_server PATH");
	door = door_create(hello, "Hello", DOOR_REFUSE_DESC);
	if (door < 0)
		err(1, "door_create");
	publish(door, argv[1], 0666);
	puts("ready");
	fflush(stdout);
	/* The library's threads serve. The name ends with the process. */
	for (;;)
		pause();
}
