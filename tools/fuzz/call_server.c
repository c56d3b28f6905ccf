// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server: a door with a name, and threads that answer. It checks what
 * arrives, is interrupted while it waits, loses threads and makes others, stops
 * serving in the middle of calls, and is revoked now and then.
 */
#include "call.h"
#include "memory.h"
#include "sock.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOST_RESULT (300 * 1024)
#define THREADS_MAX 16

/**
 * struct server - a serving process
 * @tid: its threads, or 0
 */
struct server {
	struct round *r;
	struct server_plan plan;
	int dev;
	int door;
	_Atomic uint32_t number;
	_Atomic pid_t tid[THREADS_MAX];
};

static struct server srv;

void door_path(char *path, size_t size, const struct round *r, unsigned int id)
{
	snprintf(path, size, "%s/door.%u", r->dir, id);
}

static bool open_door(void)
{
	struct door_ioc_create create = {.procedure = 1,
					 .cookie = srv.plan.id,
					 .attributes = srv.plan.attributes};
	struct door_ioc_name name = {};
	char path[128];
	int fd;

	srv.dev = door_device();
	fd = ioctl(srv.dev, DOOR_IOC_CREATE, &create);
	if (fd < 0)
		return false;
	srv.door = fd;
	door_path(path, sizeof(path), srv.r, srv.plan.id);
	fd = open(path, O_PATH | O_CLOEXEC);
	name.fd = fd;
	/* One that served before may not be gone yet. */
	while (ioctl(srv.door, DOOR_IOC_ATTACH, &name)) {
		if (errno != EBUSY || round_over(srv.r))
			return false;
		sleep_ms(5);
	}
	close(fd);
	return true;
}

/* Are these the files that the client says it has sent? They are closed. */
static void check_descs(const struct door_ioc_return *ioc,
			const struct ask *ask)
{
	const struct door_ioc_desc *d = (void *)(uintptr_t)ioc->arg_desc_ptr;
	unsigned int i;
	struct stat st;

	if (ioc->arg_desc_num != ask->descs)
		oracle_fail(srv.r, "call %llu: %u descriptors sent, %u arrived",
			    (unsigned long long)ask->serial, ask->descs,
			    ioc->arg_desc_num);
	for (i = 0; i < ioc->arg_desc_num && i < ask->descs; i++) {
		if (fstat(d[i].fd, &st))
			st.st_ino = 0;
		if (st.st_ino != ask->ino[i])
			oracle_fail(srv.r,
				    "call %llu: file %llu was sent, file %llu "
				    "arrived",
				    (unsigned long long)ask->serial,
				    (unsigned long long)ask->ino[i],
				    (unsigned long long)st.st_ino);
	}
}

/* Return: the request, or NULL: that is not what a client of ours sends. */
static const struct ask *check_ask(const struct door_ioc_return *ioc)
{
	const struct ask *ask = (void *)(uintptr_t)ioc->arg_ptr;
	size_t rest, right;
	char what[100];

	if (ioc->arg_size < sizeof(*ask) || ask->magic != ASK_MAGIC ||
	    ask->size != ioc->arg_size) {
		hex(what, sizeof(what), ask,
		    ioc->arg_size < 32 ? ioc->arg_size : 32);
		oracle_fail(srv.r,
			    "an argument of %llu bytes that no client sent: %s",
			    (unsigned long long)ioc->arg_size, what);
		return NULL;
	}
	rest = ask->size - sizeof(*ask);
	right = pattern_check(ask + 1, ask_key(srv.r, ask->serial), 0, rest);
	if (right != rest) {
		hex(what, sizeof(what), (char *)(ask + 1) + right,
		    rest - right < 24 ? rest - right : 24);
		oracle_fail(srv.r,
			    "call %llu: %zu bytes of %zu arrived, then: %s",
			    (unsigned long long)ask->serial, right, rest, what);
		return NULL;
	}
	return ask;
}

static void check_cred(const struct ask *ask, uint64_t call)
{
	struct door_ioc_cred cred = {.call = call};

	if (ioctl(srv.dev, DOOR_IOC_CRED, &cred))
		return;
	if (cred.pid != (int)ask->pid)
		oracle_fail(
			srv.r,
			"call %llu of process %u: credentials of process %d",
			(unsigned long long)ask->serial, ask->pid, cred.pid);
}

/* Fills in the answer, in @m. */
static void make_answer(struct door_ioc_return *ioc, const struct ask *ask,
			struct region *m, struct door_ioc_desc *back)
{
	struct told *told = (void *)m->mem;
	uint64_t want = ask->want < m->len ? ask->want : m->len;
	struct stat st = {};

	told->serial = ask->serial;
	told->ino = 0;
	pattern_fill(told + 1, ~ask_key(srv.r, ask->serial), 0,
		     want - sizeof(*told));
	ioc->data_ptr = (uintptr_t)m->mem;
	ioc->data_size = want;
	ioc->desc_num = 0;
	if (!ask->want_desc)
		return;
	back->fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	back->attributes = DOOR_DESC_DESCRIPTOR | DOOR_DESC_RELEASE;
	fstat(back->fd, &st);
	told->ino = st.st_ino;
	ioc->desc_ptr = (uintptr_t)back;
	ioc->desc_num = 1;
}

static void close_all(const struct door_ioc_return *ioc)
{
	const struct door_ioc_desc *d = (void *)(uintptr_t)ioc->arg_desc_ptr;
	unsigned int i;

	for (i = 0; i < ioc->arg_desc_num; i++)
		close(d[i].fd);
}

/* Whatever else a thread may do while its caller waits. */
static void misbehave(struct rng *rng)
{
	struct door_ioc_info info;
	struct door_ioc_bind bind = {.id = rng_below(rng, 8)};

	switch (rng_below(rng, 40)) {
	case 0:
		ioctl(srv.dev, DOOR_IOC_LEAVE);
		break;
	case 1:
		ioctl(srv.dev, DOOR_IOC_BIND, &bind);
		break;
	case 2:
		ioctl(srv.dev, DOOR_IOC_UNBIND);
		break;
	case 3:
		ioctl(srv.dev, DOOR_IOC_INFO, &info);
		break;
	case 4:
	case 5:
		sleep_ms(rng_size(rng, 400));
	}
}

static void *serve(void *arg);

static void one_more_thread(unsigned int slot)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&t, &attr, serve, (void *)(uintptr_t)slot))
		srv.tid[slot] = 0;
	pthread_attr_destroy(&attr);
}

/*
 * RETURN has failed. Return: false if the thread is to end. After all but EINTR
 * the caller still waits for the same answer.
 */
static bool failed(struct door_ioc_return *ioc, int err, struct rng *rng)
{
	switch (err) {
	case EINTR:
		*ioc = (struct door_ioc_return){};
		return srv.plan.calm || !rng_one_in(rng, 8);
	case EFAULT:
	case EMFILE:
	case ENOMEM:
		return true;
	}
	oracle_fail(srv.r, "server: RETURN fails: %s", strerror(err));
	return false;
}

/* Return: false if the thread is to end. */
static bool one_invocation(struct door_ioc_return *ioc, struct region *m,
			   struct rng *rng)
{
	static __thread struct door_ioc_desc back;
	const struct ask *ask;
	int err;

	err = ioctl(srv.dev, DOOR_IOC_RETURN, ioc) ? errno : 0;
	region_disarm(m);
	if (err)
		return failed(ioc, err, rng);
	if (ioc->state & DOOR_RETURN_UNREF) {
		atomic_fetch_add(&srv.r->sh->notices, 1);
		*ioc = (struct door_ioc_return){};
		return srv.plan.calm || !rng_one_in(rng, 2);
	}
	ask = check_ask(ioc);
	if (!ask)
		return false;
	check_descs(ioc, ask);
	check_cred(ask, ioc->call);
	close_all(ioc);
	if (!srv.plan.calm)
		misbehave(rng);
	if (srv.plan.delay)
		sleep_ms(rng_below(rng, srv.plan.delay));
	make_answer(ioc, ask, m, &back);
	atomic_fetch_add(&srv.r->sh->answers, 1);
	if (!srv.plan.calm && rng_one_in(rng, 16))
		region_arm(m, rng, ioc->data_size, rng_size(rng, 400));
	return srv.plan.calm || !rng_one_in(rng, 200);
}

static void *serve(void *arg)
{
	unsigned int slot = (uintptr_t)arg;
	struct rng rng =
		rng_of(srv.r->seed, (uint64_t)srv.plan.id << 32 | srv.number++);
	struct door_ioc_return ioc = {};
	struct region m;

	srv.tid[slot] = gettid();
	if (!region_make(&m, MOST_RESULT))
		exit(3);
	while (!srv.r->sh->failed && one_invocation(&ioc, &m, &rng))
		;
	srv.tid[slot] = -1;
	region_free(&m);
	return NULL;
}

void call_server(struct round *r, struct rng *rng, void *plan)
{
	unsigned int i;

	srv.r = r;
	srv.plan = *(struct server_plan *)plan;
	actor_interruptible(0);
	if (!open_door())
		exit(3);
	for (i = 0; i < srv.plan.threads; i++)
		srv.tid[i] = -1;
	for (;;) {
		for (i = 0; i < srv.plan.threads; i++) {
			if (srv.tid[i] == -1) {
				srv.tid[i] = 0;
				one_more_thread(i);
			} else if (srv.tid[i] > 0 && !srv.plan.calm &&
				   rng_one_in(rng, srv.plan.nervous ? 2 : 4)) {
				syscall(SYS_tgkill, getpid(), srv.tid[i],
					SIGUSR1);
			}
		}
		sleep_ms(rng_size(rng, srv.plan.nervous ? 16 : 64));
		if (!srv.plan.calm && rng_one_in(rng, 400))
			ioctl(srv.door, DOOR_IOC_REVOKE);
	}
}
