// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams: connections that live long, of every family and marked in every way.
 * Both ends send and receive in all ways there are, change options, are
 * stopped, interrupted and sometimes killed. A reader sees what has been sent,
 * in order, and at the end of it, all of it.
 */
#include "sock.h"
#include "transfer.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS 4

/**
 * struct end - one end of a connection, a process
 * @out, @in: numbers of the streams that it writes and reads
 * @sending: the writer is about to hear of a reset, if there is one
 * @deaf: the writer has heard of it, so that the reader is told of an end
 */
struct end {
	struct round *r;
	struct rng rng;
	int fd;
	int other;
	int family;
	uint32_t out;
	uint32_t in;
	_Atomic int sending;
	_Atomic int deaf;
};

static void change_option(struct end *e, struct rng *rng)
{
	bool tcp = e->family != AF_UNIX;

	switch (rng_below(rng, 9)) {
	case 0:
		set_int(e->fd, SOL_SOCKET, SO_SNDBUF, rng_size(rng, 1 << 19));
		break;
	case 1:
		/* TCP cannot get a packet of loopback into less. */
		set_int(e->fd, SOL_SOCKET, SO_RCVBUF,
			(1 << 17) + rng_size(rng, 1 << 19));
		break;
	case 2:
		set_int(e->fd, SOL_SOCKET, SO_RCVLOWAT, rng_size(rng, 64));
		break;
	case 3:
		set_int(e->fd, SOL_SOCKET, SO_TIMESTAMP, rng_below(rng, 2));
		break;
	case 4:
		if (tcp)
			set_int(e->fd, IPPROTO_TCP, TCP_NODELAY,
				rng_below(rng, 2));
		else
			set_int(e->fd, SOL_SOCKET, SO_PASSCRED,
				rng_below(rng, 2));
		break;
	case 5:
		if (tcp)
			set_int(e->fd, IPPROTO_TCP, TCP_INQ, rng_below(rng, 2));
		break;
	case 6:
		if (tcp)
			set_int(e->fd, IPPROTO_TCP, TCP_CORK,
				rng_below(rng, 2));
		break;
	case 7:
		/* Refused while there is a lane; who may do it at all, is root.
		 */
		set_int(e->fd, IPPROTO_TCP, TCP_ULP, 0);
		break;
	case 8:
		set_int(e->fd, SOL_SOCKET, SO_ZEROCOPY, 1);
		break;
	}
}

/* After an error of sending. */
static bool may_go_on(struct end *e, int err)
{
	if (transfer_goes_on(err))
		return true;
	if (err == EPIPE || err == ECONNRESET)
		return false;
	oracle_fail(e->r, "stream %u of family %d: sending fails: %s", e->out,
		    e->family, strerror(err));
	return false;
}

static void *writer(void *arg)
{
	struct end *e = arg;
	struct rng rng = rng_of(e->r->seed, e->out * 2 + 1000001);
	struct conn *log = &e->r->sh->conn[e->out];
	struct transfer t;
	struct stream s;
	ssize_t n;

	if (!transfer_make(&t, e->r, e->fd, e->family))
		exit(3);
	stream_begin(&s, e->r, 0, false, e->out);
	while (!round_over(e->r)) {
		e->sending = 1;
		n = transfer_out(&t, &rng, &s, 192 * 1024);
		e->deaf = n < 0 && !may_go_on(e, errno);
		e->sending = 0;
		if (e->deaf)
			return NULL;
		if (n > 0)
			s.pos += n;
		if (rng_one_in(&rng, 64))
			change_option(e, &rng);
		if (rng_one_in(&rng, 32))
			sleep_ms(rng_size(&rng, 200));
	}
	set_int(e->fd, IPPROTO_TCP, TCP_CORK, 0);
	log->sent = s.pos;
	log->finished = 1;
	atomic_fetch_add(&e->r->sh->bytes, s.pos);
	shutdown(e->fd, SHUT_WR);
	return NULL;
}

static void wrong(struct end *e, const struct stream *s, const char *buf,
		  size_t n)
{
	char what[300];

	stream_describe(what, sizeof(what), s, buf, n);
	oracle_fail(e->r, "stream %u of family %d at %llu: %s", e->in,
		    e->family, (unsigned long long)s->pos, what);
}

static void reader(struct end *e)
{
	struct conn *log = &e->r->sh->conn[e->in];
	struct transfer t;
	struct stream s;
	bool taken, visible;
	ssize_t n;

	if (!transfer_make(&t, e->r, e->fd, e->family))
		exit(3);
	stream_begin(&s, e->r, 0, false, e->in);
	for (;;) {
		n = transfer_in(&t, &e->rng, &taken, &visible);
		if (n < 0 &&
		    (errno == EAGAIN || errno == EINTR || errno == EFAULT))
			continue;
		if (n <= 0)
			break;
		if (visible && !stream_is(&s, t.m.mem, n)) {
			wrong(e, &s, t.m.mem, n);
			exit(1);
		}
		if (taken)
			s.pos += n;
		log->got = s.pos;
		if (rng_one_in(&e->rng, 64))
			change_option(e, &e->rng);
	}
	while (e->sending)
		sleep_ms(5);
	if (!n && !e->deaf && log->finished && s.pos != log->sent)
		oracle_fail(
			e->r,
			"stream %u of family %d: the end after %llu bytes, %u "
			"had been sent",
			e->in, e->family, (unsigned long long)s.pos, log->sent);
}

static void run_end(struct round *r, struct rng *rng, void *arg)
{
	struct end *e = arg;
	pthread_t t;

	close(e->other);
	actor_interruptible(0);
	signal(SIGPIPE, SIG_IGN);
	e->r = r;
	e->rng = *rng;
	if (rng_one_in(rng, 2))
		drop_to_nobody();
	if (pthread_create(&t, NULL, writer, e))
		exit(3);
	reader(e);
	pthread_join(t, NULL);
}

static bool start_link(struct round *r, struct rng *rng, unsigned int n,
		       pid_t pid[2])
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_UNIX};
	int family = r->sockmap ? AF_INET : rng_pick(rng, families);
	int fd[2], i;

	if (!pair_make(rng, family, fd))
		return false;
	atomic_fetch_add(&r->sh->begun, 1);
	for (i = 0; i < 2; i++) {
		struct end e = {.fd = fd[i],
				.other = fd[!i],
				.family = family,
				.out = n * 2 + i,
				.in = n * 2 + !i};

		if (family != AF_UNIX)
			set_int(fd[i], SOL_SOCKET, SO_OOBINLINE, 1);
		pid[i] = actor_start(r, 100 + n * 2 + i, run_end, &e);
	}
	close(fd[0]);
	close(fd[1]);
	return true;
}

void run_stream(struct round *r, struct rng *rng)
{
	pid_t pid[LINKS * 2];
	unsigned int n, i;

	for (n = 0; n < LINKS; n++)
		if (!start_link(r, rng, n, pid + n * 2))
			break;
	chaos_signals(r, rng, pid, n * 2, r->ms);
	r->sh->stop = 1;
	for (i = 0; i < n * 2; i++)
		if (!actor_wait(pid[i], 60000 * r->slow) && !r->sh->failed)
			oracle_fail(
				r,
				"stream: process %d does not come to the end",
				pid[i]);
}

/* The same under an administrator's program that takes sockets for itself. */
void run_sockmap(struct round *r, struct rng *rng)
{
	r->sockmap = sockmap_attach(r->group);
	run_stream(r, rng);
}
