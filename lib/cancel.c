// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Cancellation of server threads whose callers have given up. The kernel tells
 * a thread of ours which invocation that was; that thread asks for the
 * cancellation, unless the invocation has come to its door_return() meanwhile.
 * The request has an effect only where the program has enabled cancellation.
 *
 * A request that has been made cannot be taken back, and one that finds
 * cancellation disabled waits until it is enabled, be it for a later caller. So
 * it is made only of a willing thread: one that began its invocation with
 * cancellation enabled, or that can be replaced. If it comes to its
 * door_return() with the request still waiting, it ends there, and another is
 * made. Of the others it is made in door_return(), where cancellation is
 * enabled or not.
 *
 * What a server thread and the one that is told agree on is a single word for
 * each server thread: 0 between invocations, the number while one runs, with a
 * mark when its caller has given up. The server thread exchanges it, the other
 * replaces only what it has seen. So there are three cases:
 *
 *   the word is      the other thread
 *   the number       marks it, asks if it is willing; door_return() finds the
 *                    mark and sees to it that no request is left for the next
 *                    invocation
 *   0                writes the marked number: a thread on its way out of the
 *                    kernel finds it when it arrives, and asks itself; one that
 *                    has answered overwrites it with its next number
 *   another number   does nothing: the invocation is over
 *
 * Modelled in Documentation/models/cancel.pml.
 */
#include "cancel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#define STACK_SIZE (256 * 1024)

#define RUNS(call) ((unsigned long)(call) << 3 | 1)
#define ABORTED 2UL
#define WILLING 4UL

/* A server thread; gone from the list before its thread is. */
struct server_thread {
	struct server_thread *next;
	pthread_t thread;
	pid_t tid;
	atomic_ulong word;
};

static __thread struct server_thread *self
	__attribute__((tls_model("initial-exec")));
static __thread bool replaceable __attribute__((tls_model("initial-exec")));
static struct server_thread *servers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t at_exit;
static int key_err;
/* Whether there is a thread that waits to be told. */
static atomic_bool watched;

/* Of the parent's threads only this one is here, and it serves nothing. */
static void in_child(void)
{
	pthread_mutex_init(&lock, NULL);
	atomic_store(&watched, false);
	servers = self;
	if (!self)
		return;
	self->next = NULL;
	self->tid = sys_gettid();
	atomic_store(&self->word, 0);
}

AT_FORK(in_child);

/* The thread ends; cancellation is over for it. */
static void forget(void *p)
{
	struct server_thread **s = &servers;

	pthread_mutex_lock(&lock);
	while (*s && *s != p)
		s = &(*s)->next;
	if (*s)
		*s = (*s)->next;
	pthread_mutex_unlock(&lock);
	self = NULL;
	free(p);
}

static void make_key(void)
{
	key_err = -pthread_key_create(&at_exit, forget);
}

static int remember(void)
{
	struct server_thread *s;
	int old, err;

	pthread_once(&once, make_key);
	s = key_err ? NULL : calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	err = -pthread_setspecific(at_exit, s);
	if (err) {
		free(s);
		return err;
	}
	s->thread = pthread_self();
	s->tid = sys_gettid();
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	pthread_mutex_lock(&lock);
	/* First, should one that ended past libc have had the same id. */
	s->next = servers;
	servers = s;
	pthread_mutex_unlock(&lock);
	pthread_setcancelstate(old, NULL);
	self = s;
	return 0;
}

/* A child of vfork() has tried, in the thread of its parent that it runs in. */
void cancel_unready(void)
{
	if (self) {
		pthread_setspecific(at_exit, NULL);
		forget(self);
	}
}

int cancel_ready(void)
{
	return __builtin_expect(self != NULL, 1) ? 0 : remember();
}

void cancel_replaceable(void)
{
	replaceable = true;
}

static bool enabled(void)
{
	int old;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
	if (old == PTHREAD_CANCEL_ENABLE)
		pthread_setcancelstate(old, NULL);
	return old == PTHREAD_CANCEL_ENABLE;
}

void cancel_begin(uint64_t call)
{
	unsigned long mine = RUNS(call), was;

	if (replaceable || enabled())
		mine |= WILLING;
	was = atomic_exchange(&self->word, mine);
	if (__builtin_expect(was != (RUNS(call) | ABORTED), 1))
		return;
	atomic_store(&self->word, mine | ABORTED);
	if (mine & WILLING)
		pthread_cancel(pthread_self());
}

bool cancel_end(uint64_t call)
{
	unsigned long was = atomic_exchange(&self->word, 0);

	if (__builtin_expect(!(was & ABORTED), 1) ||
	    (was & ~WILLING) != (RUNS(call) | ABORTED))
		return false;
	if (enabled())
		cancel_now();
	return was & WILLING;
}

void cancel_now(void)
{
	pthread_cancel(pthread_self());
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	pthread_testcancel();
}

/* Returns whether the thread is to be asked. */
static bool mark(struct server_thread *s, uint64_t call)
{
	unsigned long was = atomic_load(&s->word);

	do {
		if (was && (was & ~WILLING) != RUNS(call) && !(was & ABORTED))
			return false;
	} while (!atomic_compare_exchange_weak(
		&s->word, &was, RUNS(call) | ABORTED | (was & WILLING)));
	return was == (RUNS(call) | WILLING);
}

static void cancel(const struct door_ioc_aborted *ioc)
{
	struct server_thread *s;

	pthread_mutex_lock(&lock);
	for (s = servers; s && s->tid != ioc->thread; s = s->next)
		;
	/* It cannot end as long as we have the lock. */
	if (s && mark(s, ioc->call))
		pthread_cancel(s->thread);
	pthread_mutex_unlock(&lock);
}

static void *watch(void *arg)
{
	struct door_ioc_aborted ioc;
	int ret;

	do {
		ret = control_ask(DOOR_IOC_ABORTED, &ioc);
		if (ret == 0)
			cancel(&ioc);
	} while (ret == 0 || ret == -EINTR);
	atomic_store(&watched, false);
	return arg;
}

void cancel_watch(void)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;

	if (atomic_exchange(&watched, true))
		return;
	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, &attr, watch, NULL))
		atomic_store(&watched, false);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}
