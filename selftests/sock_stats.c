// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own counters, asked over netlink: that a joined pair's bytes
 * really go through the stream, that what is born dies, and that reasons are
 * counted.
 */
#include "sock_test.h"

#include <linux/door_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

struct stats {
	uint64_t counter[__DOOR_NL_A_COUNTER_MAX];
	uint64_t why[DOOR_WHY_MAX];
};

struct request {
	struct nlmsghdr nl;
	struct genlmsghdr ge;
	struct nlattr at;
	char name[8];
};

#define AT_DATA(a) ((char *)(a) + NLA_HDRLEN)
#define AT_NEXT(a) ((struct nlattr *)((char *)(a) + NLA_ALIGN((a)->nla_len)))

/* Asks, with the family's name if there is one; the answer's attributes. */
static struct nlattr *ask(int nl, int family, int cmd, const char *name,
			  char *buf, size_t len, struct nlattr **end)
{
	struct request q = {.nl = {.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
				   .nlmsg_type = family,
				   .nlmsg_flags = NLM_F_REQUEST},
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

static void numbers(struct nlattr *nest, uint64_t *out, int max)
{
	struct nlattr *a = (void *)AT_DATA(nest);
	struct nlattr *end = (void *)((char *)nest + nest->nla_len);

	for (; a < end; a = AT_NEXT(a)) {
		if ((a->nla_type & NLA_TYPE_MASK) < max)
			memcpy(&out[a->nla_type & NLA_TYPE_MASK], AT_DATA(a),
			       8);
	}
}

static bool get_stats(struct stats *s)
{
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlattr *a, *end;
	uint16_t family = 0;
	char buf[8192];

	memset(s, 0, sizeof(*s));
	a = ask(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, DOOR_NL_NAME, buf,
		sizeof(buf), &end);
	for (; a && a < end; a = AT_NEXT(a)) {
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, AT_DATA(a), sizeof(family));
	}
	a = family ? ask(nl, family, DOOR_NL_CMD_STATS_GET, NULL, buf,
			 sizeof(buf), &end)
		   : NULL;
	close(nl);
	if (!a)
		return false;
	for (; a < end; a = AT_NEXT(a)) {
		int type = a->nla_type & NLA_TYPE_MASK;

		if (type == DOOR_NL_A_STATS_COUNTERS)
			numbers(a, s->counter, __DOOR_NL_A_COUNTER_MAX);
		else if (type == DOOR_NL_A_STATS_FALLBACKS)
			numbers(a, s->why, DOOR_WHY_MAX);
	}
	return true;
}

#define C(s, name) ((s).counter[DOOR_NL_A_COUNTER_##name])

TEST_F(port, bytes_go_through_the_stream)
{
	struct stats a, b;
	int cli, srv;

	if (kind_plain(&variant->k))
		return;
	ASSERT_TRUE(get_stats(&a));
	cli = client_open(_metadata, &variant->k, &self->addr);
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 0, 10000));
	EXPECT_TRUE(recv_all(srv, 0, 10000));
	ASSERT_TRUE(send_all(srv, 0, 5000));
	EXPECT_TRUE(recv_all(cli, 0, 5000));
	ASSERT_TRUE(get_stats(&b));
	if (kind_joined(&variant->k)) {
		EXPECT_EQ(1U, C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED));
		EXPECT_EQ(15000U, C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	} else {
		EXPECT_EQ(0U, C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED));
		EXPECT_EQ(0U, C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	}
	/* The server learns it in accept(), the client from its first bytes. */
	EXPECT_EQ(!kind_joined(&variant->k),
		  (int)(b.why[DOOR_WHY_PEER_UNMARKED] -
			a.why[DOOR_WHY_PEER_UNMARKED]));
	close(cli);
	close(srv);
}

TEST_F(port, what_is_born_dies)
{
	struct stats a, b;
	int cli, srv;

	if (kind_plain(&variant->k))
		return;
	ASSERT_TRUE(get_stats(&a));
	for (int i = 0; i < 20; i++) {
		cli = client_open(_metadata, &variant->k, &self->addr);
		srv = server_accept(_metadata, &variant->k, self->lis, cli);
		ASSERT_TRUE(send_all(cli, 0, 100 * i));
		close(i % 2 ? cli : srv);
		close(i % 2 ? srv : cli);
	}
	/* The last references may go a moment after close(). */
	EXPECT_TRUE(
		wait_for(get_stats(&b) &&
			 C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED) ==
				 C(b, STREAMS_ENDED) - C(a, STREAMS_ENDED)));
	EXPECT_EQ(kind_joined(&variant->k) ? 20U : 0U,
		  C(b, STREAMS_ENDED) - C(a, STREAMS_ENDED));
}

SOCK_TEST_MAIN
