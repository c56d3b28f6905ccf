/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Helpers of the socket battery that know neither fixtures nor kinds: the
 * marking ioctls, waiting for states, calls in a thread of their own, test
 * data.
 */
#ifndef SOCK_UTIL_H
#define SOCK_UTIL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/door.h>
#include <linux/filter.h>
#include <net/if.h>
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
#include "task_test.h"

/* Milliseconds a helper waits for one state. */
#define WAIT_MS (8000 * slow())

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

/* Result of a call that failed as expected, as -errno; else its result. */
#define neg(call)                       \
	({                              \
		errno = 0;              \
		long __r = (call);      \
		__r < 0 ? -errno : __r; \
	})

static inline const char *errname(long r)
{
	return r < 0 ? strerrorname_np(-r) : "no error";
}

/* The call must fail with this errno (0: must succeed with 0). */
#define EXPECT_ERR(err, call)                                        \
	do {                                                         \
		long __got = neg(call);                              \
                                                                     \
		EXPECT_EQ(-(err), __got)                             \
		{                                                    \
			TH_LOG("%s: got %s", #call, errname(__got)); \
		}                                                    \
	} while (0)

/* ---- waiting ------------------------------------------------------------ */

/*
 * For SO_RCVTIMEO and SO_SNDTIMEO, which are counted in ticks: a busy machine
 * makes up for several at once, and half of it may have gone by when it begins.
 */
#define TIMEOUT_MS 300

/* By the clock of timeouts: late when the machine's ticks are late. */
static inline long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Evaluates cond until it holds or WAIT_MS are over; true if it held. */
#define wait_for(cond)                                       \
	({                                                   \
		long long __end = now_ms() + WAIT_MS;        \
		bool __ok;                                   \
                                                             \
		while (!(__ok = (cond)) && now_ms() < __end) \
			poll(NULL, 0, 1);                    \
		__ok;                                        \
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
	return state_of(tid, tid) == 'S';
}

/* Nothing that comes over the network gets through to this one any more. */
static inline bool cut_off(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = {.len = 1, .filter = &nothing};

	return !setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog,
			   sizeof(prog));
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
		ASSERT_EQ(0,                                                   \
			  pthread_create(&(bg)->thread, NULL, bg_main, (bg))); \
		ASSERT_TRUE(wait_for((bg)->tid != 0));                         \
	} while (0)

/* Started, and blocked by now. */
#define bg_start_asleep(bg)                                    \
	do {                                                   \
		bg_start(bg);                                  \
		ASSERT_TRUE(wait_for(task_asleep((bg)->tid))); \
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

static inline ssize_t bg_shutdown(struct bg *bg)
{
	return shutdown(bg->fd, SHUT_WR);
}

static inline ssize_t bg_connect(struct bg *bg)
{
	return connect(bg->fd, bg->buf, bg->len);
}

/* ---- data --------------------------------------------------------------- */

/* Byte number off of every test stream; the period is prime to all sizes. */
#define PATTERN_PERIOD 65521

static uint8_t pattern_table[2 * PATTERN_PERIOD];

__attribute__((constructor)) static void pattern_init(void)
{
	for (size_t i = 0; i < sizeof(pattern_table); i++) {
		uint32_t v = i % PATTERN_PERIOD * 2654435761u;

		pattern_table[i] = v >> 24 ^ v >> 11 ^ 0x5a;
	}
}

static inline const uint8_t *pattern(size_t off)
{
	return pattern_table + off % PATTERN_PERIOD;
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

/* Has a TCP connection asked for room since there was none? */
static inline bool tcp_probed(int fd)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) ||
	       ti.tcpi_backoff > 0;
}

/*
 * The same, until not one byte more gets in. A full TCP connection may find
 * room, too little for POLLOUT, when its window is first probed.
 */
static inline size_t send_stuffed(int fd, size_t off)
{
	size_t n = send_full(fd, off), more = 1;

	while (more && sock_info(fd, NULL) != DOOR_SOCK_JOINED) {
		if (!wait_for(tcp_probed(fd)))
			return 0;
		more = send_full(fd, off + n);
		n += more;
	}
	return n;
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
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	return setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

/* Of the network namespace, whose own starts out down. */
static inline int loopback(bool up)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = up ? IFF_UP : 0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int ret = ioctl(fd, SIOCSIFFLAGS, &ifr);

	close(fd);
	return ret;
}

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

#endif /* SOCK_UTIL_H */
