// SPDX-License-Identifier: GPL-2.0-only
/*
 * The client of kv_server.c.
 *
 *   kv_client PATH put KEY <value
 *   kv_client PATH get KEY >value
 */
/* For the seals. */
#define _GNU_SOURCE 1
#include <door.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kv.h"

/* Standard input, in memory that nobody can change any more. */
static int read_value(void)
{
	int fd = memfd_create("value", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char part[65536];
	ssize_t n;

	if (fd < 0)
		err(1, "memfd_create");
	while ((n = read(STDIN_FILENO, part, sizeof(part))) > 0)
		if (write(fd, part, n) != n)
			err(1, "write");
	if (n < 0)
		err(1, "read");
	if (fcntl(fd, F_ADD_SEALS,
		  F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		err(1, "seal");
	return fd;
}

/* The file offset is shared by all who have the descriptor: leave it alone. */
static void write_value(int fd)
{
	off_t pos = 0;
	struct stat st;

	if (fstat(fd, &st))
		err(1, "fstat");
	while (pos < st.st_size)
		if (sendfile(STDOUT_FILENO, fd, &pos, st.st_size - pos) <= 0)
			err(1, "sendfile");
	close(fd);
}

/* Returns the descriptor in the answer, -1 if there is none. */
static int ask(int door, struct kv_request *request, door_desc_t *desc)
{
	/* The answer, and behind it, aligned, the descriptor. */
	char room[128] __attribute__((aligned(8)));
	door_arg_t call = {.data_ptr = (char *)request,
			   .data_size = sizeof(*request),
			   .desc_ptr = desc,
			   .desc_num = desc != NULL,
			   .rbuf = room,
			   .rsize = sizeof(room)};
	struct kv_answer answer;

	if (door_call(door, &call))
		err(1, "door_call");
	if (call.data_size != sizeof(answer))
		errx(1, "the server speaks another language");
	memcpy(&answer, call.data_ptr, sizeof(answer));
	if (answer.error)
		errx(1, "%s: %s", request->key, strerror(answer.error));
	return call.desc_num ? call.desc_ptr->d_data.d_desc.d_descriptor : -1;
}

int main(int argc, char **argv)
{
	struct kv_request request = {.op = KV_GET};
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};
	int door, value;

	if (argc != 4 || (strcmp(argv[2], "put") && strcmp(argv[2], "get")))
		errx(2, "usage: kv_client PATH put|get KEY");
	if (strlen(argv[3]) >= sizeof(request.key))
		errx(2, "%s: too long", argv[3]);
	strcpy(request.key, argv[3]);
	door = door_open(argv[1], O_RDONLY | O_CLOEXEC);
	if (door < 0)
		err(1, "%s", argv[1]);
	if (!strcmp(argv[2], "put")) {
		request.op = KV_PUT;
		desc.d_data.d_desc.d_descriptor = read_value();
		ask(door, &request, &desc);
	} else {
		value = ask(door, &request, NULL);
		if (value < 0)
			errx(1, "no value came");
		write_value(value);
	}
	return 0;
}
