/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Three users at a server: the server's own, who answers in one thread, a
 * victim who times round trips, and whoever attacks.
 */
#ifndef HOSTILE_TEST_H
#define HOSTILE_TEST_H

#include "sock_test.h"
#include <grp.h>
#include <sys/epoll.h>
#include <sys/resource.h>

enum { SERVER = 1, VICTIM = 2, NOBODY = 65534 };

#define ROUNDS 6
#define PINGS 200
#define FILES 3000

/**
 * struct target - the server, as clients see it
 * @tcp: where it listens
 * @un: likewise
 * @marked: mark sockets
 * @ready: a pipe that takes a byte when an attack has begun
 */
struct target {
	struct addr tcp;
	struct addr un;
	bool marked;
	int ready;
};

static inline void become(uid_t uid)
{
	struct rlimit files = {FILES, FILES};

	if (setrlimit(RLIMIT_NOFILE, &files) || setgroups(0, NULL) ||
	    setgid(uid) || setuid(uid) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		_exit(100);
}

/* ---- the server: an echo in one thread ---------------------------------- */

static struct {
	char buf[4096];
	size_t n;
	size_t off;
} conn[FILES];

static inline void watch(int ep, int op, int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};

	epoll_ctl(ep, op, fd, &ev);
}

static inline void answer(int ep, int fd)
{
	ssize_t n;

	if (!conn[fd].n) {
		n = recv(fd, conn[fd].buf, sizeof(conn[fd].buf), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(fd);
			return;
		}
		conn[fd].n = n;
		conn[fd].off = 0;
	}
	n = send(fd, conn[fd].buf + conn[fd].off, conn[fd].n - conn[fd].off,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		conn[fd].n = 0;
		close(fd);
		return;
	}
	conn[fd].off += n > 0 ? n : 0;
	if (conn[fd].off == conn[fd].n)
		conn[fd].n = 0;
	watch(ep, EPOLL_CTL_MOD, fd, conn[fd].n ? EPOLLOUT : EPOLLIN);
}

static inline void serve(int tcp, int un)
{
	int ep = epoll_create1(EPOLL_CLOEXEC), n, fd;
	struct epoll_event ev[64];

	become(SERVER);
	watch(ep, EPOLL_CTL_ADD, tcp, EPOLLIN);
	watch(ep, EPOLL_CTL_ADD, un, EPOLLIN);
	for (;;) {
		n = epoll_wait(ep, ev, 64, -1);
		for (int i = 0; i < n; i++) {
			fd = ev[i].data.fd;
			if (fd != tcp && fd != un) {
				answer(ep, fd);
				continue;
			}
			fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0) {
				conn[fd].n = 0;
				watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN);
			}
		}
	}
}

static inline int dial(const struct target *t, int family)
{
	const struct addr *a = family == AF_UNIX ? &t->un : &t->tcp;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (t->marked)
		mark_connect(fd, &a->sa, a->len, NULL);
	if (connect(fd, &a->sa, a->len)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ---- the victim ---------------------------------------------------------- */

static inline int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

static inline long now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000L + ts.tv_nsec / 1000;
}

/* Says when it is connected, waits for a word, and tells its p99, or less than
 * 0. */
static inline void ping(const struct target *t, int ctl)
{
	int fd[2] = {dial(t, AF_INET), dial(t, AF_UNIX)};
	static long us[PINGS];
	char buf[64];
	long p99 = -1;

	become(VICTIM);
	for (int i = 0; i < 2; i++) {
		setopt_ms(fd[i], SO_RCVTIMEO, WAIT_MS);
		if (!send_all(fd[i], 0, 64) || !recv_all(fd[i], 0, 64))
			goto out;
		if (t->marked && sock_info(fd[i], NULL) != DOOR_SOCK_JOINED)
			goto out;
	}
	if (write(ctl, "x", 1) != 1 || read(ctl, buf, 1) != 1)
		_exit(1);
	for (int i = 0; i < PINGS; i++) {
		us[i] = -now_us();
		if (!send_all(fd[i % 2], 64, 64) ||
		    !recv_all(fd[i % 2], 64, 64))
			goto out;
		us[i] += now_us();
	}
	qsort(us, PINGS, sizeof(*us), compare);
	p99 = us[PINGS * 99 / 100];
out:
	_exit(write(ctl, &p99, sizeof(p99)) != sizeof(p99));
}

#endif /* HOSTILE_TEST_H */
