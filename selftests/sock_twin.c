// SPDX-License-Identifier: GPL-2.0-only
/*
 * Twins: one random sequence of calls on an untouched pair and on a pair of the
 * variant's kind. After each call results, bytes, readiness and queue lengths
 * must be the same. DOOR_TEST_SEEDS (default 30) sequences; DOOR_TEST_SEED
 * picks one.
 */
#include "sock_test.h"

#define STEPS 60
#define PLAIN 0
#define OTHER 1

struct twin {
	int fd[2][2]; /* [PLAIN or OTHER][end]; -1: closed */
	size_t sent[2];
	int urgent[2];
	bool tcp;
	unsigned int rnd;
	const char *op;
	long arg[3];
};

/* What one call gave. */
struct outcome {
	long ret;
	int flags;
	int nfd;
	uint8_t data[4096];
};

static unsigned int rnd(struct twin *t, unsigned int n)
{
	return rand_r(&t->rnd) / 7 % n;
}

static void outcome_of(struct outcome *o, long ret)
{
	o->ret = ret < 0 ? -errno : ret;
}

static void do_send(int fd, size_t off, size_t len, int pieces, int flags,
		    bool rights, struct outcome *o)
{
	char ctl[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov[4];
	struct msghdr m = {.msg_iov = iov, .msg_iovlen = pieces};

	for (int i = 0; i < pieces; i++) {
		size_t n =
			i == pieces - 1 ? len - len / pieces * i : len / pieces;

		iov[i].iov_base = (void *)pattern(off + len / pieces * i);
		iov[i].iov_len = n;
	}
	if (rights) {
		struct cmsghdr *c;

		m.msg_control = ctl;
		m.msg_controllen = sizeof(ctl);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}
	outcome_of(o, sendmsg(fd, &m, flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

static void do_recv(int fd, size_t len, int flags, bool control,
		    struct outcome *o)
{
	char ctl[256];
	struct iovec iov[2] = {
		{.iov_base = o->data, .iov_len = len / 3},
		{.iov_base = o->data + len / 3, .iov_len = len - len / 3}};
	struct msghdr m = {.msg_iov = iov,
			   .msg_iovlen = 2,
			   .msg_control = ctl,
			   .msg_controllen = control ? sizeof(ctl) : 0};

	outcome_of(o, recvmsg(fd, &m, flags | MSG_DONTWAIT));
	if (o->ret < 0)
		return;
	o->flags = m.msg_flags;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		int fds[8];

		if (c->cmsg_type != SCM_RIGHTS)
			continue;
		o->nfd += (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(c), o->nfd * sizeof(int));
		for (int i = 0; i < o->nfd; i++)
			close(fds[i]);
	}
}

static int at_mark(int fd)
{
	int v = -1;

	return ioctl(fd, SIOCATMARK, &v) ? -errno : v;
}

static const int how_recv[] = {
	0,	  0,	       0,	  MSG_PEEK,
	MSG_PEEK, MSG_WAITALL, MSG_TRUNC, MSG_PEEK | MSG_TRUNC};

/* One random call; false if it does not apply. */
static bool step(struct twin *t, struct outcome o[2])
{
	int e = rnd(t, 2), kind = rnd(t, 100);
	size_t len = rnd(t, 4) ? 1 + rnd(t, 60) : 1 + rnd(t, 3000);
	int flags = how_recv[rnd(t, 8)], val = rnd(t, 40);
	bool extra = rnd(t, 2);
	size_t off = t->sent[e];

	/* A second urgent byte makes an ordinary one of the first. */
	if (kind >= 78 && kind < 84 && t->tcp && t->urgent[e]++)
		kind = 0;
	if (t->fd[OTHER][e] < 0 || off > 150000)
		return false;
	t->arg[0] = e;
	t->arg[1] = len;
	t->arg[2] = flags;
	for (int w = 0; w < 2; w++) {
		int fd = t->fd[w][e];

		errno = 0;
		if (kind < 38) {
			t->op = "send";
			do_send(fd, off, len, 1 + val % 4, 0, false, &o[w]);
		} else if (kind < 78) {
			t->op = "recv";
			do_recv(fd, len, flags, extra, &o[w]);
		} else if (kind < 84) {
			t->op = t->tcp ? "send urgent" : "send rights";
			do_send(fd, off, len, 1, t->tcp ? MSG_OOB : 0, !t->tcp,
				&o[w]);
		} else if (kind < 87) {
			t->op = "recv urgent";
			if (t->tcp)
				do_recv(fd, 1, MSG_OOB, false, &o[w]);
		} else if (kind < 90) {
			t->op = "at mark";
			if (t->tcp)
				o[w].ret = at_mark(fd);
		} else if (kind < 94) {
			bool low = kind < 92;

			t->op = low ? "SO_RCVLOWAT" : "SO_OOBINLINE";
			val = setopt_int(fd, SOL_SOCKET,
					 low ? SO_RCVLOWAT : SO_OOBINLINE,
					 low ? 1 + len % 40 : extra);
			outcome_of(&o[w], val);
		} else if (kind < 96) {
			t->op = "SO_ERROR";
			o[w].ret = getopt_int(fd, SOL_SOCKET, SO_ERROR);
		} else if (kind < 98) {
			t->op = "shutdown";
			t->arg[1] = val % 3;
			outcome_of(&o[w], shutdown(fd, val % 3));
		} else if (kind < 99 && extra) {
			t->op = "close";
			o[w].ret = close(fd);
			t->fd[w][e] = -1;
		}
	}
	if (kind < 38 || (kind >= 78 && kind < 84))
		t->sent[e] += o[PLAIN].ret > 0 ? o[PLAIN].ret : 0;
	return true;
}

/*
 * A look may end early, where the bytes' way changes for the second time; and
 * on AF_UNIX it may report descriptors that come far behind the bytes looked
 * at.
 */
static bool same(const struct twin *t, const struct outcome *a,
		 const struct outcome *b)
{
	if (!strcmp(t->op, "recv") && t->arg[2] & MSG_PEEK && b->ret > 0)
		return b->ret <= a->ret && !memcmp(a->data, b->data, b->ret);
	return a->ret == b->ret && a->flags == b->flags && a->nfd == b->nfd &&
	       !memcmp(a->data, b->data, sizeof(a->data));
}

/* All ends of both pairs show the same, at once or soon. */
static bool settled(const struct twin *t)
{
	for (int e = 0; e < 2; e++) {
		int p = t->fd[PLAIN][e], o = t->fd[OTHER][e];

		if (p < 0)
			continue;
		if (inq(p) != inq(o) ||
		    poll_mask(p, POLL_ALL, 0) != poll_mask(o, POLL_ALL, 0))
			return false;
	}
	return true;
}

static void show(struct __test_metadata *_metadata, const struct twin *t)
{
	for (int e = 0; e < 2; e++) {
		int p = t->fd[PLAIN][e], o = t->fd[OTHER][e];

		if (p < 0)
			continue;
		TH_LOG("end %d: plain inq %d poll %x, other inq %d poll %x", e,
		       inq(p), poll_mask(p, POLL_ALL, 0), inq(o),
		       poll_mask(o, POLL_ALL, 0));
	}
}

static void run_seed(struct __test_metadata *_metadata, const struct kind *k,
		     unsigned int seed)
{
	struct kind plain = {.family = k->family, .pair = k->pair};
	struct twin t = {.tcp = k->family != AF_UNIX, .rnd = seed};
	static struct outcome o[2];
	struct pair p;

	for (int w = 0; w < 2; w++) {
		pair_open(_metadata, w == PLAIN ? &plain : k, &p);
		t.fd[w][0] = p.cli;
		t.fd[w][1] = p.srv;
		for (int e = 0; e < 2 && t.tcp; e++)
			setopt_int(t.fd[w][e], IPPROTO_TCP, TCP_NODELAY, 1);
	}
	for (int i = 0; i < STEPS; i++) {
		memset(o, 0, sizeof(o));
		t.op = "nothing";
		if (!step(&t, o))
			continue;
		if (getenv("DOOR_TEST_SEED")) {
			TH_LOG("%d: %s end %ld, %ld, %lx: %ld, %ld", i, t.op,
			       t.arg[0], t.arg[1], t.arg[2], o[0].ret,
			       o[1].ret);
		}
		ASSERT_TRUE(same(&t, &o[PLAIN], &o[OTHER]))
		{
			TH_LOG("seed %u step %d: %s end %ld, %ld, flags %lx",
			       seed, i, t.op, t.arg[0], t.arg[1], t.arg[2]);
			TH_LOG("ret %ld, %ld; flags %x, %x; fds %d, %d; creds "
			       "%d, %d",
			       o[0].ret, o[1].ret, o[0].flags, o[1].flags,
			       o[0].nfd, o[1].nfd);
			show(_metadata, &t);
		}
		ASSERT_TRUE(wait_for(settled(&t)))
		{
			TH_LOG("seed %u after step %d: %s end %ld, %ld, flags "
			       "%lx",
			       seed, i, t.op, t.arg[0], t.arg[1], t.arg[2]);
			show(_metadata, &t);
		}
	}
	for (int w = 0; w < 2; w++) {
		for (int e = 0; e < 2; e++)
			close(t.fd[w][e]);
	}
}

TEST_F_TIMEOUT(link, twins_behave_the_same, 60)
{
	const char *one = getenv("DOOR_TEST_SEED");
	const char *some = getenv("DOOR_TEST_SEEDS");
	unsigned int n = some ? atoi(some) : 30;

	if (one) {
		run_seed(_metadata, &variant->k, atoi(one));
		return;
	}
	for (unsigned int seed = 1; seed <= n; seed++)
		run_seed(_metadata, &variant->k, seed);
}

SOCK_TEST_MAIN
