// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks bind_helper.c for a socket bound to a low port, and listens there.
 *
 *   bind_client PATH PORT
 */
#include <arpa/inet.h>
#include <door.h>
#include <err.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A bound socket; ends the program if there is none. */
static int ask(int door, in_port_t port)
{
	/* Room for the error and, from the next multiple of 24, a descriptor.
	 */
	char room[2 * sizeof(door_desc_t)] __attribute__((aligned(8)));
	door_arg_t call = {.data_ptr = (char *)&port,
			   .data_size = sizeof(port),
			   .rbuf = room,
			   .rsize = sizeof(room)};
	int error;

	if (door_call(door, &call))
		err(1, "door_call");
	if (call.data_size != sizeof(error))
		errx(1, "no answer");
	memcpy(&error, call.data_ptr, sizeof(error));
	if (error)
		errx(1, "port %u: %s", port, strerror(error));
	if (call.desc_num != 1)
		errx(1, "no socket");
	return call.desc_ptr->d_data.d_desc.d_descriptor;
}

int main(int argc, char **argv)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int door, fd;

	if (argc != 3)
		errx(2, "usage: bind_client PATH PORT");
	door = door_open(argv[1], O_RDONLY | O_CLOEXEC);
	if (door < 0)
		err(1, "%s", argv[1]);
	fd = ask(door, (in_port_t)strtoul(argv[2], NULL, 10));
	if (listen(fd, 1) || getsockname(fd, (struct sockaddr *)&addr, &len))
		err(1, "listen");
	printf("uid %u listens on port %u\n", geteuid(), ntohs(addr.sin_port));
	return 0;
}
