// SPDX-License-Identifier: GPL-2.0-only
/* Sockets of the fuzzer: see sock.h. */
#include "sock.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/door.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool sockets_plain;

static uint32_t header_check(const struct header *h)
{
	return mix64((uint64_t)h->conn << 32 | h->dest << 16 | h->back);
}

static void set_key(struct stream *s, const struct round *r)
{
	s->key = mix64(r->seed ^ mix64((uint64_t)s->hdr.conn << 32 |
				       s->hdr.dest << 16 | s->hdr.back));
}

void stream_begin(struct stream *s, const struct round *r, unsigned int dest,
		  bool back, uint32_t conn)
{
	memset(s, 0, sizeof(*s));
	s->hdr = (struct header){.magic = STREAM_MAGIC,
				 .dest = dest,
				 .back = back,
				 .conn = conn};
	s->hdr.check = header_check(&s->hdr);
	set_key(s, r);
}

/* The next @n bytes; the place stays. */
void stream_fill(const struct stream *s, void *buf, size_t n)
{
	size_t head = 0;

	if (s->pos < sizeof(s->hdr)) {
		head = sizeof(s->hdr) - s->pos;
		if (head > n)
			head = n;
		memcpy(buf, (char *)&s->hdr + s->pos, head);
	}
	pattern_fill((char *)buf + head, s->key, s->pos + head, n - head);
}

/* Are these the next @n bytes? The place stays. */
bool stream_is(const struct stream *s, const void *buf, size_t n)
{
	size_t head = 0;

	if (s->pos < sizeof(s->hdr)) {
		head = sizeof(s->hdr) - s->pos;
		if (head > n)
			head = n;
		if (memcmp(buf, (char *)&s->hdr + s->pos, head))
			return false;
	}
	return pattern_check((char *)buf + head, s->key, s->pos + head,
			     n - head) == n - head;
}

/* Learns from a header who speaks; false if there is none. */
bool stream_meet(struct stream *s, const struct round *r, const void *buf,
		 size_t n)
{
	struct header h;

	if (n < sizeof(h))
		return false;
	memcpy(&h, buf, sizeof(h));
	if (h.magic != STREAM_MAGIC || h.check != header_check(&h))
		return false;
	s->hdr = h;
	s->pos = 0;
	set_key(s, r);
	return true;
}

/* Where the first wrong byte is, and what stands there. */
void stream_describe(char *to, size_t size, const struct stream *s,
		     const void *buf, size_t n)
{
	size_t i = 0, k;
	char bytes[100];

	while (i < n) {
		struct stream at = *s;

		at.pos += i;
		if (!stream_is(&at, (char *)buf + i, 1))
			break;
		i++;
	}
	for (k = i; k < n && !((char *)buf)[k]; k++)
		;
	hex(bytes, sizeof(bytes), (char *)buf + i, n - i < 24 ? n - i : 24);
	snprintf(to, size, "%zu of %zu bytes right, %zu zeros, then: %s", i, n,
		 k - i, bytes);
}

int door_device(void)
{
	return open("/dev/door", O_RDWR | O_CLOEXEC);
}

static uint32_t sock_command(unsigned long cmd, struct door_ioc_sock *a)
{
	int dev = sockets_plain ? -1 : door_device();

	if (dev < 0)
		return DOOR_SOCK_PLAIN;
	if (ioctl(dev, cmd, a))
		a->state = DOOR_SOCK_PLAIN;
	close(dev);
	return a->state;
}

void mark_listen(int fd)
{
	struct door_ioc_sock a = {.fd = fd};

	sock_command(DOOR_IOC_SOCK_LISTEN, &a);
}

void mark_connect(int fd, const struct addr *to)
{
	struct door_ioc_sock a = {
		.fd = fd, .addr = (uintptr_t)to, .addrlen = to->len};

	sock_command(DOOR_IOC_SOCK_CONNECT, &a);
}

bool mark_pair(int fd, int fd2)
{
	struct door_ioc_sock a = {.fd = fd, .fd2 = fd2};

	return sock_command(DOOR_IOC_SOCK_PAIR, &a) == DOOR_SOCK_JOINED;
}

bool is_joined(int fd)
{
	struct door_ioc_sock a = {.fd = fd};

	return sock_command(DOOR_IOC_SOCK_INFO, &a) == DOOR_SOCK_JOINED;
}

void set_int(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

void set_timeout(int fd, int name, unsigned int ms)
{
	struct timeval t = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, name, &t, sizeof(t));
}

int listener_make(struct addr *a, int family, bool marked)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	a->len = sizeof(a->in);
	if (family == AF_INET)
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (family == AF_INET6) {
		a->in6.sin6_addr = in6addr_loopback;
		a->len = sizeof(a->in6);
	}
	if (family == AF_UNIX)
		a->len = sizeof(sa_family_t);
	if (marked)
		mark_listen(fd);
	if (family != AF_UNIX)
		set_int(fd, IPPROTO_TCP, TCP_FASTOPEN, 16);
	if (fd < 0 || bind(fd, &a->sa, a->len) || listen(fd, 64))
		return -1;
	a->len = sizeof(a->un);
	getsockname(fd, &a->sa, &a->len);
	return fd;
}

/* A connected pair, its ends marked or not. */
bool pair_make(struct rng *rng, int family, int fd[2])
{
	bool marked = !rng_one_in(rng, 8);
	struct addr a;
	int l;

	if (family == AF_UNIX && rng_one_in(rng, 3)) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
			return false;
		if (marked)
			mark_pair(fd[0], fd[1]);
		return true;
	}
	l = listener_make(&a, family, !rng_one_in(rng, 8));
	fd[0] = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (marked)
		mark_connect(fd[0], &a);
	if (l < 0 || connect(fd[0], &a.sa, a.len))
		return false;
	fd[1] = accept(l, NULL, NULL);
	close(l);
	return fd[1] >= 0;
}

int disconnect(int fd)
{
	struct sockaddr sa = {.sa_family = AF_UNSPEC};

	return connect(fd, &sa, sizeof(sa));
}
