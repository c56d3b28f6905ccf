// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mark: tells the module about the sockets of this process, before the real
 * call makes the connection. The wrappers enter here; policy says which
 * addresses, ask carries the question. Whatever goes wrong, the socket stays
 * what it is: nothing here has a result for the wrapper to look at.
 *
 * The state is written by the constructor only, except for the bits below.
 */
#include "mark.h"

#include "ask.h"
#include "policy.h"
#include "say.h"
#include "why.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static struct policy policy;
static bool debug;
static atomic_bool ready;

/*
 * Descriptors that have been a listener of ours, one bit each. A listener that
 * this process did not call listen() for (inherited, passed by the service
 * manager) is marked at its first accept; the bit spares later accepts three
 * system calls. The bits may be stale, because nobody tells us of close() and
 * dup2(): then a listener that arrives later at the same number without
 * listen() is not marked, and its connections are plain sockets, no worse.
 * Beyond the last bit only listen() marks.
 */
#define TRIED_FDS 65536
#define TRIED_BITS (sizeof(unsigned long) * CHAR_BIT)

static atomic_ulong tried[TRIED_FDS / TRIED_BITS];

/* Sets the bit; returns what it was. */
static bool tried_before(int fd)
{
	unsigned long bit = 1UL << (fd % TRIED_BITS);
	atomic_ulong *word;

	if (fd < 0 || fd >= TRIED_FDS)
		return true;
	word = &tried[fd / TRIED_BITS];
	if (atomic_load_explicit(word, memory_order_relaxed) & bit)
		return true;
	return atomic_fetch_or_explicit(word, bit, memory_order_relaxed) & bit;
}

/*
 * Called once, from the constructor; until then nothing is marked. With lists
 * that exclude everything it stays so, unless somebody wants to hear why.
 */
void mark_init(void)
{
	const char *text = getenv("DOOR_DEBUG");

	debug = text && *text && strcmp(text, "0");
	policy_parse(&policy, getenv("DOOR_PRELOAD_ALLOW"),
		     getenv("DOOR_PRELOAD_DENY"));
	atomic_store_explicit(&ready, debug || !policy_none(&policy),
			      memory_order_release);
}

static bool is_ready(void)
{
	return atomic_load_explicit(&ready, memory_order_acquire);
}

/* An address costs a system call to look at: only if somebody wants to know. */
static bool wants_address(void)
{
	return debug || !policy_empty(&policy);
}

static const char *error_text(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return "no /dev/door";
	case -EACCES:
	case -EPERM:
		return "no permission for /dev/door";
	case -EMFILE:
	case -ENFILE:
		return "no descriptor free";
	case -ENOTTY:
		return "/dev/door does not know sockets";
	default:
		return "/dev/door refused";
	}
}

static const char *verdict_text(enum policy_verdict verdict)
{
	switch (verdict) {
	case POLICY_DENIED:
		return "DOOR_PRELOAD_DENY names it";
	case POLICY_MISSING:
		return "DOOR_PRELOAD_ALLOW does not name it";
	default:
		return "DOOR_PRELOAD_ALLOW or DOOR_PRELOAD_DENY is malformed";
	}
}

/* One socket on its way: what the wrapper does with it, and its address. */
struct subject {
	const char *what;
	int fd;
	bool named;
	socklen_t len;
	struct sockaddr_storage addr;
};

static bool allowed(const struct subject *s)
{
	enum policy_verdict verdict = policy_check(&policy, &s->addr, s->len);

	if (debug && verdict > POLICY_FAMILY)
		say_socket(s->fd, s->what, &s->addr, s->len, "plain",
			   verdict_text(verdict));
	return verdict == POLICY_ELIGIBLE;
}

static void ask_and_say(const struct subject *s, unsigned long command,
			struct door_ioc_sock *sock)
{
	static const char *const outcome[] = {
		[DOOR_SOCK_PLAIN] = "plain",
		[DOOR_SOCK_MARKED] = "marked",
		[DOOR_SOCK_JOINED] = "door",
	};
	int ret = ask_door(command, sock);
	unsigned int state = ret ? DOOR_SOCK_PLAIN : sock->state;
	const char *reason = NULL;

	if (!debug || state > DOOR_SOCK_JOINED)
		return;
	if (ret)
		reason = error_text(ret);
	else if (state == DOOR_SOCK_PLAIN)
		reason = door_why_text(sock->why);
	say_socket(s->fd, s->what, s->named ? &s->addr : NULL, s->len,
		   outcome[state], reason);
}

static void ask_listen(int fd, const char *what)
{
	struct door_ioc_sock sock = {.fd = fd, .fd2 = -1};
	struct subject s = {.what = what, .fd = fd};

	if (wants_address()) {
		s.named = ask_name(fd, &s.addr, &s.len);
		if (!s.named || !allowed(&s))
			return;
	}
	ask_and_say(&s, DOOR_IOC_SOCK_LISTEN, &sock);
}

/* Before listen(). */
void mark_listen(int fd)
{
	if (!is_ready())
		return;
	tried_before(fd);
	ask_listen(fd, "listen");
}

/* Before accept(). */
void mark_accepting(int fd)
{
	if (is_ready() && !tried_before(fd))
		ask_listen(fd, "accept from");
}

/* After accept() has returned @fd. */
void mark_accepted(int fd)
{
	struct door_ioc_sock sock = {.fd = fd, .fd2 = -1};
	struct subject s = {.what = "accept", .fd = fd};

	if (is_ready() && debug)
		ask_and_say(&s, DOOR_IOC_SOCK_INFO, &sock);
}

/* Before connect(). The pointer and the length are the program's: unchecked. */
void mark_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct door_ioc_sock sock = {
		.fd = fd,
		.fd2 = -1,
		.addr = (uintptr_t)addr,
		.addrlen = len,
	};
	struct subject s = {.what = "connect", .fd = fd, .len = len};

	if (!is_ready() || len < sizeof(sa_family_t) || len > sizeof(s.addr))
		return;
	if (wants_address()) {
		s.named = ask_memory(addr, &s.addr, len);
		if (!s.named || !allowed(&s))
			return;
	}
	ask_and_say(&s, DOOR_IOC_SOCK_CONNECT, &sock);
}

/* After socketpair() has made two AF_UNIX stream sockets. */
void mark_pair(const int fds[2])
{
	struct door_ioc_sock sock = {.fd = fds[0], .fd2 = fds[1]};
	struct subject s = {
		.what = "socketpair",
		.fd = fds[0],
		.named = true,
		.len = sizeof(sa_family_t),
		.addr = {.ss_family = AF_UNIX},
	};

	if (is_ready() && allowed(&s))
		ask_and_say(&s, DOOR_IOC_SOCK_PAIR, &sock);
}
