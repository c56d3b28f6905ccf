// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unref: tells a server that nobody else has its door any more. What counts are
 * the open files that were made for others, so that neither what the owner does
 * with its own descriptor nor a passing reference of the kernel is mistaken for
 * a client. Told after the last running call, and only if it is still true
 * then. Entered when client files come and go and when calls begin and end.
 * Lock: door->lock.
 */
#include "unref.h"

#include <linux/door.h>

#define WANTED (DOOR_ATTR_UNREF | DOOR_ATTR_UNREF_MULTI)

/*
 * Decides under the lock, acts after it. The notice is a user of the door and counts
 * as active from here on, so there is one at most.
 */
static void tell_if_due(struct door *door)
{
	bool due;

	spin_lock(&door->lock);
	due = door->unref_owed && !door->active && !door->clients &&
	      !READ_ONCE(door->revoked) && (door->attributes & WANTED);
	if (due) {
		/* Once; MULTI stays. */
		WRITE_ONCE(door->attributes,
			   door->attributes & ~DOOR_ATTR_UNREF);
		door->active++;
		door_use(door);
	}
	spin_unlock(&door->lock);
	if (!due)
		return;
	door_pool_tell(door->pool, &door->unref);
	/* door_unref_revoked() may have come too early for it. */
	if (READ_ONCE(door->revoked))
		door_unref_revoked(door);
}

/**
 * door_unref_client - somebody else gets the door
 * @door: the door
 */
void door_unref_client(struct door *door)
{
	spin_lock(&door->lock);
	WRITE_ONCE(door->clients, door->clients + 1);
	spin_unlock(&door->lock);
}

/**
 * door_unref_no_client - somebody else has had the door
 * @door: the door, still used by the caller
 */
void door_unref_no_client(struct door *door)
{
	spin_lock(&door->lock);
	WRITE_ONCE(door->clients, door->clients - 1);
	if (!door->clients)
		door->unref_owed = true;
	spin_unlock(&door->lock);
	tell_if_due(door);
}

/**
 * door_unref_begin - an invocation is about to be delivered
 * @door: the door; used until door_unref_end()
 */
void door_unref_begin(struct door *door)
{
	door_use(door);
	if (likely(!door->tracked))
		return;
	spin_lock(&door->lock);
	door->active++;
	spin_unlock(&door->lock);
}

/**
 * door_unref_told - the notice has reached a thread
 * @door: the door
 *
 * Clients that came and went while it was waiting need no notice of their own.
 */
void door_unref_told(struct door *door)
{
	spin_lock(&door->lock);
	door->unref_owed = false;
	spin_unlock(&door->lock);
}

/**
 * door_unref_end - an invocation is over
 * @door: the door; used no more
 */
void door_unref_end(struct door *door)
{
	if (unlikely(door->tracked)) {
		spin_lock(&door->lock);
		door->active--;
		spin_unlock(&door->lock);
		tell_if_due(door);
	}
	door_unuse(door);
}

/**
 * door_unref_revoked - forget what has not been told
 * @door: the door; its revoked flag is set
 */
void door_unref_revoked(struct door *door)
{
	if (door_pool_withdraw(door->pool, &door->unref))
		door_unuse(door);
}
