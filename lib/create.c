// SPDX-License-Identifier: LGPL-2.1-or-later
/* Birth of doors. */
#include "create.h"
#include "cancel.h"
#include "server.h"
#include "threads.h"

#define exported __attribute__((visibility("default")))

_Static_assert(DOOR_CREATE_MASK == DOOR_ATTR_CREATE_ALL, "passed through");

int create_door(struct door_ioc_create *ioc, struct private *p,
		server_more_t *more)
{
	int ret;

	server_when_depleted(ioc->attributes, more);
	ret = control_ask(DOOR_IOC_CREATE, ioc);
	if (p && ret >= 0)
		private_add(p, ret);
	else if (p)
		private_drop(p);
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
	struct private *p = NULL;
	int d;

	if (!procedure || (attributes & ~CREATE_MASK) ||
	    (attributes & BOTH_UNREF) == BOTH_UNREF)
		return result(-EINVAL);
	if (attributes & DOOR_PRIVATE) {
		p = private_new(&(struct factory){0});
		if (!p)
			return result(-ENOMEM);
	}
	d = create_door(&ioc, p, threads_more);
	if (d >= 0)
		threads_first(p);
	return result(d);
}
