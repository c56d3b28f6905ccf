/* SPDX-License-Identifier: GPL-2.0-only */
/* A file to give a door to, in a directory of its own on each kind of file system. */
#ifndef NAME_TEST_H
#define NAME_TEST_H

#include "door_test.h"

#include <stropts.h>
#include <sys/stat.h>

#define DATA "what the file held before"

static inline int put_data(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644), ok;

	ok = fd >= 0 && write(fd, DATA, sizeof(DATA)) == sizeof(DATA);
	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

/* An ordinary file again, with what it held. */
static inline int has_data(const char *path)
{
	char got[sizeof(DATA) + 1];
	int fd = open(path, O_RDONLY), ok;

	ok = fd >= 0 && read(fd, got, sizeof(got)) == sizeof(DATA) &&
	     !memcmp(got, DATA, sizeof(DATA));
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Opening it gives a door that answers. */
static inline int is_door(const char *path)
{
	int fd = open(path, O_RDONLY), ok;

	ok = fd >= 0 && ask(fd, OP_NOTHING, 0) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

static inline uint64_t id_of(int d)
{
	door_info_t info;

	return door_info(d, &info) ? 0 : info.di_uniquifier;
}

struct place {
	struct server s;
	char dir[48];
	char path[64];
	char other[64];
};

static inline int place_make(struct place *p, const char *where)
{
	snprintf(p->dir, sizeof(p->dir), "%s/nameXXXXXX", where);
	if (!mkdtemp(p->dir) || chmod(p->dir, 0755))
		return -1;
	snprintf(p->path, sizeof(p->path), "%s/path", p->dir);
	snprintf(p->other, sizeof(p->other), "%s/other", p->dir);
	return put_data(p->path) || put_data(p->other);
}

static inline void place_clear(struct place *p)
{
	unlink(p->path);
	unlink(p->other);
	rmdir(p->dir);
}

#endif /* NAME_TEST_H */
