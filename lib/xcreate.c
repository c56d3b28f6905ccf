// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Doors with a thread factory of their own. The factory starts a thread on our
 * start routine; the thread binds itself to the door and says so before anybody
 * relies on it. What the two share is on the heap and counted, because a
 * factory may say one thing and do another.
 */
#include "create.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define exported __attribute__((visibility("default")))

#define XCREATE_MASK (CREATE_MASK | DOOR_NO_DEPLETION_CB)

enum stage { STARTING, BOUND, FAILED, GO, QUIT };

/* One thread on its way; shared by it and whoever asked for it. */
struct start {
	struct start *next;
	struct factory factory;
	door_id_t door;
	enum stage stage;
	int refs;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

/* Nobody else is here: to hold the lock, or to wait. */
static void in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	pthread_cond_init(&changed, NULL);
}

AT_FORK(in_child);

static void put(struct start *s)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&lock);
	if (last)
		free(s);
}

static void set_stage(struct start *s, enum stage stage)
{
	pthread_mutex_lock(&lock);
	if (s->stage != QUIT)
		s->stage = stage;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

/* No cancellation point: the lock would never be given back. */
static enum stage wait_beyond(struct start *s, enum stage stage)
{
	enum stage now;
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&lock);
	while (s->stage == stage)
		pthread_cond_wait(&changed, &lock);
	now = s->stage;
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(old, NULL);
	return now;
}

static void *start_routine(void *arg)
{
	struct start *s = arg;
	const struct factory *f = &s->factory;
	bool go;
	int old;

	if (f->setup) {
		f->setup(f->cookie);
	} else {
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
		pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &old);
	}
	set_stage(s, server_bind(s->door) == 0 ? BOUND : FAILED);
	go = wait_beyond(s, BOUND) == GO;
	put(s);
	if (go)
		door_return(NULL, 0, NULL, 0);
	return NULL;
}

/*
 * One thread, bound when this returns. Returns 0, or -errno: EINVAL if the
 * factory declined.
 */
static int start_thread(const struct factory *f, door_info_t *info,
			struct start **out)
{
	struct start *s = malloc(sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	*s = (struct start){
		.factory = *f, .door = info->di_uniquifier, .refs = 2};
	ret = f->create(info, start_routine, s, f->cookie);
	if (ret == 1) {
		*out = s;
		return wait_beyond(s, STARTING) == BOUND ? 0 : -EBADF;
	}
	if (ret != 0 && ret != -1)
		abort();
	/* Should there be a thread nevertheless, it ends by itself. */
	set_stage(s, QUIT);
	put(s);
	return ret == 0 ? -EINVAL : -EPIPE;
}

static void end_starts(struct start *list, enum stage stage)
{
	struct start *s;

	while ((s = list)) {
		list = s->next;
		set_stage(s, stage);
		put(s);
	}
}

/* One more thread, from the door's own factory. */
static void more(const struct door_ioc_return *ioc)
{
	struct private *p = private_find(ioc->id);
	struct start *s = NULL;
	int ret;

	if (!p)
		return;
	ret = start_thread(&p->factory, &p->more, &s);
	if (s)
		end_starts(s, ret == 0 ? GO : QUIT);
}

static int start_threads(struct private *p, int nthread)
{
	struct start *list = NULL, *s;
	int ret = 0;

	while (ret == 0 && nthread-- > 0) {
		s = NULL;
		ret = start_thread(&p->factory, &p->info, &s);
		if (s) {
			s->next = list;
			list = s;
		}
	}
	end_starts(list, ret == 0 ? GO : QUIT);
	return ret;
}

exported int door_xcreate(door_server_procedure_t *procedure, void *cookie,
			  uint_t attributes, door_xcreate_server_func_t *create,
			  door_xcreate_thrsetup_func_t *setup,
			  void *create_cookie, int nthread)
{
	struct door_ioc_create ioc = {
		.procedure = (uintptr_t)procedure,
		.cookie = (uintptr_t)cookie,
		.attributes = attributes | DOOR_PRIVATE | DOOR_PRIVCREATE,
	};
	struct factory factory = {create, setup, create_cookie};
	struct private *p;
	int d, ret;

	if (!procedure || !create || nthread < 1 ||
	    (attributes & ~XCREATE_MASK) ||
	    (attributes & BOTH_UNREF) == BOTH_UNREF)
		return result(-EINVAL);
	p = private_new(&factory);
	if (!p)
		return result(-ENOMEM);
	d = create_door(&ioc, p, more);
	if (d < 0)
		return result(d);
	ret = start_threads(p, nthread);
	if (ret == 0)
		return d;
	door_revoke(d);
	private_gone(p->info.di_uniquifier);
	return result(ret);
}
