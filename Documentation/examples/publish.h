/* SPDX-License-Identifier: GPL-2.0-only */
/* How the servers here give their door a name. */
#ifndef PUBLISH_H
#define PUBLISH_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stropts.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A door is attached to a file, whose permissions say who may call. It gets its
 * place by rename(), so a client finds the door of the server before or this
 * one, never a file without a door. What an earlier server has left goes away.
 */
static inline void publish(int door, const char *path, mode_t mode)
{
	char new_path[4096];
	int file;

	if (snprintf(new_path, sizeof(new_path), "%s.new", path) >=
	    (int)sizeof(new_path))
		errx(1, "%s: too long", path);
	if (unlink(new_path) && errno != ENOENT)
		err(1, "%s", new_path);
	file = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0 || fchmod(file, mode))
		err(1, "%s", new_path);
	close(file);
	if (fattach(door, new_path))
		err(1, "fattach %s", new_path);
	if (rename(new_path, path))
		err(1, "%s", path);
}

#endif /* PUBLISH_H */
