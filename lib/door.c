// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Client half, and what anybody with a door descriptor may do: call, ask about
 * it, read its limits; the owner may also change them and revoke the door.
 */
#include "lib.h"

#include <pthread.h>
#include <string.h>

#define exported __attribute__((visibility("default")))

_Static_assert(sizeof(door_desc_t) == sizeof(struct door_ioc_desc),
	       "the kernel reads and writes the caller's array");
_Static_assert(DOOR_DESCRIPTOR == DOOR_DESC_DESCRIPTOR, "passed through");
_Static_assert(DOOR_RELEASE == DOOR_DESC_RELEASE, "passed through");

/*
 * A signal handler has run: the call is over for us, whether or not its
 * procedure is. Nobody but us can tell the kernel so.
 */
static int interrupted(int d)
{
	sys_abandon(d);
	pthread_testcancel();
	return result(-EINTR);
}

#if UINTPTR_MAX == UINT64_MAX
_Static_assert(sizeof(door_arg_t) == sizeof(struct door_ioc_call),
	       "the kernel reads and writes the caller's structure");
_Static_assert(offsetof(door_arg_t, rbuf) ==
		       offsetof(struct door_ioc_call, rbuf),
	       "the kernel reads and writes the caller's structure");

static int call(int d, door_arg_t *params)
{
	return sys_call(d, params);
}
#else
static int call(int d, door_arg_t *params)
{
	struct door_ioc_call ioc;
	int ret;

	if (!params)
		return sys_call(d, NULL);
	ioc.data_ptr = (uintptr_t)params->data_ptr;
	ioc.data_size = params->data_size;
	ioc.desc_ptr = (uintptr_t)params->desc_ptr;
	ioc.desc_num = params->desc_num;
	ioc.rbuf = (uintptr_t)params->rbuf;
	ioc.rsize = params->rsize;
	ret = sys_call(d, &ioc);
	if (ret < 0)
		return ret;
	params->data_ptr = (char *)(uintptr_t)ioc.data_ptr;
	params->data_size = ioc.data_size;
	params->desc_ptr = (door_desc_t *)(uintptr_t)ioc.desc_ptr;
	params->desc_num = ioc.desc_num;
	params->rbuf = (char *)(uintptr_t)ioc.rbuf;
	params->rsize = ioc.rsize;
	return ret;
}
#endif

/*
 * Of libc, though in none of its headers. Unlike what pthread_cleanup_push() of
 * today stands for, this is also done when a signal handler jumps out.
 */
void _pthread_cleanup_push(struct _pthread_cleanup_buffer *buffer,
			   void (*routine)(void *), void *arg);
void _pthread_cleanup_pop(struct _pthread_cleanup_buffer *buffer, int execute);

/* What a call leaves behind that does not come back. */
struct left {
	int d;
	int type;
};

static void clean_up(void *p)
{
	const struct left *left = p;
	int err = errno;

	sys_abandon(left->d);
	pthread_setcanceltype(left->type, NULL);
	errno = err;
}

/*
 * A cancellation point. libc interrupts a blocked thread only if it may be
 * cancelled at any time, which is how its own cancellation points do it; a call
 * that is pending then ends with the thread.
 */
exported int door_call(int d, door_arg_t *params)
{
	struct _pthread_cleanup_buffer buffer;
	struct left left = {.d = d};
	int ret;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &left.type);
	_pthread_cleanup_push(&buffer, clean_up, &left);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	ret = call(d, params);
	pthread_setcanceltype(left.type, NULL);
	_pthread_cleanup_pop(&buffer, 0);
	if (__builtin_expect(ret == -EINTR, 0))
		return interrupted(d);
	return result(ret);
}

void info_of(const struct door_ioc_info *ioc, door_info_t *info)
{
	memset(info, 0, sizeof(*info));
	info->di_target = ioc->target;
	info->di_proc = ioc->procedure;
	info->di_data = ioc->cookie;
	info->di_attributes = ioc->attributes;
	info->di_uniquifier = ioc->id;
}

exported int door_info(int d, door_info_t *info)
{
	struct door_ioc_info ioc;
	door_info_t copy;
	int ret;

	if (d == DOOR_QUERY)
		ret = control_ask(DOOR_IOC_INFO, &ioc) < 0 ? -EBADF : 0;
	else
		ret = sys_info(d, &ioc);
	if (ret < 0)
		return result(ret);
	info_of(&ioc, &copy);
	return result(sys_copy_out(info, &copy, sizeof(copy)));
}

/* The descriptor is closed with the door, as its users expect. */
exported int door_revoke(int d)
{
	int ret = sys_revoke(d);

	if (ret < 0)
		return result(ret);
	close(d);
	return 0;
}

exported int door_getparam(int d, int param, size_t *value)
{
	struct door_ioc_param ioc = {.param = (unsigned int)param};
	int ret = sys_getparam(d, &ioc);
	size_t out;

	if (ret < 0)
		return result(ret);
	if (ioc.value == UINT64_MAX)
		ioc.value = SIZE_MAX;
	if (ioc.value > SIZE_MAX)
		return result(-EOVERFLOW);
	out = ioc.value;
	return result(sys_copy_out(value, &out, sizeof(out)));
}

exported int door_setparam(int d, int param, size_t value)
{
	struct door_ioc_param ioc = {.param = (unsigned int)param,
				     .value = value};

	if (param == DOOR_PARAM_DATA_MAX && value == SIZE_MAX)
		ioc.value = UINT64_MAX;
	return result(sys_setparam(d, &ioc));
}
