// SPDX-License-Identifier: GPL-2.0-only
/*
 * Credentials: who is calling, in terms of the asking server's namespaces.
 * Entered by the front desk; looks at the caller's half of a call under
 * th->lock.
 */
#include "cred.h"
#include "call.h"

#include <linux/cred.h>
#include <linux/pid_namespace.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/door.h>

/* As many of the groups as there is room for. */
static int put_groups(const struct group_info *groups, u64 addr, u32 room)
{
	u32 n = min_t(u32, room, groups->ngroups), i;
	u32 *ids;
	int err = 0;

	if (!n)
		return 0;
	ids = kvmalloc_array(n, sizeof(*ids), GFP_KERNEL_ACCOUNT);
	if (!ids)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		ids[i] = from_kgid_munged(current_user_ns(), groups->gid[i]);
	if (copy_to_user(u64_to_user_ptr(addr), ids, n * sizeof(*ids)))
		err = -EFAULT;
	kvfree(ids);
	return err;
}

static int describe(const struct cred *cred, struct pid *pid,
		    struct door_ioc_cred *ioc)
{
	struct user_namespace *ns = current_user_ns();
	int err;

	err = put_groups(cred->group_info, ioc->groups_ptr, ioc->groups_num);
	if (err)
		return err;
	ioc->groups_num = cred->group_info->ngroups;
	ioc->ruid = from_kuid_munged(ns, cred->uid);
	ioc->euid = from_kuid_munged(ns, cred->euid);
	ioc->suid = from_kuid_munged(ns, cred->suid);
	ioc->rgid = from_kgid_munged(ns, cred->gid);
	ioc->egid = from_kgid_munged(ns, cred->egid);
	ioc->sgid = from_kgid_munged(ns, cred->sgid);
	ioc->pid = pid ? pid_nr_ns(pid, task_active_pid_ns(current)) : 0;
	return 0;
}

/**
 * door_cred - describe the caller of the calling thread
 * @th: the calling thread
 * @ioc: which call; where to
 *
 * The kernel itself calls when a door is unreferenced: no process, and the
 * server's own ids.
 *
 * Who executes another program while it handles a signal is no caller any more.
 *
 * Return: 0, -EINVAL if there is no such caller, -EFAULT or -ENOMEM.
 */
int door_cred(struct door_thread *th, struct door_ioc_cred *ioc)
{
	const struct cred *cred = NULL;
	struct pid *pid = NULL;
	int err = -EINVAL;

	if (!th->door || (ioc->call && ioc->call != th->serial))
		return -EINVAL;
	if (th->state & DOOR_RETURN_UNREF)
		return describe(current_cred(), NULL, ioc);
	spin_lock(&th->lock);
	if (th->call && door_call_has_client(th->call)) {
		/* Marked inside, as in set_aside(). */
		cred = data_race(get_cred(th->call->cred));
		pid = get_pid(task_tgid(th->call->client));
	}
	spin_unlock(&th->lock);
	if (cred) {
		err = describe(cred, pid, ioc);
		put_cred(cred);
		put_pid(pid);
	}
	return err;
}
