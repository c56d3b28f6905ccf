// SPDX-License-Identifier: LGPL-2.1-or-later
/* Credentials of the caller that the calling thread serves. */
#include "server.h"

#include <stdlib.h>
#include <string.h>
#include <ucred.h>

#define exported __attribute__((visibility("default")))

/* Hardly anybody has more, and programs put it on small stacks. */
#define GROUPS_MAX 1000

struct ucred_s {
	struct door_ioc_cred cred;
	gid_t groups[GROUPS_MAX];
};

/* Returns -errno; EINVAL if there is no caller, or no server thread. */
static int get_cred(struct door_ioc_cred *ioc)
{
	return server_call() ? control_ask(DOOR_IOC_CRED, ioc) : -EINVAL;
}

exported int door_cred(door_cred_t *cred)
{
	struct door_ioc_cred ioc = {0};
	door_cred_t copy = {0};
	int ret = get_cred(&ioc);

	if (ret < 0)
		return result(ret);
	copy.dc_euid = ioc.euid;
	copy.dc_egid = ioc.egid;
	copy.dc_ruid = ioc.ruid;
	copy.dc_rgid = ioc.rgid;
	copy.dc_pid = ioc.pid;
	return result(
		sys_copy_out(cred, &copy, offsetof(door_cred_t, dc_resv)));
}

exported int door_ucred(ucred_t **cred)
{
	ucred_t *uc = *cred ? *cred : malloc(sizeof(*uc));
	int ret;

	if (!uc)
		return result(-ENOMEM);
	struct door_ioc_cred ioc = {.groups_ptr = (uintptr_t)uc->groups,
				    .groups_num = GROUPS_MAX};

	ret = get_cred(&ioc);
	if (ret < 0) {
		if (uc != *cred)
			free(uc);
		return result(ret);
	}
	uc->cred = ioc;
	*cred = uc;
	return 0;
}

/*
 * The process id cannot be used again while its owner waits for us. That it
 * still does, and still by this id, is what the second question finds out: an
 * owner that has been reaped has none any more.
 */
exported int door_pidfd(void)
{
	struct door_ioc_cred ioc = {.call = server_call()};
	int ret = get_cred(&ioc), fd;
	pid_t pid = ioc.pid;

	if (ret < 0)
		return result(ret);
	if (!pid)
		return result(-ESRCH);
	fd = sys_pidfd(pid);
	if (fd < 0)
		return result(fd);
	ioc = (struct door_ioc_cred){.call = server_call()};
	ret = get_cred(&ioc);
	if (ret == 0 && ioc.pid == pid)
		return fd;
	close(fd);
	return result(ret < 0 ? ret : -EINVAL);
}

exported void ucred_free(ucred_t *uc)
{
	free(uc);
}

exported size_t ucred_size(void)
{
	return sizeof(ucred_t);
}

exported uid_t ucred_geteuid(const ucred_t *uc)
{
	return uc->cred.euid;
}

exported uid_t ucred_getruid(const ucred_t *uc)
{
	return uc->cred.ruid;
}

exported uid_t ucred_getsuid(const ucred_t *uc)
{
	return uc->cred.suid;
}

exported gid_t ucred_getegid(const ucred_t *uc)
{
	return uc->cred.egid;
}

exported gid_t ucred_getrgid(const ucred_t *uc)
{
	return uc->cred.rgid;
}

exported gid_t ucred_getsgid(const ucred_t *uc)
{
	return uc->cred.sgid;
}

exported int ucred_getgroups(const ucred_t *uc, const gid_t **groups)
{
	/* All or none: who looks for one must not miss it. */
	if (uc->cred.groups_num > GROUPS_MAX)
		return result(-EOVERFLOW);
	*groups = uc->groups;
	return (int)uc->cred.groups_num;
}

exported pid_t ucred_getpid(const ucred_t *uc)
{
	return uc->cred.pid;
}
