// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Private doors: what those who make their threads have to know, one record for
 * each. A program may let new threads read the description that it got, at any
 * time while the door is there; so it lies in memory that is used again for
 * other doors, but never for anything else.
 */
#include "private.h"

#include <stdlib.h>

static struct private *doors, *unused;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The parent's doors are not the child's. */
static void in_child(void)
{
	struct private **p = &doors;

	pthread_mutex_init(&lock, NULL);
	while (*p)
		p = &(*p)->next;
	*p = unused;
	unused = doors;
	doors = NULL;
}

AT_FORK(in_child);

/* Nothing in between is a cancellation point. */
static void put(struct private **list, struct private *p)
{
	pthread_mutex_lock(&lock);
	p->next = *list;
	*list = p;
	pthread_mutex_unlock(&lock);
}

struct private *private_new(const struct factory *factory)
{
	struct private *p;

	pthread_mutex_lock(&lock);
	p = unused;
	if (p)
		unused = p->next;
	pthread_mutex_unlock(&lock);
	if (!p)
		p = malloc(sizeof(*p));
	if (p)
		*p = (struct private){.factory = *factory};
	return p;
}

void private_add(struct private *p, int d)
{
	struct door_ioc_info ioc = {0};

	sys_info(d, &ioc);
	info_of(&ioc, &p->info);
	p->more = p->info;
	p->more.di_attributes &= ~DOOR_IS_UNREF;
	p->more.di_attributes |= DOOR_DEPLETION_CB;
	put(&doors, p);
}

void private_drop(struct private *p)
{
	put(&unused, p);
}

struct private *private_find(door_id_t id)
{
	struct private *p;

	pthread_mutex_lock(&lock);
	for (p = doors; p && p->info.di_uniquifier != id; p = p->next)
		;
	pthread_mutex_unlock(&lock);
	return p;
}

void private_gone(door_id_t id)
{
	struct private **p = &doors, *found;

	pthread_mutex_lock(&lock);
	while (*p && (*p)->info.di_uniquifier != id)
		p = &(*p)->next;
	found = *p;
	if (found)
		*p = found->next;
	pthread_mutex_unlock(&lock);
	if (found)
		put(&unused, found);
}
