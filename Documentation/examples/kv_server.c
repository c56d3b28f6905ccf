// SPDX-License-Identifier: GPL-2.0-only
/*
 * A key-value server that never touches a value: what it is given and hands out
 * are descriptors of sealed memory. However large a value is, it is copied
 * once, by the client that made it.
 *
 *   kv_server PATH
 */
/* For the seals. */
#define _GNU_SOURCE 1
#include <door.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kv.h"
#include "publish.h"

#define SLOTS 64
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static struct slot {
	char key[sizeof(((struct kv_request *)0)->key)];
	int value;
} slots[SLOTS];
/* Procedures run at the same time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The slot of the key, else a free one if there is and one is wanted. */
static struct slot *find(const char *key, int want_free)
{
	struct slot *s, *free_slot = NULL;

	for (s = slots; s < slots + SLOTS; s++) {
		if (!strcmp(s->key, key))
			return s;
		if (!s->key[0])
			free_slot = s;
	}
	return want_free ? free_slot : NULL;
}

/* On success the slot owns the descriptor. */
static int put(const char *key, int value)
{
	int seals = fcntl(value, F_GET_SEALS);
	struct slot *s;

	/* Readers rely on it that nobody changes the value behind their backs.
	 */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return EINVAL;
	pthread_mutex_lock(&lock);
	s = find(key, 1);
	if (s && s->key[0])
		close(s->value);
	if (s) {
		strcpy(s->key, key);
		s->value = value;
	}
	pthread_mutex_unlock(&lock);
	return s ? 0 : ENOSPC;
}

/*
 * A duplicate: once the lock is given back, another thread may put something
 * else there and close the original, before door_return() has passed it on.
 */
static int get(const char *key, int *value)
{
	struct slot *s;
	int ret = ENOENT;

	pthread_mutex_lock(&lock);
	s = find(key, 0);
	if (s) {
		*value = fcntl(s->value, F_DUPFD_CLOEXEC, 0);
		ret = *value < 0 ? errno : 0;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

static void answer(int error, int value)
{
	struct kv_answer a = {error};
	/* DOOR_RELEASE: our descriptor is closed as the client gets its own. */
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};

	desc.d_data.d_desc.d_descriptor = value;
	door_return((char *)&a, sizeof(a), &desc, value >= 0);
	/* The client has no room for a descriptor: ours is still open. */
	a.error = errno;
	if (value >= 0)
		close(value);
	door_return((char *)&a, sizeof(a), NULL, 0);
	door_return(NULL, 0, NULL, 0);
}

static void serve(void *cookie, char *arg, size_t size, door_desc_t *descs,
		  uint_t ndescs)
{
	const struct kv_request *r = (void *)arg;
	int error = EINVAL, value = -1;
	uint_t i;

	(void)cookie;
	if (size == sizeof(*r) && r->key[0] && !r->key[sizeof(r->key) - 1]) {
		if (r->op == KV_GET && ndescs == 0)
			error = get(r->key, &value);
		else if (r->op == KV_PUT && ndescs == 1)
			error = put(r->key,
				    descs[0].d_data.d_desc.d_descriptor);
	}
	/* What comes is ours to close, unless it has been kept. */
	for (i = 0; error && i < ndescs; i++)
		close(descs[i].d_data.d_desc.d_descriptor);
	answer(error, value);
}

int main(int argc, char **argv)
{
	int door;

	if (argc != 2)
		errx(2, "usage: kv_server PATH");
	door = door_create(serve, NULL, 0);
	/* The kernel refuses more descriptors than we have a use for. */
	if (door < 0 || door_setparam(door, DOOR_PARAM_DESC_MAX, 1) ||
	    door_setparam(door, DOOR_PARAM_DATA_MAX, sizeof(struct kv_request)))
		err(1, "door");
	publish(door, argv[1], 0600);
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}
