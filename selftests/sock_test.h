/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixtures and helpers of the socket battery. Its one rule: whatever a test
 * states must hold on a socket nobody has touched ("plain"), on a pair joined by
 * a door stream ("door"), and on pairs of which one end only was marked
 * ("client", "server"). The plain variants are the oracle; a test that fails
 * there is a wrong test.
 *
 * Fixtures: port (a listener), link (a connected pair), link_tcp and link_unix
 * (the same for one family). With DOOR_TEST_PLAIN_ONLY=1 in the environment only
 * the plain variants run; without it a missing /dev/door is a failure.
 */
#ifndef SOCK_TEST_H
#define SOCK_TEST_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/door.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

/* Seconds a test may take, and milliseconds a helper waits for one state. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 20
#define WAIT_MS 8000

/**
 * struct kind - how a test's connection is made
 * @family: AF_INET, AF_INET6 or AF_UNIX
 * @pair: by socketpair() instead of listen, connect, accept
 * @srv: the listener is marked
 * @cli: the connecting socket is marked
 */
struct kind {
	int family;
	bool pair;
	bool srv;
	bool cli;
};

#define KIND_ADD(fix, name, fam)                                               \
	FIXTURE_VARIANT_ADD(fix, name##_plain){.k = {.family = (fam)}};        \
	FIXTURE_VARIANT_ADD(fix, name##_door){                                 \
		.k = {.family = (fam), .srv = true, .cli = true}};             \
	FIXTURE_VARIANT_ADD(fix, name##_client){                               \
		.k = {.family = (fam), .cli = true}};                          \
	FIXTURE_VARIANT_ADD(fix, name##_server){                               \
		.k = {.family = (fam), .srv = true}}

#define KIND_ADD_PAIR(fix)                                                     \
	FIXTURE_VARIANT_ADD(fix, pair_plain){                                  \
		.k = {.family = AF_UNIX, .pair = true}};                       \
	FIXTURE_VARIANT_ADD(fix, pair_door){.k = {.family = AF_UNIX,           \
						  .pair = true,                \
						  .srv = true,                 \
						  .cli = true}}

static inline bool kind_plain(const struct kind *k)
{
	return !k->srv && !k->cli;
}

static inline bool kind_joined(const struct kind *k)
{
	return k->srv && k->cli;
}

/* ---- /dev/door ---------------------------------------------------------- */

static inline long sock_ioctl(unsigned long cmd, struct door_ioc_sock *a)
{
	int dev = open("/dev/door", O_RDWR | O_CLOEXEC);
	long ret;
	int err;

	if (dev < 0)
		return -ENODEV;
	ret = ioctl(dev, cmd, a);
	err = errno;
	close(dev);
	return ret < 0 ? -err : ret;
}

/* Returns DOOR_SOCK_* or a negative errno; *why (if wanted) the reason. */
static inline int sock_info(int fd, int *why)
{
	struct door_ioc_sock a = {.fd = fd, .state = 0xcc, .why = 0xcc};
	long ret = sock_ioctl(DOOR_IOC_SOCK_INFO, &a);

	if (why)
		*why = a.why;
	return ret < 0 ? (int)ret : (int)a.state;
}

static inline int mark_listen(int fd)
{
	struct door_ioc_sock a = {.fd = fd, .state = 0xcc, .why = 0xcc};
	long ret = sock_ioctl(DOOR_IOC_SOCK_LISTEN, &a);

	return ret < 0 ? (int)ret : (int)a.state;
}

static inline int mark_connect(int fd, const void *addr, socklen_t len,
			       int *why)
{
	struct door_ioc_sock a = {.fd = fd,
				  .addr = (uintptr_t)addr,
				  .addrlen = len,
				  .state = 0xcc,
				  .why = 0xcc};
	long ret = sock_ioctl(DOOR_IOC_SOCK_CONNECT, &a);

	if (why)
		*why = a.why;
	return ret < 0 ? (int)ret : (int)a.state;
}

static inline int mark_pair(int fd, int fd2)
{
	struct door_ioc_sock a = {
		.fd = fd, .fd2 = fd2, .state = 0xcc, .why = 0xcc};
	long ret = sock_ioctl(DOOR_IOC_SOCK_PAIR, &a);

	return ret < 0 ? (int)ret : (int)a.state;
}

/* ---- making connections ------------------------------------------------- */

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage ss;
	};
	socklen_t len;
};

static inline void addr_any(struct addr *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	if (family == AF_INET) {
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a->len = sizeof(a->in);
	} else if (family == AF_INET6) {
		a->in6.sin6_addr = in6addr_loopback;
		a->len = sizeof(a->in6);
	} else {
		/* Autobind: the kernel picks an abstract name. */
		a->len = sizeof(sa_family_t);
	}
}

/* A bound and listening socket of this kind, its address in *a. */
static inline int port_open(struct __test_metadata *_metadata,
			    const struct kind *k, struct addr *a)
{
	int fd = socket(k->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	addr_any(a, k->family);
	ASSERT_EQ(0, bind(fd, &a->sa, a->len));
	a->len = sizeof(a->ss);
	ASSERT_EQ(0, getsockname(fd, &a->sa, &a->len));
	if (k->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(fd));
	ASSERT_EQ(0, listen(fd, 128));
	return fd;
}

/* A socket of this kind, marked if so, that has not connected yet. */
static inline int client_socket(struct __test_metadata *_metadata,
				const struct kind *k, const struct addr *a)
{
	int fd = socket(k->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	if (k->cli) {
		ASSERT_EQ(DOOR_SOCK_MARKED,
			  mark_connect(fd, &a->sa, a->len, NULL));
	}
	return fd;
}

static inline int client_open(struct __test_metadata *_metadata,
			      const struct kind *k, const struct addr *a)
{
	int fd = client_socket(_metadata, k, a);

	ASSERT_EQ(0, connect(fd, &a->sa, a->len));
	return fd;
}

/* What accept() must have made of the two ends; cli may be -1 (unknown). */
static inline void expect_state(struct __test_metadata *_metadata,
				const struct kind *k, int srv, int cli)
{
	int why = 0xcc;

	if (kind_plain(k))
		return;
	if (kind_joined(k)) {
		EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(srv, &why)) {
			TH_LOG("reason %d", why);
		}
		EXPECT_EQ(DOOR_WHY_NONE, why);
		if (cli >= 0)
			EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(cli, NULL));
		return;
	}
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv, &why));
	EXPECT_EQ(k->srv ? DOOR_WHY_PEER_UNMARKED : DOOR_WHY_NONE, why);
	if (cli >= 0) {
		EXPECT_EQ(k->cli ? DOOR_SOCK_MARKED : DOOR_SOCK_PLAIN,
			  sock_info(cli, NULL));
	}
}

static inline int server_accept(struct __test_metadata *_metadata,
				const struct kind *k, int lis, int cli)
{
	int fd = accept4(lis, NULL, NULL, SOCK_CLOEXEC);

	ASSERT_GE(fd, 0);
	expect_state(_metadata, k, fd, cli);
	return fd;
}

/* ---- waiting ------------------------------------------------------------ */

static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Evaluates cond until it holds or WAIT_MS are over; true if it held. */
#define wait_for(cond)                                                         \
	({                                                                     \
		long long __end = now_ms() + WAIT_MS;                          \
		bool __ok;                                                     \
                                                                               \
		while (!(__ok = (cond)) && now_ms() < __end)                   \
			poll(NULL, 0, 1);                                      \
		__ok;                                                          \
	})

static inline int poll_mask(int fd, int events, int timeout)
{
	struct pollfd p = {.fd = fd, .events = events};
	int n = poll(&p, 1, timeout);

	return n <= 0 ? n : p.revents;
}

#define POLL_ALL (POLLIN | POLLOUT | POLLPRI | POLLRDHUP)

static inline int inq(int fd)
{
	int n = -1;

	return ioctl(fd, FIONREAD, &n) ? -errno : n;
}

/* The thread sleeps in a system call (S), not merely on its way to it. */
static inline bool task_asleep(pid_t tid)
{
	char path[64], buf[256], *p;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = 0;
	p = strrchr(buf, ')');
	return p && p[2] == 'S';
}

/**
 * struct bg - one call in a thread of its own
 * @fn: what to do; its result and errno end up in @ret and @err
 * @fd, @buf, @len, @flags: for @fn
 */
struct bg {
	ssize_t (*fn)(struct bg *bg);
	int fd;
	void *buf;
	size_t len;
	int flags;
	ssize_t ret;
	int err;
	pthread_t thread;
	_Atomic pid_t tid;
};

static inline void *bg_main(void *arg)
{
	struct bg *bg = arg;

	bg->tid = gettid();
	errno = 0;
	bg->ret = bg->fn(bg);
	bg->err = errno;
	return NULL;
}

#define bg_start(bg)                                                           \
	do {                                                                   \
		(bg)->tid = 0;                                                 \
		ASSERT_EQ(0, pthread_create(&(bg)->thread, NULL, bg_main,      \
					    (bg)));                            \
		ASSERT_TRUE(wait_for((bg)->tid != 0));                         \
	} while (0)

/* Started, and blocked by now. */
#define bg_start_asleep(bg)                                                    \
	do {                                                                   \
		bg_start(bg);                                                  \
		ASSERT_TRUE(wait_for(task_asleep((bg)->tid)));                 \
	} while (0)

#define bg_join(bg)                                                            \
	do {                                                                   \
		struct timespec __ts;                                          \
                                                                               \
		clock_gettime(CLOCK_REALTIME, &__ts);                          \
		__ts.tv_sec += WAIT_MS / 1000;                                 \
		ASSERT_EQ(0, pthread_timedjoin_np((bg)->thread, NULL, &__ts)); \
	} while (0)

static inline ssize_t bg_recv(struct bg *bg)
{
	return recv(bg->fd, bg->buf, bg->len, bg->flags);
}

static inline ssize_t bg_send(struct bg *bg)
{
	return send(bg->fd, bg->buf, bg->len, bg->flags | MSG_NOSIGNAL);
}

/* ---- data --------------------------------------------------------------- */

/* Byte number off of every test stream; the period is prime to all sizes. */
#define PATTERN_PERIOD 65521

static inline const uint8_t *pattern(size_t off)
{
	static uint8_t table[2 * PATTERN_PERIOD];

	if (!table[1]) {
		for (size_t i = 0; i < sizeof(table); i++) {
			uint32_t v = i % PATTERN_PERIOD * 2654435761u;

			table[i] = v >> 24 ^ v >> 11 ^ 0x5a;
		}
	}
	return table + off % PATTERN_PERIOD;
}

static inline void fill(void *buf, size_t off, size_t len)
{
	for (size_t n; len; len -= n, off += n, buf = (char *)buf + n) {
		n = len < PATTERN_PERIOD ? len : PATTERN_PERIOD;
		memcpy(buf, pattern(off), n);
	}
}

static inline bool check(const void *buf, size_t off, size_t len)
{
	for (size_t n; len; len -= n, off += n, buf = (const char *)buf + n) {
		n = len < PATTERN_PERIOD ? len : PATTERN_PERIOD;
		if (memcmp(buf, pattern(off), n))
			return false;
	}
	return true;
}

/* Blocking: sends stream bytes [off, off + len); false on any error. */
static inline bool send_all(int fd, size_t off, size_t len)
{
	while (len) {
		size_t n = len < PATTERN_PERIOD ? len : PATTERN_PERIOD;
		ssize_t r = send(fd, pattern(off), n, MSG_NOSIGNAL);

		if (r <= 0)
			return false;
		off += r;
		len -= r;
	}
	return true;
}

/* Blocking: receives and verifies stream bytes [off, off + len). */
static inline bool recv_all(int fd, size_t off, size_t len)
{
	static __thread uint8_t buf[65536];

	while (len) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);
		ssize_t r = recv(fd, buf, n, 0);

		if (r <= 0 || !check(buf, off, r))
			return false;
		off += r;
		len -= r;
	}
	return true;
}

/* Sends stream bytes from off on until EAGAIN; how many fitted. */
static inline size_t send_full(int fd, size_t off)
{
	size_t done = 0;

	for (;;) {
		ssize_t r = send(fd, pattern(off + done), 32768,
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (r > 0)
			done += r;
		else if (r < 0 && errno == EAGAIN &&
			 poll_mask(fd, POLLOUT, 20) == 0)
			return done;
		else if (r == 0 || errno != EAGAIN)
			return 0;
	}
}

static inline bool set_nonblock(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	fl = on ? fl | O_NONBLOCK : fl & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, fl) == 0;
}

static inline int setopt_int(int fd, int level, int name, int val)
{
	return setsockopt(fd, level, name, &val, sizeof(val));
}

static inline int getopt_int(int fd, int level, int name)
{
	int val = -1;
	socklen_t len = sizeof(val);

	return getsockopt(fd, level, name, &val, &len) ? -errno : val;
}

static inline int setopt_ms(int fd, int name, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000,
			     .tv_usec = ms % 1000 * 1000};

	return setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

/* Result of a call that failed as expected, as -errno; else its result. */
#define neg(call)                                                              \
	({                                                                     \
		errno = 0;                                                     \
		long __r = (call);                                             \
		__r < 0 ? -errno : __r;                                        \
	})

static inline const char *errname(long r)
{
	return r < 0 ? strerrorname_np(-r) : "no error";
}

/* The call must fail with this errno (0: must succeed with 0). */
#define EXPECT_ERR(err, call)                                                  \
	do {                                                                   \
		long __got = neg(call);                                        \
                                                                               \
		EXPECT_EQ(-(err), __got) {                                     \
			TH_LOG("%s: got %s", #call, errname(__got));           \
		}                                                              \
	} while (0)

/* A handler that only interrupts; SA_RESTART or not by flags. */
static inline void on_signal(int sig)
{
	(void)sig;
}

static inline int catch_signal(int sig, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	return sigaction(sig, &sa, NULL);
}

/* ---- fixtures ----------------------------------------------------------- */

FIXTURE(port)
{
	struct addr addr;
	int lis;
};

FIXTURE_VARIANT(port)
{
	struct kind k;
};

KIND_ADD(port, tcp4, AF_INET);
KIND_ADD(port, tcp6, AF_INET6);
KIND_ADD(port, unix, AF_UNIX);

FIXTURE_SETUP(port)
{
	self->lis = port_open(_metadata, &variant->k, &self->addr);
}

FIXTURE_TEARDOWN(port)
{
	close(self->lis);
}

/* cli connected, srv accepted; of a socketpair, cli is the first. */
struct pair {
	int cli;
	int srv;
};

static inline void pair_open(struct __test_metadata *_metadata,
			     const struct kind *k, struct pair *p)
{
	struct addr a;
	int lis, sv[2];

	if (k->pair) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					sv));
		if (kind_joined(k))
			ASSERT_EQ(DOOR_SOCK_JOINED, mark_pair(sv[0], sv[1]));
		p->cli = sv[0];
		p->srv = sv[1];
		return;
	}
	lis = port_open(_metadata, k, &a);
	p->cli = client_open(_metadata, k, &a);
	p->srv = server_accept(_metadata, k, lis, p->cli);
	close(lis);
}

#define LINK_FIXTURE(fix)                                                      \
	FIXTURE(fix)                                                           \
	{                                                                      \
		int cli;                                                       \
		int srv;                                                       \
	};                                                                     \
	FIXTURE_VARIANT(fix)                                                   \
	{                                                                      \
		struct kind k;                                                 \
	};                                                                     \
	FIXTURE_SETUP(fix)                                                     \
	{                                                                      \
		struct pair p;                                                 \
                                                                               \
		pair_open(_metadata, &variant->k, &p);                         \
		self->cli = p.cli;                                             \
		self->srv = p.srv;                                             \
	}                                                                      \
	FIXTURE_TEARDOWN(fix)                                                  \
	{                                                                      \
		close(self->cli);                                              \
		close(self->srv);                                              \
	}

LINK_FIXTURE(link)
KIND_ADD(link, tcp4, AF_INET);
KIND_ADD(link, tcp6, AF_INET6);
KIND_ADD(link, unix, AF_UNIX);
KIND_ADD_PAIR(link);

LINK_FIXTURE(link_tcp)
KIND_ADD(link_tcp, tcp4, AF_INET);
KIND_ADD(link_tcp, tcp6, AF_INET6);

LINK_FIXTURE(link_unix)
KIND_ADD(link_unix, unix, AF_UNIX);
KIND_ADD_PAIR(link_unix);

static const char *const sock_kinds[] = {"tcp4", "tcp6", "unix", "pair"};
static const char *const sock_marks[] = {"door", "client", "server"};

/* The harness, told to leave out the marked variants if so asked. */
static inline int sock_main(int argc, char **argv)
{
	char names[12][16];
	char *args[64];
	int n = 0;

	args[n++] = argv[0];
	if (getenv("DOOR_TEST_PLAIN_ONLY")) {
		for (int i = 0; i < 12; i++) {
			snprintf(names[i], sizeof(names[i]), "%s_%s",
				 sock_kinds[i / 3], sock_marks[i % 3]);
			args[n++] = (char *)"-V";
			args[n++] = names[i];
		}
	}
	for (int i = 1; i < argc && n < 63; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	return test_harness_run(n, args);
}

#define SOCK_TEST_MAIN                                                         \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		return sock_main(argc, argv);                                  \
	}

#endif /* SOCK_TEST_H */
