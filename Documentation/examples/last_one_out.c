// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server that ends when its last client has gone, however that went: by
 * close(), exit or kill. There is no protocol for saying good-bye that could be
 * forgotten.
 *
 *   last_one_out PATH       serve until nobody has the door open any more
 */
#include <door.h>
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <unistd.h>

#include "publish.h"

static sem_t all_gone;
static const char *path;
static int door;

/*
 * Somebody may open the door between the notice and fdetach(). So first the
 * name goes, then we look: if the door has a client again, the last close() of
 * that one leads here once more, for DOOR_UNREF_MULTI tells each time.
 */
static void unreferenced(void)
{
	door_info_t info;

	if (fdetach(path) == 0)
		unlink(path);
	if (door_info(door, &info))
		err(1, "door_info");
	if (info.di_attributes & DOOR_IS_UNREF)
		sem_post(&all_gone);
}

static void serve(void *cookie, char *arg, size_t size, door_desc_t *descs,
		  uint_t ndescs)
{
	static const char answer[] = "at your service";

	(void)cookie;
	(void)size;
	(void)descs;
	(void)ndescs;
	/* No client can send this address: it is the kernel's own call. */
	if (arg == DOOR_UNREF_DATA) {
		unreferenced();
		door_return(NULL, 0, NULL, 0);
	}
	door_return((char *)answer, sizeof(answer) - 1, NULL, 0);
	door_return(NULL, 0, NULL, 0);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: last_one_out PATH");
	path = argv[1];
	if (sem_init(&all_gone, 0, 0))
		err(1, "sem_init");
	/* Our own descriptor is not counted, and neither is the name. */
	door = door_create(serve, NULL, DOOR_UNREF_MULTI | DOOR_REFUSE_DESC);
	if (door < 0)
		err(1, "door_create");
	publish(door, path, 0666);
	puts("ready");
	fflush(stdout);
	while (sem_wait(&all_gone) && errno == EINTR)
		;
	puts("all gone");
	return 0;
}
