// SPDX-License-Identifier: GPL-2.0-only
/*
 * Servers that close every descriptor but their door, as daemons do: the
 * library's own goes with them, and its number becomes something else.
 */
#include "door_test.h"

#include <ucred.h>

/* What a procedure found when it asked the library. */
struct found {
	int cred, cred_err, ucred, pidfd, query, query_err, unbind, bind;
	pid_t pid;
	door_id_t id;
};

static int door = -1;

static void look(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	ucred_t *uc = NULL;
	struct found f = {0};
	door_cred_t cred = {0};
	door_info_t info = {0};

	(void)argp;
	(void)dp;
	(void)n;
	if (!size)
		door_return(NULL, 0, NULL, 0);
	f.cred = door_cred(&cred);
	f.cred_err = errno;
	f.pid = cred.dc_pid;
	f.ucred = door_ucred(&uc);
	ucred_free(uc);
	f.pidfd = door_pidfd();
	if (f.pidfd >= 0)
		close(f.pidfd);
	f.query = door_info(DOOR_QUERY, &info);
	f.query_err = errno;
	f.id = info.di_uniquifier;
	if (cookie) {
		f.unbind = door_unbind();
		f.bind = door_bind(door);
	}
	door_return((char *)&f, sizeof(f), NULL, 0);
}

/* The library's descriptor; what @fd is takes its number, if it is anything. */
static void close_library(int fd)
{
	char path[64], target[64];

	for (int i = 3; i < 64; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", i);
		memset(target, 0, sizeof(target));
		if (readlink(path, target, sizeof(target) - 1) < 0 ||
		    strcmp(target, "/dev/door") != 0)
			continue;
		if (fd < 0)
			close(i);
		else
			dup2(fd, i);
	}
}

static int nothing(void)
{
	return -1;
}

static int null(void)
{
	return open("/dev/null", O_RDWR);
}

/* Has words of its own for commands that it does not know. */
static int urandom(void)
{
	return open("/dev/urandom", O_RDONLY);
}

static int tcp(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

/* Knows some commands of /dev/door. */
static int other_door(void)
{
	return door_create(obey, NULL, DOOR_NO_CANCEL);
}

static int (*successor)(void);
static uint_t attributes;

static int make_closing(void)
{
	int fd;

	door = door_create(look, attributes ? &door : NULL, attributes);
	/* A thread serves. */
	if (door < 0 || door_call(door, NULL))
		return -1;
	fd = successor();
	close_library(fd);
	if (fd >= 0)
		close(fd);
	return door;
}

FIXTURE(closed)
{
	struct server s;
};

FIXTURE_VARIANT(closed)
{
	int (*successor)(void);
	uint_t attributes;
};

#define VARIANTS(name)                                         \
	FIXTURE_VARIANT_ADD(closed, name##_shared){            \
		.successor = name,                             \
	};                                                     \
	FIXTURE_VARIANT_ADD(closed, name##_private)            \
	{                                                      \
		.successor = name, .attributes = DOOR_PRIVATE, \
	}

VARIANTS(nothing);
VARIANTS(null);
VARIANTS(urandom);
VARIANTS(tcp);
VARIANTS(other_door);

FIXTURE_SETUP(closed)
{
	successor = variant->successor;
	attributes = variant->attributes;
	ASSERT_EQ(0, server_with(&self->s, make_closing));
}

FIXTURE_TEARDOWN(closed)
{
	server_stop(&self->s);
}

TEST_F(closed, first_question)
{
	door_info_t info;
	struct found f;

	ASSERT_EQ(0, door_info(self->s.door, &info));
	for (int i = 0; i < 3; i++) {
		door_arg_t a = {(char *)&i, sizeof(i),	NULL,
				0,	    (char *)&f, sizeof(f)};

		ASSERT_EQ(0, door_call(self->s.door, &a));
		EXPECT_EQ(0, f.cred);
		EXPECT_EQ(getpid(), f.pid);
		EXPECT_EQ(0, f.ucred);
		EXPECT_LE(0, f.pidfd);
		if (variant->attributes) {
			EXPECT_EQ(0, f.query);
			EXPECT_EQ(info.di_uniquifier, f.id);
			EXPECT_EQ(0, f.unbind);
			EXPECT_EQ(0, f.bind);
		} else {
			EXPECT_EQ(-1, f.query);
			EXPECT_EQ(EBADF, f.query_err);
		}
	}
}

TEST_HARNESS_MAIN
