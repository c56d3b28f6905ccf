// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest client, for hello_server.c.
 *
 *   hello_client PATH NAME
 */
#include <door.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int main(int argc, char **argv)
{
	char answer[128];
	door_arg_t call;
	int door;

	if (argc != 3)
		errx(2, "usage: hello_client PATH NAME");
	/* open() does, too; this one fails if no server is there. */
	door = door_open(argv[1], O_RDONLY | O_CLOEXEC);
	if (door < 0)
		err(1, "%s", argv[1]);
	call = (door_arg_t){.data_ptr = argv[2],
			    .data_size = strlen(argv[2]),
			    .rbuf = answer,
			    .rsize = sizeof(answer)};
	/* EINTR would mean: it is not known whether the procedure ran. */
	if (door_call(door, &call))
		err(1, "door_call");
	printf("%.*s\n", (int)call.data_size, call.data_ptr);
	/* An answer that does not fit comes in memory of its own. */
	if (call.rbuf != answer)
		munmap(call.rbuf, call.rsize);
	return 0;
}
