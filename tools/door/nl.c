// SPDX-License-Identifier: GPL-2.0-only
/* Netlink: the only file that knows libnl. Complains itself, once a failure. */
#include "nl.h"

#include "door.h"

#include <errno.h>
#include <string.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <netlink/genl/ctrl.h>

/* Attributes that this tool does not know, and padding, are not for it. */
static void read_values(struct nlattr *set, uint64_t *values, int count)
{
	struct nlattr *attr;
	int rest;

	nla_for_each_nested(attr, set,
			    rest) if (nla_type(attr) != DOOR_NL_A_PAD &&
				      nla_type(attr) < count &&
				      nla_len(attr) >= (int)sizeof(*values))
		values[nla_type(attr)] = nla_get_u64(attr);
}

static int read_stats(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	struct nl_stats *stats = arg;
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(header, 0),
			  genlmsg_attrlen(header, 0), rest)
	{
		if (nla_type(attr) == DOOR_NL_A_STATS_COUNTERS)
			read_values(attr, stats->counter,
				    DOOR_NL_A_COUNTER_MAX + 1);
		else if (nla_type(attr) == DOOR_NL_A_STATS_FALLBACKS)
			read_values(attr, stats->fallback, DOOR_WHY_MAX);
		else if (nla_type(attr) == DOOR_NL_A_STATS_HELD)
			read_values(attr, stats->held, DOOR_NL_A_HELD_MAX + 1);
	}
	return NL_OK;
}

/* Sends the question and waits for answer and acknowledgement. */
static int exchange(struct nl_sock *sk, int family)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err = -NLE_NOMEM;

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0,
			       DOOR_NL_CMD_STATS_GET, DOOR_NL_VERSION))
		err = nl_send_auto(sk, msg);
	nlmsg_free(msg);
	return err < 0 ? err : nl_recvmsgs_default(sk);
}

static int ask_stats(struct nl_sock *sk, struct nl_stats *stats)
{
	int err, family;

	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, read_stats, stats);
	err = genl_connect(sk);
	if (err < 0)
		return complain(EXIT_FAILED, "netlink", nl_geterror(err));
	family = genl_ctrl_resolve(sk, DOOR_NL_NAME);
	if (family == -NLE_OBJ_NOTFOUND)
		return complain(EXIT_NO_MODULE, "stat",
				"the door module is not loaded");
	if (family < 0)
		return complain(EXIT_FAILED, "netlink", nl_geterror(family));
	err = exchange(sk, family);
	if (err < 0)
		return complain(EXIT_FAILED, "stat", nl_geterror(err));
	return EXIT_OK;
}

/* Fills @stats; returns an enum door_exit, having complained if it is not 0. */
int nl_get_stats(struct nl_stats *stats)
{
	struct nl_sock *sk = nl_socket_alloc();
	int code;

	memset(stats, 0, sizeof(*stats));
	if (!sk)
		return complain(EXIT_FAILED, "netlink", strerror(ENOMEM));
	code = ask_stats(sk, stats);
	nl_socket_free(sk);
	return code;
}
