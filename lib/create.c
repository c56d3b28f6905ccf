// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Birth of doors and of the threads that serve them. A thread is made when the
 * first shared door is, one for every private door, and one whenever the last
 * waiting thread of a pool has been taken; which function makes it, the program
 * can say.
 */
#include "server.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#define exported __attribute__((visibility("default")))

#define CREATE_MASK                                                        \
	(DOOR_UNREF | DOOR_PRIVATE | DOOR_UNREF_MULTI | DOOR_REFUSE_DESC | \
	 DOOR_NO_CANCEL)

#define BOTH_UNREF (DOOR_UNREF | DOOR_UNREF_MULTI)

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
/* The calling thread is one of them. */
static __thread bool fresh __attribute__((tls_model("initial-exec")));

static void in_child(void)
{
	atomic_store(&served, false);
	atomic_store(&coming, 0);
	fresh = false;
}

AT_FORK(in_child);

void create_arrived(void)
{
	if (__builtin_expect(!fresh, 1))
		return;
	fresh = false;
	atomic_fetch_sub(&coming, 1);
}

/* A thread of the default function. @arg is the private door's id, or 0. */
static void *serve(void *arg)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	fresh = !arg;
	if (!arg || bind_thread((uintptr_t)arg) == 0)
		door_return(NULL, 0, NULL, 0);
	create_arrived();
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

void create_more(const struct door_ioc_return *ioc)
{
	door_info_t info = {0};

	if (!(ioc->attributes & DOOR_PRIVATE)) {
		call_create(NULL);
		return;
	}
	info.di_target = getpid();
	info.di_proc = ioc->procedure;
	info.di_data = ioc->cookie;
	info.di_attributes = ioc->attributes | DOOR_LOCAL | DOOR_DEPLETION_CB;
	info.di_uniquifier = ioc->id;
	if (ioc->attributes & DOOR_PRIVCREATE)
		xcreate_more(&info);
	else
		call_create(&info);
}

int create_door(struct door_ioc_create *ioc)
{
	int control = control_get(), ret;

	if (control < 0)
		return control;
	ret = sys_create(control, ioc);
	if (ret < 0 && control_lost(control, ret)) {
		control = control_get();
		ret = control < 0 ? control : sys_create(control, ioc);
	}
	if (ret >= 0 && !(ioc->attributes & DOOR_NO_CANCEL))
		cancel_watch();
	return ret;
}

exported int door_create(door_server_procedure_t *procedure, void *cookie,
			 uint_t attributes)
{
	struct door_ioc_create ioc = {
		.procedure = (uintptr_t)procedure,
		.cookie = (uintptr_t)cookie,
		.attributes = attributes,
	};
	door_info_t info;
	int d;

	if (!procedure || (attributes & ~CREATE_MASK) ||
	    (attributes & BOTH_UNREF) == BOTH_UNREF)
		return result(-EINVAL);
	d = create_door(&ioc);
	if (d < 0)
		return result(d);
	if (!(attributes & DOOR_PRIVATE)) {
		if (!atomic_exchange(&served, true))
			call_create(NULL);
	} else if (door_info(d, &info) == 0) {
		call_create(&info);
	}
	return d;
}
