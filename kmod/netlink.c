// SPDX-License-Identifier: GPL-2.0-only
/*
 * Front desk for administrators: the generic netlink family "door". It reads
 * the counters and changes nothing, so anybody may ask, in any network
 * namespace; where doors have names is told to the machine's administrator only. The
 * layout of the messages is described in its ABI header.
 *
 * No operation has a policy, which tells the core to refuse every attribute;
 * reserved bits of the header are refused as well.
 */
#include "netlink.h"
#include "budget.h"
#include "door/door.h"
#include "door/name.h"
#include "stats.h"

#include <linux/dcache.h>
#include <linux/door.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <net/genetlink.h>

/* A longer path is not told: one message has to fit. */
#define PATH_ROOM 2048

static struct genl_family door_family;

/* One u64 a value; the attribute type of values[i] is first + i. */
static int put_values(struct sk_buff *skb, int set, const u64 *values,
		      int first, int count)
{
	struct nlattr *nest = nla_nest_start(skb, set);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < count; i++)
		if (nla_put_u64_64bit(skb, first + i, values[i],
				      DOOR_NL_A_PAD))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static size_t reply_size(void)
{
	int values = DOOR_NL_A_COUNTER_MAX + DOOR_WHY_MAX - 1 +
		     DOOR_NL_A_HELD_MAX;

	return 3 * nla_total_size(0) +
	       values * nla_total_size_64bit(sizeof(u64));
}

static int get_stats(struct sk_buff *request, struct genl_info *info)
{
	u64 held[DOOR_NL_A_HELD_MAX];
	struct door_stats sum;
	struct sk_buff *skb;
	void *header;

	skb = genlmsg_new(reply_size(), GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &door_family, 0,
				   DOOR_NL_CMD_STATS_GET);
	if (!header)
		goto err_free;
	door_stats_sum(&sum);
	door_budget_held(held);
	if (put_values(skb, DOOR_NL_A_STATS_COUNTERS, sum.counter, 1,
		       DOOR_NL_A_COUNTER_MAX) ||
	    put_values(skb, DOOR_NL_A_STATS_FALLBACKS, sum.fallback + 1, 1,
		       DOOR_WHY_MAX - 1) ||
	    put_values(skb, DOOR_NL_A_STATS_HELD, held, 1, DOOR_NL_A_HELD_MAX))
		goto err_free;
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);

err_free:
	nlmsg_free(skb);
	return -EMSGSIZE;
}

static int put_name(struct sk_buff *skb, struct netlink_callback *cb,
		    const struct door_name_seen *seen, char *room)
{
	const char *path = d_path(&seen->file->f_path, room, PATH_ROOM);
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &door_family,
				   NLM_F_MULTI, DOOR_NL_CMD_NAMES_GET);
	struct door_ioc_info info;

	if (!header)
		return -EMSGSIZE;
	door_info(seen->door, &info);
	if (nla_put_string(skb, DOOR_NL_A_NAME_PATH, IS_ERR(path) ? "?" : path) ||
	    nla_put_u64_64bit(skb, DOOR_NL_A_NAME_DOOR, info.id,
			      DOOR_NL_A_PAD) ||
	    nla_put_s32(skb, DOOR_NL_A_NAME_PID, info.target)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* As many as fit; called again until there are none. */
static int dump_names(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct door_name_place at = { cb->args[0], cb->args[1] };
	struct door_name_seen seen;
	char *room = kmalloc(PATH_ROOM, GFP_KERNEL);
	int err = 0;

	if (!room)
		return -ENOMEM;
	while (!err && door_name_next(&at, &seen)) {
		err = put_name(skb, cb, &seen, room);
		door_name_unsee(&seen);
		if (!err)
			at.index++;
	}
	kfree(room);
	cb->args[0] = at.bucket;
	cb->args[1] = at.index;
	return skb->len;
}

static const struct genl_small_ops door_ops[] = {
	{
		.cmd	= DOOR_NL_CMD_STATS_GET,
		.doit	= get_stats,
	},
	{
		.cmd	= DOOR_NL_CMD_NAMES_GET,
		.dumpit	= dump_names,
		.flags	= GENL_ADMIN_PERM,
	},
};

static struct genl_family door_family __ro_after_init = {
	.name		= DOOR_NL_NAME,
	.version	= DOOR_NL_VERSION,
	.module		= THIS_MODULE,
	.netnsok	= true,
	.parallel_ops	= true,
	.small_ops	= door_ops,
	.n_small_ops	= ARRAY_SIZE(door_ops),
};

/**
 * door_netlink_init - register the family
 *
 * Return: 0 or the error of genl_register_family().
 */
int door_netlink_init(void)
{
	return genl_register_family(&door_family);
}

/** door_netlink_exit - unregister the family; no request runs afterwards */
void door_netlink_exit(void)
{
	genl_unregister_family(&door_family);
}
