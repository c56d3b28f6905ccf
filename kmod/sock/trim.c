// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trimming: a joined socket that has not sent for a while gives the memory of
 * its empty lane back; and, as somebody looks, what TCP's timers are for. Entered by a
 * timer only. Takes senders' locks, but never waits for one: a socket whose sender is
 * busy is not idle.
 */
#include "trim.h"
#include "end.h"
#include "graft.h"

#include <linux/list.h>
#include <linux/workqueue.h>

#define TRIM_PERIOD	(2 * HZ)
#define TRIM_BATCH	2048	/* sockets looked at in one go */

static void trim(struct work_struct *work);

static DECLARE_DELAYED_WORK(trim_work, trim);
static DEFINE_SPINLOCK(trim_lock);
static LIST_HEAD(joined);		/* (trim_lock) */
static unsigned int joined_count;	/* (trim_lock) */

/* With the send lock, this is the lane's writer; see door_lane_trim(). */
static void trim_one(struct door_graft *g)
{
	struct door_lane *out = door_graft_out(g, g->stream);
	u64 head = READ_ONCE(out->head);

	door_end_tend(g);
	door_lane_tidy(out);
	if (head != g->trim_head) {
		g->trim_head = head;
		return;
	}
	if (!READ_ONCE(out->wseg) || !mutex_trylock(&g->send))
		return;
	door_lane_trim(out);
	mutex_unlock(&g->send);
}

/* The next in turn, with a reference; who has been looked at goes to the end. */
static struct door_graft *next_graft(void)
{
	struct door_graft *g;

	spin_lock(&trim_lock);
	g = list_first_entry_or_null(&joined, struct door_graft, trim_node);
	if (g) {
		list_move_tail(&g->trim_node, &joined);
		/* The socket's own is dropped after door_trim_del(). */
		refcount_inc(&g->refs);
	}
	spin_unlock(&trim_lock);
	return g;
}

/*
 * Looks at the sockets in turn. Twice in a row without anything sent in between means
 * idle. Memory is freed with no lock held but the sender's.
 */
static void trim(struct work_struct *work)
{
	unsigned int n = min_t(unsigned int, READ_ONCE(joined_count), TRIM_BATCH);
	struct door_graft *g;

	for (; n; n--) {
		g = next_graft();
		if (!g)
			break;
		trim_one(g);
		door_graft_put(g);
		cond_resched();
	}
	if (READ_ONCE(joined_count))
		schedule_delayed_work(&trim_work, TRIM_PERIOD);
}

/**
 * door_trim_add - look after a socket's lane from now on
 * @g: the graft of a socket that has just been joined
 */
void door_trim_add(struct door_graft *g)
{
	spin_lock(&trim_lock);
	/* Unless it has been cut already: that comes before door_trim_del(). */
	if (door_graft_stream(g)) {
		list_add_tail(&g->trim_node, &joined);
		WRITE_ONCE(joined_count, joined_count + 1);
	}
	spin_unlock(&trim_lock);
	/* Does nothing if it is scheduled already. */
	schedule_delayed_work(&trim_work, TRIM_PERIOD);
}

/**
 * door_trim_del - do not look after a socket's lane any more
 * @g: the graft, joined or not; before its stream is left
 */
void door_trim_del(struct door_graft *g)
{
	spin_lock(&trim_lock);
	if (!list_empty(&g->trim_node)) {
		list_del_init(&g->trim_node);
		WRITE_ONCE(joined_count, joined_count - 1);
	}
	spin_unlock(&trim_lock);
}

/** door_trim_exit - stop looking; no socket is marked any more */
void door_trim_exit(void)
{
	cancel_delayed_work_sync(&trim_work);
}
