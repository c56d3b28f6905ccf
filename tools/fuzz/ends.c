// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends: connections that live shortly. While some threads send in all ways
 * there are, another says that this was all. Whatever the senders were told
 * that they have sent, the reader gets, and then the end.
 */
#include "sock.h"
#include "transfer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ACTORS 3
#define WRITERS 3

/**
 * struct sender - a thread that sends
 * @alone: what it sends is the stream's
 * @sent: how much it was told that it has sent
 */
struct sender {
	struct ending *e;
	struct transfer t;
	struct stream s;
	struct rng rng;
	bool alone;
	uint64_t sent;
};

/**
 * struct ending - a connection and those who use it
 * @closing: the end is being said
 */
struct ending {
	struct round *r;
	int family;
	int fd[2];
	unsigned int us;
	_Atomic int closing;
	struct transfer in;
	struct sender out[WRITERS];
};

/* After an error of sending. */
static bool goes_on(struct ending *e, int err)
{
	if (transfer_goes_on(err))
		return true;
	if (err == EPIPE && e->closing)
		return false;
	oracle_fail(e->r, "ends: sending to family %d fails: %s", e->family,
		    strerror(err));
	return false;
}

static void *send_on(void *arg)
{
	struct sender *s = arg;
	ssize_t n;

	do {
		n = transfer_out(&s->t, &s->rng, &s->s, 192 * 1024);
		if (n > 0) {
			s->sent += n;
			s->s.pos += s->alone ? n : 0;
		}
	} while (n >= 0 || goes_on(s->e, errno));
	return NULL;
}

static void *say_end(void *arg)
{
	struct ending *e = arg;

	usleep(e->us);
	e->closing = 1;
	shutdown(e->fd[0], SHUT_WR);
	return NULL;
}

/* Up to the end. Return: how much, or -1 after something was found. */
static long long receive_all(struct ending *e, struct rng *rng,
			     struct stream *in, bool alone)
{
	bool taken, visible;
	ssize_t n;

	for (;;) {
		n = transfer_in(&e->in, rng, &taken, &visible);
		if (!n)
			return in->pos;
		if (n < 0 &&
		    (errno == EAGAIN || errno == EINTR || errno == EFAULT))
			continue;
		if (n < 0) {
			oracle_fail(e->r, "ends: receiving, family %d: %s",
				    e->family, strerror(errno));
			return -1;
		}
		if (alone && visible && !stream_is(in, e->in.m.mem, n)) {
			oracle_fail(e->r, "ends: wrong bytes, family %d",
				    e->family);
			return -1;
		}
		in->pos += taken ? n : 0;
	}
}

/* What is there a while after the end. */
static int later(struct ending *e)
{
	int n, sum = 0;

	sleep_ms(1000);
	while ((n = recv(e->fd[1], e->in.m.mem, e->in.m.len, MSG_DONTWAIT)) > 0)
		sum += n;
	return sum;
}

static void one_end(struct ending *e, struct rng *rng)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX};
	unsigned int n = rng_one_in(rng, 2) ? 1 : WRITERS, i;
	uint64_t conn = atomic_fetch_add(&e->r->sh->begun, 1), sent = 0;
	pthread_t thread[WRITERS], closer;
	struct stream in;
	long long got;
	bool joined;

	e->family = rng_pick(rng, families);
	if (!pair_make(rng, e->family, e->fd))
		return;
	joined = is_joined(e->fd[1]);
	e->closing = 0;
	e->us = rng_size(rng, 20000);
	e->in.fd = e->fd[1];
	e->in.family = e->family;
	e->in.way = rng_below(rng, 3);
	if (e->family != AF_UNIX) {
		set_int(e->fd[0], SOL_SOCKET, SO_ZEROCOPY, 1);
		set_int(e->fd[1], SOL_SOCKET, SO_OOBINLINE, 1);
	}
	stream_begin(&in, e->r, 0, false, conn);
	for (i = 0; i < n; i++) {
		struct sender *s = &e->out[i];

		s->e = e;
		s->t.fd = e->fd[0];
		s->t.family = e->family;
		s->t.way = rng_one_in(rng, 2)
				   ? 1 + rng_below(rng, TRANSFER_WAYS)
				   : 0;
		s->s = in;
		s->alone = n == 1;
		s->sent = 0;
		s->rng = rng_of(e->r->seed, conn * WRITERS + i + 1000003);
		if (pthread_create(&thread[i], NULL, send_on, s))
			exit(3);
	}
	if (pthread_create(&closer, NULL, say_end, e))
		exit(3);
	got = receive_all(e, rng, &in, n == 1);
	pthread_join(closer, NULL);
	for (i = 0; i < n; i++) {
		pthread_join(thread[i], NULL);
		sent += e->out[i].sent;
	}
	atomic_fetch_add(&e->r->sh->bytes, sent);
	if (got >= 0 && (uint64_t)got != sent)
		oracle_fail(e->r,
			    "ends: family %d, %s, %u writers in ways %u %u %u, "
			    "read in way %u: the end after %lld bytes, %llu "
			    "had been sent, %d come later",
			    e->family, joined ? "joined" : "plain", n,
			    e->out[0].t.way, e->out[1].t.way, e->out[2].t.way,
			    e->in.way, got, (unsigned long long)sent, later(e));
	close(e->fd[0]);
	close(e->fd[1]);
}

static void run_actor(struct round *r, struct rng *rng, void *arg)
{
	static struct ending e;

	(void)arg;
	actor_interruptible(0);
	signal(SIGPIPE, SIG_IGN);
	e.r = r;
	if (!transfer_make(&e.in, r, -1, AF_UNIX))
		exit(3);
	for (int i = 0; i < WRITERS; i++)
		if (!transfer_make(&e.out[i].t, r, -1, AF_UNIX))
			exit(3);
	if (rng_one_in(rng, 2))
		drop_to_nobody();
	while (!round_over(r))
		one_end(&e, rng);
}

void run_ends(struct round *r, struct rng *rng)
{
	pid_t pid[ACTORS];
	unsigned int i;

	for (i = 0; i < ACTORS; i++)
		pid[i] = actor_start(r, 100 + i, run_actor, NULL);
	chaos_signals(r, rng, pid, ACTORS, r->ms);
	r->sh->stop = 1;
	for (i = 0; i < ACTORS; i++)
		if (!actor_wait(pid[i], 60000 * r->slow) && !r->sh->failed)
			oracle_fail(r,
				    "ends: process %d does not come to the end",
				    pid[i]);
}
