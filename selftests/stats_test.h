/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's counters, asked over netlink. */
#ifndef STATS_TEST_H
#define STATS_TEST_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/door.h>
#include <linux/door_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

struct stats {
	uint64_t counter[__DOOR_NL_A_COUNTER_MAX];
	uint64_t why[DOOR_WHY_MAX];
	uint64_t held[__DOOR_NL_A_HELD_MAX];
};

struct stats_request {
	struct nlmsghdr nl;
	struct genlmsghdr ge;
	struct nlattr at;
	char name[8];
};

#define AT_DATA(a) ((char *)(a) + NLA_HDRLEN)
#define AT_NEXT(a) ((struct nlattr *)((char *)(a) + NLA_ALIGN((a)->nla_len)))

/* Asks, with the family's name if there is one; the answer's attributes. */
static inline struct nlattr *stats_ask(int nl, int family, int cmd,
				       const char *name, char *buf, size_t len,
				       struct nlattr **end)
{
	struct stats_request q = {
		.nl = {.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
		       .nlmsg_type = family,
		       .nlmsg_flags =
			       NLM_F_REQUEST |
			       (cmd == DOOR_NL_CMD_NAMES_GET ? NLM_F_DUMP : 0)},
		.ge = {.cmd = cmd, .version = 1},
		.at = {.nla_len = NLA_HDRLEN + sizeof(DOOR_NL_NAME),
		       .nla_type = CTRL_ATTR_FAMILY_NAME}};
	struct nlmsghdr *h = (void *)buf;
	ssize_t n;

	if (name) {
		strncpy(q.name, name, sizeof(q.name) - 1);
		q.nl.nlmsg_len = sizeof(q);
	}
	if (send(nl, &q, q.nl.nlmsg_len, 0) < 0)
		return NULL;
	n = recv(nl, buf, len, 0);
	if (n < (ssize_t)NLMSG_HDRLEN || h->nlmsg_type == NLMSG_ERROR)
		return NULL;
	*end = (struct nlattr *)(buf + h->nlmsg_len);
	return (struct nlattr *)(buf + NLMSG_HDRLEN + GENL_HDRLEN);
}

static inline void stats_numbers(struct nlattr *nest, uint64_t *out, int max)
{
	struct nlattr *a = (void *)AT_DATA(nest);
	struct nlattr *end = (void *)((char *)nest + nest->nla_len);

	for (; a < end; a = AT_NEXT(a)) {
		if ((a->nla_type & NLA_TYPE_MASK) < max)
			memcpy(&out[a->nla_type & NLA_TYPE_MASK], AT_DATA(a),
			       8);
	}
}

static inline bool get_stats(struct stats *s)
{
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlattr *a, *end;
	uint16_t family = 0;
	char buf[8192];

	memset(s, 0, sizeof(*s));
	a = stats_ask(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, DOOR_NL_NAME, buf,
		      sizeof(buf), &end);
	for (; a && a < end; a = AT_NEXT(a)) {
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, AT_DATA(a), sizeof(family));
	}
	a = family ? stats_ask(nl, family, DOOR_NL_CMD_STATS_GET, NULL, buf,
			       sizeof(buf), &end)
		   : NULL;
	close(nl);
	if (!a)
		return false;
	for (; a < end; a = AT_NEXT(a)) {
		int type = a->nla_type & NLA_TYPE_MASK;

		if (type == DOOR_NL_A_STATS_COUNTERS)
			stats_numbers(a, s->counter, __DOOR_NL_A_COUNTER_MAX);
		else if (type == DOOR_NL_A_STATS_FALLBACKS)
			stats_numbers(a, s->why, DOOR_WHY_MAX);
		else if (type == DOOR_NL_A_STATS_HELD)
			stats_numbers(a, s->held, __DOOR_NL_A_HELD_MAX);
	}
	return true;
}

#define C(s, name) ((s).counter[DOOR_NL_A_COUNTER_##name])
#define HELD(s, name) ((s).held[DOOR_NL_A_HELD_##name])

#endif /* STATS_TEST_H */
