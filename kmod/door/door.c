// SPDX-License-Identifier: GPL-2.0-only
/*
 * Door: the object and its limits. Entered by the front desk, by calls and by the
 * rooms that keep a door; asks the process and the pool it belongs to. Lock:
 * door->lock.
 */
#include "door.h"
#include "budget.h"
#include "stats.h"

#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/door.h>

static atomic64_t last_id = ATOMIC64_INIT(0);

/**
 * door_make - make a door of the calling process
 * @ioc: what the caller asked for, attributes checked
 *
 * Return: the door, for the caller to door_unuse(); -ENOMEM, also if the user has too
 * many objects, or what door_proc_join() says.
 */
struct door *door_make(const struct door_ioc_create *ioc)
{
	struct door *door = kzalloc(sizeof(*door), GFP_KERNEL_ACCOUNT);
	struct door_proc *proc;

	if (!door)
		return ERR_PTR(-ENOMEM);
	door->payer = door_pay(OBJECTS, 1);
	proc = door->payer ? door_proc_join() : ERR_PTR(-ENOMEM);
	if (IS_ERR(proc)) {
		door_repay(door->payer, OBJECTS, 1);
		kfree(door);
		return ERR_CAST(proc);
	}
	kref_init(&door->ref);
	kref_init(&door->users);
	INIT_LIST_HEAD(&door->unref.link);
	INIT_LIST_HEAD(&door->names);
	door->unref.door = door;
	door->tracked = ioc->attributes &
			(DOOR_ATTR_UNREF | DOOR_ATTR_UNREF_MULTI);
	door->proc = proc;
	door->id = atomic64_inc_return(&last_id);
	door->procedure = ioc->procedure;
	door->cookie = ioc->cookie;
	door->attributes = ioc->attributes;
	door_pool_init(&door->private);
	door->pool = ioc->attributes & DOOR_ATTR_PRIVATE ? &door->private :
							   &proc->pool;
	spin_lock_init(&door->lock);
	init_waitqueue_head(&door->polled);
	door->data_max = U64_MAX;
	door->desc_max = ioc->attributes & DOOR_ATTR_REFUSE_DESC ? 0 : INT_MAX;
	spin_lock(&proc->lock);
	list_add(&door->link, &proc->doors);
	spin_unlock(&proc->lock);
	door_stat_inc(DOORS_CREATED);
	pr_debug("door %llu created\n", door->id);
	return door;
}

static void free_door(struct kref *ref)
{
	struct door *door = container_of(ref, struct door, ref);
	struct door_proc *proc = door->proc;

	spin_lock(&proc->lock);
	list_del_init(&door->link);
	spin_unlock(&proc->lock);
	door_stat_inc(DOORS_DESTROYED);
	pr_debug("door %llu destroyed\n", door->id);
	door_repay(door->payer, OBJECTS, 1);
	kfree(door);
	door_proc_part(proc);
}

static void unused(struct kref *users)
{
	struct door *door = container_of(users, struct door, users);

	door_pool_end(&door->private);
	door_put(door);
}

/**
 * door_use - one more that can have the door called
 * @door: the door, used by somebody
 */
void door_use(struct door *door)
{
	kref_get(&door->users);
}

/**
 * door_unuse - one less; after the last, no call comes any more
 * @door: the door
 */
void door_unuse(struct door *door)
{
	kref_put(&door->users, unused);
}

/**
 * door_get - take a reference, whether it can be called or not
 * @door: the door
 */
void door_get(struct door *door)
{
	kref_get(&door->ref);
}

/**
 * door_put - drop a reference
 * @door: the door
 */
void door_put(struct door *door)
{
	kref_put(&door->ref, free_door);
}

/**
 * door_find - look for a door
 * @proc: its owner, alive
 * @id: its number
 *
 * Return: the door, referenced, or NULL.
 */
struct door *door_find(struct door_proc *proc, u64 id)
{
	struct door *door, *found = NULL;

	spin_lock(&proc->lock);
	list_for_each_entry(door, &proc->doors, link) {
		if (door->id == id && kref_get_unless_zero(&door->ref)) {
			found = door;
			break;
		}
	}
	spin_unlock(&proc->lock);
	return found;
}

/**
 * door_attributes - what the calling process is told of a door
 * @door: the door
 *
 * Return: DOOR_ATTR_*
 */
u32 door_attributes(const struct door *door)
{
	u32 attributes = READ_ONCE(door->attributes);

	if (door_proc_is_mine(door->proc))
		attributes |= DOOR_ATTR_LOCAL;
	if (READ_ONCE(door->revoked))
		attributes |= DOOR_ATTR_REVOKED;
	return attributes;
}

/**
 * door_info - describe a door to the calling process
 * @door: the door
 * @ioc: where to
 */
void door_info(struct door *door, struct door_ioc_info *ioc)
{
	*ioc = (struct door_ioc_info) {
		.attributes = door_attributes(door),
		.id = door->id,
	};
	if (!READ_ONCE(door->clients))
		ioc->attributes |= DOOR_ATTR_IS_UNREF;
	/* Its memory map may have outlived it in a child, and so has the door. */
	if (READ_ONCE(door->proc->dead) ||
	    !pid_has_task(door->proc->tgid, PIDTYPE_TGID))
		ioc->target = -1;
	else
		ioc->target = pid_nr_ns(door->proc->tgid,
					task_active_pid_ns(current));
	if (ioc->attributes & DOOR_ATTR_LOCAL) {
		ioc->procedure = door->procedure;
		ioc->cookie = door->cookie;
	}
}

/**
 * door_getparam - read a limit
 * @door: the door
 * @ioc: which one, and where to
 *
 * Return: 0 or -EINVAL.
 */
int door_getparam(struct door *door, struct door_ioc_param *ioc)
{
	switch (ioc->param) {
	case DOOR_IOC_PARAM_DESC_MAX:
		ioc->value = READ_ONCE(door->desc_max);
		return 0;
	case DOOR_IOC_PARAM_DATA_MAX:
		ioc->value = READ_ONCE(door->data_max);
		return 0;
	case DOOR_IOC_PARAM_DATA_MIN:
		ioc->value = READ_ONCE(door->data_min);
		return 0;
	}
	return -EINVAL;
}

static int set_data_limit(u64 *limit, u64 min, u64 max, u64 value)
{
	if (min > max)
		return -EINVAL;
	WRITE_ONCE(*limit, value);
	return 0;
}

/**
 * door_setparam - change a limit
 * @door: the door
 * @ioc: which one, and its value
 *
 * Return: 0, -EINVAL, -ERANGE or -EOPNOTSUPP.
 */
int door_setparam(struct door *door, const struct door_ioc_param *ioc)
{
	u64 value = ioc->value;
	int err = -EINVAL;

	spin_lock(&door->lock);
	switch (ioc->param) {
	case DOOR_IOC_PARAM_DESC_MAX:
		if ((door->attributes & DOOR_ATTR_REFUSE_DESC) && value)
			err = -EOPNOTSUPP;
		else
			err = value > INT_MAX ? -ERANGE : 0;
		if (!err)
			WRITE_ONCE(door->desc_max, value);
		break;
	case DOOR_IOC_PARAM_DATA_MAX:
		err = set_data_limit(&door->data_max, door->data_min, value,
				     value);
		if (!err)
			WRITE_ONCE(door->large, true);
		break;
	case DOOR_IOC_PARAM_DATA_MIN:
		err = set_data_limit(&door->data_min, value, door->data_max,
				     value);
		break;
	}
	spin_unlock(&door->lock);
	return err;
}
