/* SPDX-License-Identifier: GPL-2.0-only */
/* A server, and files to attach its door to on each kind of file system. */
#ifndef NAME_TEST_H
#define NAME_TEST_H

#include "door_test.h"

#include <sched.h>
#include <stropts.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define DATA "what the file held before"
#define NOBODY 65534

static inline int put_data(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644), ok;

	ok = fd >= 0 && write(fd, DATA, sizeof(DATA)) == sizeof(DATA);
	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

static inline int reads_data(int fd)
{
	char got[sizeof(DATA) + 1];

	return read(fd, got, sizeof(got)) == sizeof(DATA) &&
	       !memcmp(got, DATA, sizeof(DATA));
}

/* An ordinary file again, with what it held. */
static inline int has_data(const char *path)
{
	int fd = open(path, O_RDONLY), ok = fd >= 0 && reads_data(fd);

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

/* What errno @run leaves in a process of its own, 0 if it succeeds. */
#define errno_of(run)                             \
	({                                        \
		int status_;                      \
		pid_t pid_ = fork();              \
		if (pid_ == 0)                    \
			_exit((run) ? errno : 0); \
		waitpid(pid_, &status_, 0);       \
		WEXITSTATUS(status_);             \
	})

/* The same as another user. */
#define errno_as(uid, run) \
	errno_of(setresgid(uid, uid, uid) || setresuid(uid, uid, uid) || (run))

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
	return put_data(p->path) || put_data(p->other) ? -1 : 0;
}

static inline void place_clear(struct place *p)
{
	unlink(p->path);
	unlink(p->other);
	rmdir(p->dir);
}

/* Whatever the test needs of it is in self->p; the root here is an overlay. */
#define PLACE_FIXTURE(name)                                         \
	FIXTURE(name)                                               \
	{                                                           \
		struct place p;                                     \
	};                                                          \
	FIXTURE_VARIANT(name)                                       \
	{                                                           \
		const char *where;                                  \
	};                                                          \
	FIXTURE_VARIANT_ADD(name, overlay){.where = "/tmp"};        \
	FIXTURE_VARIANT_ADD(name, tmpfs){.where = "/dev/shm"};      \
	FIXTURE_SETUP(name)                                         \
	{                                                           \
		ASSERT_EQ(0, server_start(&self->p.s));             \
		ASSERT_EQ(0, place_make(&self->p, variant->where)); \
	}                                                           \
	FIXTURE_TEARDOWN(name)                                      \
	{                                                           \
		server_stop(&self->p.s);                            \
		place_clear(&self->p);                              \
	}

#endif /* NAME_TEST_H */
