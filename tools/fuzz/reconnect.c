// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reconnecting: several threads share a socket that one of them connects to one
 * server after the other and sends on, another disconnects at any moment and a
 * third reads from. Whatever the timing, bytes meant for one server reach no
 * other, a server that sees the end of a connection has seen all of it, and a
 * reader sees nothing but what a server has sent.
 */
#include "memory.h"
#include "peers.h"
#include "sock.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLIENTS 5

/**
 * struct client - a process that shares one socket among its threads
 * @fd: the socket
 * @done: the thread that connects has ended
 * @reading: the thread that reads is held up
 * @calm: nobody else disconnects: what has been sent must arrive
 */
struct client {
	struct round *r;
	struct peers *peers;
	unsigned int who;
	_Atomic int fd;
	_Atomic int done;
	_Atomic int reading;
	_Atomic int calm;
};

static void open_socket(struct client *c)
{
	int fd = socket(c->peers->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	set_timeout(fd, SO_SNDTIMEO, 3000);
	set_timeout(fd, SO_RCVTIMEO, 300);
	c->fd = fd;
}

static void *cut(void *arg)
{
	struct client *c = arg;
	struct rng rng = rng_of(c->r->seed, c->who * 16 + 1);

	while (!c->done) {
		/* At any time, or just when somebody reads. */
		if (rng_one_in(&rng, 2))
			sleep_ms(rng_size(&rng,
					  rng_one_in(&rng, 3) ? 2000 : 100));
		else
			while (!c->reading && !c->done)
				sleep_ms(1 + rng_below(&rng, 200));
		if (!c->calm)
			disconnect(c->fd);
	}
	return NULL;
}

/*
 * What a reader of the shared socket may see: more of its stream, or the begin
 * of another. A header in pieces is not worth the trouble: then @in is nobody's
 * until the next.
 */
static bool plausible(struct client *c, struct stream *in, const char *buf,
		      size_t n, bool *lost)
{
	struct stream next = *in;
	char what[300];

	if (in->key && stream_is(in, buf, n))
		return true;
	if (stream_meet(&next, c->r, buf, n) && next.hdr.back &&
	    stream_is(&next, buf, n)) {
		*in = next;
		*lost = false;
		return true;
	}
	if (*lost || n < sizeof(struct header)) {
		*lost = true;
		return true;
	}
	stream_describe(what, sizeof(what), in, buf, n);
	oracle_fail(
		c->r,
		"client %u read what no server sent: expected connection %u "
		"of server %u at %llu; %s",
		c->who, in->hdr.conn, in->hdr.dest, (unsigned long long)in->pos,
		what);
	return false;
}

static void *read_shared(void *arg)
{
	struct client *c = arg;
	struct rng rng = rng_of(c->r->seed, c->who * 16 + 2);
	struct stream in = {};
	bool lost = false;
	struct region m;

	if (!region_make(&m, 256 * 1024))
		exit(3);
	while (!c->done) {
		size_t len = 16 + rng_size(&rng, m.len - 16);
		int flags = rng_one_in(&rng, 8) ? MSG_PEEK : 0;
		ssize_t n;

		/* TCP itself holds everybody up meanwhile. */
		if (rng_one_in(&rng, 2))
			region_arm(&m, &rng, len,
				   is_joined(c->fd)
					   ? 5000 + rng_below(&rng, 3000)
					   : rng_size(&rng, 100));
		c->reading = m.missing != NULL;
		n = recv(c->fd, m.mem, len, flags);
		c->reading = 0;
		region_disarm(&m);
		if (n > 0) {
			if (!plausible(c, &in, m.mem, n, &lost))
				break;
			if (!(flags & MSG_PEEK))
				in.pos += n;
			continue;
		}
		if (!n || errno == ECONNRESET)
			in.key = 0;
		/* Not connected, most of the time. */
		if (!n || errno != EAGAIN)
			sleep_ms(2);
	}
	return NULL;
}

/* Return: whether it is connected, to @to and by this call. */
static bool reach(struct client *c, struct rng *rng, const struct addr *to,
		  struct stream *out)
{
	char first[sizeof(struct header)];
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};
	int err = 0;
	socklen_t len = sizeof(err);

	if (!rng_one_in(rng, 6))
		mark_connect(c->fd, to);
	switch (rng_below(rng, 4)) {
	case 0:
		stream_fill(out, first, sizeof(first));
		if (sendto(c->fd, first, sizeof(first),
			   MSG_FASTOPEN | MSG_NOSIGNAL, &to->sa,
			   to->len) != sizeof(first))
			return false;
		out->pos = sizeof(first);
		return true;
	case 1:
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
		err = connect(c->fd, &to->sa, to->len) ? errno : 0;
		if (err == EINPROGRESS && poll(&p, 1, 2000) == 1)
			getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len);
		fcntl(c->fd, F_SETFL, 0);
		return !err && connect(c->fd, &to->sa, to->len) < 0 &&
		       errno == EISCONN;
	}
	return !connect(c->fd, &to->sa, to->len);
}

static bool send_some(struct client *c, struct rng *rng, struct region *m,
		      struct stream *out, size_t total)
{
	while (out->pos < total) {
		size_t left = total - out->pos, len;
		ssize_t n;

		len = rng_size(rng, left < m->len ? left : m->len);
		/* The header in one piece. */
		if (!out->pos && len < sizeof(struct header))
			len = sizeof(struct header);

		stream_fill(out, m->mem, len);
		if (rng_one_in(rng, 6))
			region_arm(
				m, rng, len,
				rng_size(rng, rng_one_in(rng, 4) ? 1500 : 50));
		n = send(c->fd, m->mem, len, MSG_NOSIGNAL);
		region_disarm(m);
		if (n < 0 && errno != EFAULT)
			return false;
		if (n > 0)
			out->pos += n;
	}
	return true;
}

/*
 * All has been sent, and the socket said so each time. The server sees all of
 * it and the end, or a reset; it is not left waiting.
 */
static void must_arrive(struct client *c, uint32_t conn, unsigned int dest)
{
	struct conn *log = &c->r->sh->conn[conn % FUZZ_CONNS];
	long long end = now_ms() + 30000 * c->r->slow;

	while (!log->over && !c->r->sh->failed) {
		if (now_ms() >= end) {
			oracle_fail(
				c->r,
				"reconnect: connection %u: %u bytes were sent "
				"to server %u, which got %u of them, and "
				"neither an end nor a reset",
				conn, log->sent, dest, log->got);
			return;
		}
		sleep_ms(2);
	}
}

/* Connected to somebody else, until the other thread comes along. */
static bool reach_at_last(struct client *c, struct rng *rng, unsigned int dest,
			  struct stream *out)
{
	long long end = now_ms() + rng_size(rng, 300);

	do {
		if (reach(c, rng, &c->peers->addr[dest], out))
			return true;
	} while (errno == EISCONN && now_ms() < end);
	if (rng_one_in(rng, 2))
		disconnect(c->fd);
	return false;
}

static void one_connection(struct client *c, struct rng *rng, struct region *m)
{
	unsigned int dest = rng_below(rng, c->peers->n);
	uint64_t conn = atomic_fetch_add(&c->r->sh->begun, 1);
	struct conn *log = &c->r->sh->conn[conn % FUZZ_CONNS];
	size_t total = sizeof(struct header);
	struct stream out;

	if (conn >= FUZZ_CONNS) {
		sleep_ms(100);
		return;
	}
	stream_begin(&out, c->r, dest, false, conn);
	if (!reach_at_last(c, rng, dest, &out))
		return;
	total += rng_size(rng, rng_one_in(rng, 4) ? 300000 : 2000);
	if (!send_some(c, rng, m, &out, total))
		return;
	log->sent = out.pos;
	atomic_fetch_add(&c->r->sh->bytes, out.pos);
	if (rng_one_in(rng, c->peers->once ? 1 : 3)) {
		/* The reader sees what the server has to say for a while. */
		sleep_ms(rng_size(rng, 1000));
		return;
	}
	c->calm = 1;
	log->finished = 1;
	if (!shutdown(c->fd, SHUT_WR))
		must_arrive(c, conn, dest);
	c->calm = 0;
}

static void client(struct round *r, struct rng *rng, void *arg)
{
	struct peers *peers = arg;
	struct client c = {
		.r = r, .peers = peers, .who = rng_below(rng, 1 << 20)};
	struct region m;
	pthread_t t;

	if (rng_one_in(rng, 2))
		drop_to_nobody();
	open_socket(&c);
	if (!region_make(&m, 128 * 1024) || pthread_create(&t, NULL, cut, &c) ||
	    pthread_create(&t, NULL, read_shared, &c))
		exit(3);
	while (!round_over(r)) {
		one_connection(&c, rng, &m);
		if (!peers->once && rng_one_in(rng, 2))
			continue;
		/* Only a new socket can be joined again. */
		if (rng_one_in(rng, 2))
			shutdown(c.fd, SHUT_RDWR);
		close(c.fd);
		open_socket(&c);
	}
	c.done = 1;
}

void run_reconnect(struct round *r, struct rng *rng)
{
	struct peers peers = {.n = 2 + rng_below(rng, 2)};
	pid_t pid[CLIENTS];
	unsigned int i;

	peers.once = rng_one_in(rng, 2);
	peers.family = rng_one_in(rng, 3) ? AF_INET6 : AF_INET;
	if (!peers_start(r, &peers))
		return;
	for (i = 0; i < CLIENTS; i++)
		pid[i] = actor_start(r, 100 + i, client, &peers);
	wait_for_count(r, &r->sh->begun, CLIENTS);
	sleep_ms(r->ms);
	r->sh->stop = 1;
	for (i = 0; i < CLIENTS; i++)
		actor_wait(pid[i], 45000 * r->slow);
}
