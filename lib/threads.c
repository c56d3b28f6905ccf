// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Threads that serve doors without a factory of their own: the function that
 * makes them, the library's or the program's. It is called when the first
 * shared door is made, for every private door, and whenever the last waiting
 * thread of a pool has been taken.
 */
#include "threads.h"
#include "cancel.h"
#include "server.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#define exported __attribute__((visibility("default")))

static void default_create(door_info_t *info);

static door_server_func_t *_Atomic create_func = default_create;
/* Whether the process has made a shared door; a child starts afresh. */
static atomic_bool served;
/*
 * Threads for the shared pool that have been started and have not served yet.
 * As long as there is one, no other is started: under load, when starting takes
 * longer than serving, every call would start one. It is over when a call takes
 * the thread, not when that goes to wait, because it may be kept from waiting
 * for long: as long as it waits, the pool has a thread, and when it is the last
 * that is taken, it starts the next.
 */
static atomic_int coming;

static void in_child(void)
{
	atomic_store(&served, false);
	atomic_store(&coming, 0);
}

AT_FORK(in_child);

static void arrived(void)
{
	atomic_fetch_sub(&coming, 1);
}

/* A thread of the default function. @arg is the private door's id, or 0. */
static void *serve(void *arg)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	cancel_replaceable();
	if (!arg)
		server_when_taken(arrived);
	if (!arg || server_bind((uintptr_t)arg) == 0)
		door_return(NULL, 0, NULL, 0);
	server_taken();
	return NULL;
}

/*
 * One detached thread. It binds itself if it is for a private door, which would
 * otherwise be served by nobody. Ids are small: they fit a pointer.
 */
static void default_create(door_info_t *info)
{
	void *arg = info ? (void *)(uintptr_t)info->di_uniquifier : NULL;
	pthread_attr_t attr;
	pthread_t thread;
	int none = 0;

	if (!arg && !atomic_compare_exchange_strong(&coming, &none, 1))
		return;
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, serve, arg) == 0)
		sched_yield();
	else if (!arg)
		atomic_store(&coming, 0);
	pthread_attr_destroy(&attr);
}

exported door_server_func_t *door_server_create(door_server_func_t *create)
{
	return atomic_exchange(&create_func, create ? create : default_create);
}

static void call_create(door_info_t *info)
{
	door_server_func_t *create = atomic_load(&create_func);

	create(info);
}

void threads_first(struct private *p)
{
	if (p || !atomic_exchange(&served, true))
		call_create(p ? &p->info : NULL);
}

void threads_more(const struct door_ioc_return *ioc)
{
	struct private *p = NULL;

	if (ioc->attributes & DOOR_PRIVATE) {
		p = private_find(ioc->id);
		if (!p)
			return;
	}
	call_create(p ? &p->more : NULL);
}
