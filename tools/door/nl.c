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

/* Sends the question and waits for all of the answer. */
static int exchange(struct nl_sock *sk, int family, int command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();
	int err = -NLE_NOMEM;

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, flags,
			       command, DOOR_NL_VERSION))
		err = nl_send_auto(sk, msg);
	nlmsg_free(msg);
	return err < 0 ? err : nl_recvmsgs_default(sk);
}

static int ask(struct nl_sock *sk, const char *who, int command, int flags)
{
	int err, family;

	err = genl_connect(sk);
	if (err < 0)
		return complain(EXIT_FAILED, "netlink", nl_geterror(err));
	family = genl_ctrl_resolve(sk, DOOR_NL_NAME);
	if (family == -NLE_OBJ_NOTFOUND)
		return complain(EXIT_NO_MODULE, who,
				"the door module is not loaded");
	if (family < 0)
		return complain(EXIT_FAILED, "netlink", nl_geterror(family));
	err = exchange(sk, family, command, flags);
	if (err < 0)
		return complain(EXIT_FAILED, who, nl_geterror(err));
	return EXIT_OK;
}

/* Each message goes to @read. Returns an enum door_exit, as do those below. */
static int ask_all(const char *who, int command, int flags,
		   int (*read)(struct nl_msg *, void *), void *arg)
{
	struct nl_sock *sk = nl_socket_alloc();
	int code;

	if (!sk)
		return complain(EXIT_FAILED, "netlink", strerror(ENOMEM));
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, read, arg);
	code = ask(sk, who, command, flags);
	nl_socket_free(sk);
	return code;
}

/* Fills @stats; returns an enum door_exit, having complained if it is not 0. */
int nl_get_stats(struct nl_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	return ask_all("stat", DOOR_NL_CMD_STATS_GET, 0, read_stats, stats);
}

static int read_name(struct nl_msg *msg, void *arg)
{
	struct genlmsghdr *header = nlmsg_data(nlmsg_hdr(msg));
	int (*const *found)(const struct nl_name *) = arg;
	struct nl_name name = {.path = "?"};
	struct nlattr *attr;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(header, 0),
			  genlmsg_attrlen(header, 0), rest)
	{
		if (nla_type(attr) == DOOR_NL_A_NAME_PATH)
			name.path = nla_get_string(attr);
		else if (nla_type(attr) == DOOR_NL_A_NAME_DOOR)
			name.door = nla_get_u64(attr);
		else if (nla_type(attr) == DOOR_NL_A_NAME_PID)
			name.pid = nla_get_s32(attr);
	}
	return (*found)(&name) ? NL_STOP : NL_OK;
}

/* Says each name that there is to @found, until that does not return 0. */
int nl_each_name(int (*found)(const struct nl_name *))
{
	return ask_all("ls", DOOR_NL_CMD_NAMES_GET, NLM_F_DUMP, read_name,
		       &found);
}
