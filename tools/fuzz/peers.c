// SPDX-License-Identifier: GPL-2.0-only
/*
 * Peers: servers that accept, read and check what comes, and send streams of
 * their own, each with a temper that its random numbers give it.
 */
#include "peers.h"
#include "memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT_ONCE 32 /* connections of one server */

/**
 * struct served - one accepted connection; two threads have it
 * @users: threads that are not done with it
 * @deaf: it is not going to read all, or the writer has heard of the reset
 * @sending: the writer is about to hear of one, if there is one
 */
struct served {
	struct round *r;
	unsigned int dest;
	uint32_t number;
	int fd;
	struct rng rng;
	_Atomic int users;
	_Atomic int deaf;
	_Atomic int sending;
	_Atomic int *live;
};

static void leave(struct served *s)
{
	if (atomic_fetch_sub(&s->users, 1) != 1)
		return;
	close(s->fd);
	atomic_fetch_sub(s->live, 1);
	free(s);
}

/* The bytes belong here? */
static bool check(struct served *s, struct stream *in, const char *buf,
		  size_t n)
{
	char what[300];

	if (!in->key && !stream_meet(in, s->r, buf, n)) {
		hex(what, sizeof(what), buf, n < 48 ? n : 48);
		oracle_fail(
			s->r,
			"server %u: a stream without a header: %zu bytes: %s",
			s->dest, n, what);
		return false;
	}
	if (in->hdr.dest != s->dest || in->hdr.back) {
		oracle_fail(s->r,
			    "server %u got bytes meant for server %u "
			    "(connection %u)",
			    s->dest, in->hdr.dest, in->hdr.conn);
		return false;
	}
	if (!stream_is(in, buf, n)) {
		stream_describe(what, sizeof(what), in, buf, n);
		oracle_fail(s->r, "server %u, connection %u at %llu: %s",
			    s->dest, in->hdr.conn, (unsigned long long)in->pos,
			    what);
		return false;
	}
	return true;
}

/* Whole headers: the first read is for at least that. */
static ssize_t take(struct served *s, struct region *m, struct stream *in)
{
	size_t len = rng_size(&s->rng, m->len);
	ssize_t n;

	if (!in->key)
		return recv(s->fd, m->mem, sizeof(struct header), MSG_WAITALL);
	if (rng_one_in(&s->rng, 8))
		region_arm(
			m, &s->rng, len,
			rng_size(&s->rng, rng_one_in(&s->rng, 8) ? 1000 : 30));
	n = recv(s->fd, m->mem, len, 0);
	region_disarm(m);
	return n;
}

static void account(struct served *s, const struct stream *in, ssize_t n)
{
	struct conn *log;

	if (!in->key)
		return;
	log = &s->r->sh->conn[in->hdr.conn % FUZZ_CONNS];
	while (s->sending)
		sleep_ms(5);
	if (!n && !s->deaf && log->finished && log->got < log->sent)
		oracle_fail(s->r,
			    "server %u, connection %u: the end after %u bytes, "
			    "%u had been sent",
			    s->dest, in->hdr.conn, log->got, log->sent);
	log->over = n ? CONN_RESET : CONN_END;
}

static void *reader(void *arg)
{
	struct served *s = arg;
	unsigned int patience =
		rng_one_in(&s->rng, 6) ? rng_size(&s->rng, 64) : ~0U;
	struct stream in = {};
	struct region m;
	ssize_t n = -1;

	if (!region_make(&m, 128 * 1024))
		exit(3);
	while (patience--) {
		n = take(s, &m, &in);
		if (n < 0 && (errno == EFAULT || errno == EINTR))
			continue;
		/* Cut within the header: nobody knows whose it was. */
		if (n <= 0 || (!in.key && n < (ssize_t)sizeof(struct header)))
			break;
		if (!check(s, &in, m.mem, n))
			break;
		in.pos += n;
		s->r->sh->conn[in.hdr.conn % FUZZ_CONNS].got = in.pos;
	}
	account(s, &in, n <= 0 ? n : -1);
	region_free(&m);
	leave(s);
	return NULL;
}

static void *writer(void *arg)
{
	struct served *s = arg;
	struct rng rng = rng_of(s->r->seed, s->dest << 24 | s->number << 1 | 1);
	size_t total = 1 + rng_below(&rng, 600000), len;
	struct stream out;
	struct region m;
	ssize_t n;

	if (!region_make(&m, 256 * 1024))
		exit(3);
	stream_begin(&out, s->r, s->dest, true, s->number);
	set_timeout(s->fd, SO_SNDTIMEO, 3000);
	while (out.pos < total) {
		len = rng_one_in(&rng, 2) ? m.len
					  : 16 + rng_size(&rng, m.len - 16);
		stream_fill(&out, m.mem, len);
		if (rng_below(&rng, 4))
			region_arm(&m, &rng, len,
				   rng_one_in(&rng, 2)
					   ? 100 + rng_below(&rng, 1500)
					   : rng_size(&rng, 100));
		s->sending = 1;
		n = send(s->fd, m.mem, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EFAULT)
			s->deaf = 1;
		s->sending = 0;
		region_disarm(&m);
		if (s->deaf)
			break;
		if (n > 0)
			out.pos += n;
	}
	/* A lane that nobody writes to is looked after only as long as it is
	 * there. */
	if (rng_one_in(&rng, 2))
		sleep_ms(3000 + rng_below(&rng, 6000));
	if (rng_one_in(&rng, 4)) {
		struct linger l = {.l_onoff = 1};

		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	if (rng_one_in(&rng, 6)) {
		s->deaf = 1;
		shutdown(s->fd, SHUT_RDWR);
	} else if (rng_one_in(&rng, 2)) {
		shutdown(s->fd, SHUT_WR);
	}
	region_free(&m);
	leave(s);
	return NULL;
}

static void serve_one(struct round *r, struct rng *rng, unsigned int dest,
		      int fd, uint32_t number, _Atomic int *live)
{
	struct served *s = calloc(1, sizeof(*s));
	pthread_attr_t attr;
	pthread_t t;

	*s = (struct served){.r = r,
			     .dest = dest,
			     .number = number,
			     .fd = fd,
			     .rng = rng_of(rng_u64(rng), number),
			     .users = 2,
			     .live = live};
	atomic_fetch_add(live, 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (rng_one_in(rng, 3))
		leave(s);
	else if (pthread_create(&t, &attr, writer, s))
		exit(3);
	if (pthread_create(&t, &attr, reader, s))
		exit(3);
	pthread_attr_destroy(&attr);
}

static void server(struct round *r, struct rng *rng, void *arg)
{
	struct peers *p = arg;
	_Atomic int live = 0;
	uint32_t number = 1;
	unsigned int i;
	int fd;

	for (i = 0; i < p->n; i++)
		if (i != p->self)
			close(p->fd[i]);
	for (;;) {
		while (live >= AT_ONCE)
			sleep_ms(2);
		fd = accept(p->fd[p->self], NULL, NULL);
		if (fd >= 0)
			serve_one(r, rng, p->self, fd, number++, &live);
	}
}

bool peers_start(struct round *r, struct peers *p)
{
	struct rng rng = rng_of(r->seed, 1);

	for (p->self = 0; p->self < p->n; p->self++) {
		p->fd[p->self] = listener_make(&p->addr[p->self], p->family,
					       !rng_one_in(&rng, 8));
		if (p->fd[p->self] < 0)
			return false;
	}
	for (p->self = 0; p->self < p->n; p->self++)
		p->pid[p->self] = actor_start(r, 10 + p->self, server, p);
	for (p->self = 0; p->self < p->n; p->self++)
		close(p->fd[p->self]);
	return true;
}
