// SPDX-License-Identifier: LGPL-2.1-or-later
/* Birth of doors. */
#include "create.h"
#include "cancel.h"
#include "server.h"
#include "threads.h"

#define exported __attribute__((visibility("default")))

_Static_assert(DOOR_CREATE_MASK == DOOR_ATTR_CREATE_ALL, "passed through");

int create_door(struct door_ioc_create *ioc, server_more_t *more)
{
	int ret;

	server_when_depleted(ioc->attributes, more);
	ret = control_ask(DOOR_IOC_CREATE, ioc);
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
	d = create_door(&ioc, threads_more);
	if (d < 0)
		return result(d);
	if (!(attributes & DOOR_PRIVATE))
		threads_first(NULL);
	else if (door_info(d, &info) == 0)
		threads_first(&info);
	return d;
}
