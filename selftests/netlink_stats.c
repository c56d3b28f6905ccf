// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink family: who may ask, what is answered and what is refused; and
 * that the counters count what happened. Messages are put together by hand, so
 * that the malformed ones can be, too.
 */
#include "sock_test.h"

#include <linux/door_netlink.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	char attrs[8192];
};

struct stats {
	uint64_t counter[DOOR_NL_A_COUNTER_MAX + 1];
	uint64_t fallback[DOOR_WHY_MAX];
	uint64_t held[DOOR_NL_A_HELD_MAX + 1];
	uint64_t behind;
};

static void begin(struct message *m, int type, int flags, int cmd, int version)
{
	memset(m, 0, sizeof(*m));
	m->nl.nlmsg_type = type;
	m->nl.nlmsg_flags = NLM_F_REQUEST | flags;
	m->nl.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	m->genl.cmd = cmd;
	m->genl.version = version;
}

static void add(struct message *m, int type, const void *data, int len)
{
	struct nlattr *a = (void *)((char *)m + NLMSG_ALIGN(m->nl.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, data, len);
	m->nl.nlmsg_len = NLMSG_ALIGN(m->nl.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

/* Sends @m and reads the answer into it: its length, or a negative errno. */
static int ask(int fd, struct message *m)
{
	struct nlmsgerr *e = NLMSG_DATA(&m->nl);
	ssize_t n;

	if (send(fd, m, m->nl.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, m, sizeof(*m), 0);
	if (n < 0)
		return -errno;
	if (m->nl.nlmsg_type == NLMSG_ERROR)
		return e->error;
	return n;
}

/* Calls @visit for every attribute in [data, data + len). */
static void each(const void *data, int len,
		 void (*visit)(const struct nlattr *a, void *arg), void *arg)
{
	const struct nlattr *a = data;

	while (len >= NLA_HDRLEN && a->nla_len <= len) {
		visit(a, arg);
		len -= NLA_ALIGN(a->nla_len);
		a = (void *)((char *)a + NLA_ALIGN(a->nla_len));
	}
}

static void take_family(const struct nlattr *a, void *arg)
{
	if (a->nla_type == CTRL_ATTR_FAMILY_ID)
		*(int *)arg = *(uint16_t *)((char *)a + NLA_HDRLEN);
}

static int family_id(int fd)
{
	struct message m;
	int id = -ENOENT, n;

	begin(&m, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	add(&m, CTRL_ATTR_FAMILY_NAME, DOOR_NL_NAME, sizeof(DOOR_NL_NAME));
	n = ask(fd, &m);
	if (n < 0)
		return n;
	each(m.attrs, m.nl.nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), take_family,
	     &id);
	return id;
}

static void take_value(const struct nlattr *a, void *arg)
{
	uint64_t *values = arg;

	if (a->nla_type != DOOR_NL_A_PAD && a->nla_len == NLA_HDRLEN + 8)
		memcpy(&values[a->nla_type], (char *)a + NLA_HDRLEN, 8);
	else if (a->nla_type != DOOR_NL_A_PAD)
		values[a->nla_type] = UINT64_MAX - 1;
}

static void take_set(const struct nlattr *a, void *arg)
{
	struct stats *s = arg;
	void *data = (char *)a + NLA_HDRLEN;

	if ((a->nla_type & NLA_TYPE_MASK) == DOOR_NL_A_STATS_COUNTERS)
		each(data, a->nla_len - NLA_HDRLEN, take_value, s->counter);
	if ((a->nla_type & NLA_TYPE_MASK) == DOOR_NL_A_STATS_FALLBACKS)
		each(data, a->nla_len - NLA_HDRLEN, take_value, s->fallback);
	if ((a->nla_type & NLA_TYPE_MASK) == DOOR_NL_A_STATS_HELD)
		each(data, a->nla_len - NLA_HDRLEN, take_value, s->held);
}

/* Values that the kernel does not send stay UINT64_MAX. */
static int get_stats(int fd, int family, struct stats *s)
{
	struct message m;
	int n;

	memset(s, 0xff, sizeof(*s));
	begin(&m, family, 0, DOOR_NL_CMD_STATS_GET, DOOR_NL_VERSION);
	n = ask(fd, &m);
	if (n < 0)
		return n;
	if (m.nl.nlmsg_type != family || m.genl.cmd != DOOR_NL_CMD_STATS_GET)
		return -EBADMSG;
	each(m.attrs, m.nl.nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN), take_set, s);
	return 0;
}

FIXTURE(nl)
{
	int fd, family;
};

FIXTURE_SETUP(nl)
{
	self->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_GE(self->fd, 0);
	self->family = family_id(self->fd);
	ASSERT_GT(self->family, 0);
}

FIXTURE_TEARDOWN(nl)
{
	close(self->fd);
}

TEST_F(nl, every_value_is_there)
{
	struct stats s;

	ASSERT_EQ(0, get_stats(self->fd, self->family, &s));
	for (int i = 1; i <= DOOR_NL_A_COUNTER_MAX; i++) {
		EXPECT_LT(s.counter[i], UINT64_MAX - 1)
		{
			TH_LOG("counter %d", i);
		}
	}
	for (int i = 1; i < DOOR_WHY_MAX; i++) {
		EXPECT_LT(s.fallback[i], UINT64_MAX - 1)
		{
			TH_LOG("fallback %d", i);
		}
	}
	for (int i = 1; i <= DOOR_NL_A_HELD_MAX; i++) {
		EXPECT_LT(s.held[i], UINT64_MAX - 1)
		{
			TH_LOG("held %d", i);
		}
	}
	/* And nothing else: it would be in what comes behind. */
	EXPECT_EQ(UINT64_MAX, s.fallback[0]);
	EXPECT_EQ(UINT64_MAX, s.held[0]);
	EXPECT_EQ(UINT64_MAX, s.behind);
}

TEST_F(nl, refusals)
{
	uint32_t one = 1;
	struct message m;

	for (int type = 0; type < 5; type++) {
		begin(&m, self->family, 0, DOOR_NL_CMD_STATS_GET,
		      DOOR_NL_VERSION);
		add(&m, type, &one, sizeof(one));
		EXPECT_EQ(-EINVAL, ask(self->fd, &m))
		{
			TH_LOG("attribute %d", type);
		}
	}
	begin(&m, self->family, 0, DOOR_NL_CMD_MAX + 1, DOOR_NL_VERSION);
	EXPECT_EQ(-EOPNOTSUPP, ask(self->fd, &m));
	begin(&m, self->family, 0, DOOR_NL_CMD_UNSPEC, DOOR_NL_VERSION);
	EXPECT_EQ(-EOPNOTSUPP, ask(self->fd, &m));
	begin(&m, self->family, NLM_F_DUMP, DOOR_NL_CMD_STATS_GET,
	      DOOR_NL_VERSION);
	EXPECT_EQ(-EOPNOTSUPP, ask(self->fd, &m));
	begin(&m, self->family, 0, DOOR_NL_CMD_STATS_GET, DOOR_NL_VERSION);
	m.genl.reserved = 1;
	EXPECT_EQ(-EINVAL, ask(self->fd, &m));
	begin(&m, self->family, 0, DOOR_NL_CMD_STATS_GET, DOOR_NL_VERSION);
	m.nl.nlmsg_len = NLMSG_HDRLEN;
	EXPECT_EQ(-EINVAL, ask(self->fd, &m));
	/* None of this has broken anything. */
	EXPECT_EQ(self->family, family_id(self->fd));
}

TEST_F(nl, anybody_anywhere)
{
	struct stats s;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, setgid(65534));
	ASSERT_EQ(0, setuid(65534));
	EXPECT_EQ(0, get_stats(self->fd, self->family, &s));
	close(self->fd);
	self->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	ASSERT_GE(self->fd, 0);
	EXPECT_EQ(self->family, family_id(self->fd));
	EXPECT_EQ(0, get_stats(self->fd, self->family, &s));
}

#define GREW(name)                                 \
	(after.counter[DOOR_NL_A_COUNTER_##name] - \
	 before.counter[DOOR_NL_A_COUNTER_##name])

static bool run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}

/* Wherever that happens. */
TEST_F(nl, a_stream_is_counted)
{
	struct stats before, after;
	char data[1000] = {};
	int fds[2], cpus = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!run_on(cpu))
			continue;
		cpus++;
		ASSERT_EQ(0, get_stats(self->fd, self->family, &before));
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					fds));
		ASSERT_EQ(DOOR_SOCK_JOINED, mark_pair(fds[0], fds[1]));
		ASSERT_EQ(1000, write(fds[0], data, 1000));
		ASSERT_EQ(1000, read(fds[1], data, 1000));
		ASSERT_EQ(0, get_stats(self->fd, self->family, &after));
		EXPECT_EQ(1, GREW(STREAMS_JOINED));
		EXPECT_EQ(0, GREW(STREAMS_ENDED));
		EXPECT_EQ(1000, GREW(STREAM_BYTES));
		close(fds[0]);
		close(fds[1]);
		EXPECT_TRUE(
			wait_for(!get_stats(self->fd, self->family, &after) &&
				 GREW(STREAMS_ENDED) == 1));
	}
	EXPECT_LT(0, cpus);
}

TEST_F(nl, a_fallback_is_counted)
{
	struct kind k = {.family = AF_INET, .srv = true};
	struct stats before, after;
	int l, c, s, why = DOOR_WHY_PEER_UNMARKED;
	struct addr a;

	l = port_open(_metadata, &k, &a);
	ASSERT_EQ(0, get_stats(self->fd, self->family, &before));
	c = client_open(_metadata, &k, &a);
	s = server_accept(_metadata, &k, l, c);
	ASSERT_EQ(0, get_stats(self->fd, self->family, &after));
	EXPECT_EQ(1, after.fallback[why] - before.fallback[why]);
	EXPECT_EQ(0, GREW(STREAMS_JOINED));
	close(s);
}

TEST_HARNESS_MAIN
