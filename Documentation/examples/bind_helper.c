// SPDX-License-Identifier: GPL-2.0-only
/*
 * Privilege separation: a helper, started as root, that binds low ports for one
 * unprivileged user and hands over the sockets. Who asks it learns from the
 * kernel, not from the client; what it does is little enough to be looked over.
 *
 *   bind_helper PATH UID
 */
#include <arpa/inet.h>
#include <door.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <ucred.h>
#include <unistd.h>

#include "publish.h"

static uid_t trusted;

/* May the caller of this very call? Not: whoever opened the door once. */
static int allowed(void)
{
	ucred_t *cred = NULL;
	uid_t uid;

	/* No answer is a no; EINVAL, for example, is a client that has gone. */
	if (door_ucred(&cred))
		return 0;
	/*
	 * Users of a namespace that we do not see all have the overflow id:
	 * never trust that one. Nor is root of a container root here.
	 */
	uid = ucred_geteuid(cred);
	ucred_free(cred);
	return uid == trusted || uid == 0;
}

/* A socket bound to the port, or -errno. */
static int bind_port(in_port_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr = {htonl(INADDR_LOOPBACK)},
				   .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, ret;

	if (fd >= 0 &&
	    !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) &&
	    !bind(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static void serve(void *cookie, char *arg, size_t size, door_desc_t *descs,
		  uint_t ndescs)
{
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};
	int ret = -EINVAL, error;
	in_port_t port;

	(void)cookie;
	(void)descs;
	(void)ndescs;
	/* Aligned, and complete: DATA_MIN and DATA_MAX have seen to it. */
	if (size == sizeof(port)) {
		port = *(in_port_t *)(void *)arg;
		if (!allowed())
			ret = -EPERM;
		else if (port > 0 && port < 1024)
			ret = bind_port(port);
	}
	desc.d_data.d_desc.d_descriptor = ret;
	error = ret < 0 ? -ret : 0;
	door_return((char *)&error, sizeof(error), &desc, ret >= 0);
	error = errno;
	if (ret >= 0)
		close(ret);
	door_return((char *)&error, sizeof(error), NULL, 0);
	door_return(NULL, 0, NULL, 0);
}

int main(int argc, char **argv)
{
	int door;

	if (argc != 3)
		errx(2, "usage: bind_helper PATH UID");
	trusted = strtoul(argv[2], NULL, 10);
	/* Nothing comes in but a number, and the kernel sees to that. */
	door = door_create(serve, NULL, DOOR_REFUSE_DESC);
	if (door < 0 ||
	    door_setparam(door, DOOR_PARAM_DATA_MAX, sizeof(in_port_t)) ||
	    door_setparam(door, DOOR_PARAM_DATA_MIN, sizeof(in_port_t)))
		err(1, "door");
	/* Anybody may ask. */
	publish(door, argv[1], 0666);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
