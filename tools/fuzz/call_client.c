// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client: threads that open doors by name, call them and check the answers,
 * and one that only has files open and finds that nobody closes them.
 */
#include "call.h"
#include "memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define CALLERS 3
#define MOST (256 * 1024)

/**
 * struct caller - a thread of a client
 * @m: its arguments
 * @result: room for results
 * @fd: of the files it sends
 */
struct caller {
	struct round *r;
	struct rng rng;
	struct client_plan plan;
	struct region m;
	struct region result;
	struct door_ioc_desc desc[ASK_DESCS];
};

static _Atomic uint64_t serials;

/* A file of its own, on the file system that closing takes notice of. */
static int open_file(const struct round *r, uint64_t *ino)
{
	char path[128];
	struct stat st = {};
	int fd;

	snprintf(path, sizeof(path), "%s/file.XXXXXX", r->dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return fd;
	unlink(path);
	fstat(fd, &st);
	*ino = st.st_ino;
	return fd;
}

static void make_ask(struct caller *c, struct ask *ask,
		     struct door_ioc_call *ioc)
{
	size_t most = !c->plan.light && rng_one_in(&c->rng, 3) ? MOST : 2000;
	unsigned int i;

	memset(ask, 0, sizeof(*ask));
	ask->magic = ASK_MAGIC;
	ask->pid = getpid();
	ask->serial = (uint64_t)getpid() << 32 | ++serials;
	ask->size = sizeof(*ask) + rng_size(&c->rng, most - sizeof(*ask));
	ask->want = sizeof(struct told) + rng_size(&c->rng, most);
	ask->want_desc = !c->plan.light && rng_one_in(&c->rng, 8);
	if (!c->plan.light && rng_one_in(&c->rng, 3))
		ask->descs = rng_below(&c->rng, ASK_DESCS + 1);
	for (i = 0; i < ask->descs; i++) {
		c->desc[i].fd = open_file(c->r, &ask->ino[i]);
		c->desc[i].attributes = DOOR_DESC_DESCRIPTOR;
		if (rng_one_in(&c->rng, 2))
			c->desc[i].attributes |= DOOR_DESC_RELEASE;
		if (c->desc[i].fd < 0)
			ask->descs = i;
	}
	memcpy(c->m.mem, ask, sizeof(*ask));
	pattern_fill(c->m.mem + sizeof(*ask), ask_key(c->r, ask->serial), 0,
		     ask->size - sizeof(*ask));
	*ioc = (struct door_ioc_call){.data_ptr = (uintptr_t)c->m.mem,
				      .data_size = ask->size,
				      .desc_ptr = (uintptr_t)c->desc,
				      .desc_num = ask->descs,
				      .rbuf = (uintptr_t)c->result.mem,
				      .rsize = rng_below(&c->rng, MOST)};
}

static void check_desc(struct caller *c, const struct door_ioc_call *ioc,
		       const struct told *told, uint64_t serial)
{
	const struct door_ioc_desc *d = (void *)(uintptr_t)ioc->desc_ptr;
	struct stat st = {};
	unsigned int i;

	for (i = 0; i < ioc->desc_num; i++) {
		fstat(d[i].fd, &st);
		if (st.st_ino != told->ino)
			oracle_fail(c->r, "call %llu: another file came back",
				    (unsigned long long)serial);
		close(d[i].fd);
	}
}

static void check_answer(struct caller *c, const struct ask *ask,
			 const struct door_ioc_call *ioc)
{
	const struct told *told = (void *)(uintptr_t)ioc->data_ptr;
	size_t rest = ask->want - sizeof(*told), right;
	char what[100];

	atomic_fetch_add(&c->r->sh->bytes, ask->size + ask->want);
	if (ioc->data_size != ask->want || told->serial != ask->serial) {
		oracle_fail(
			c->r,
			"call %llx wanted %llu bytes, got %llu and the answer "
			"of call %llx",
			(unsigned long long)ask->serial,
			(unsigned long long)ask->want,
			(unsigned long long)ioc->data_size,
			(unsigned long long)told->serial);
		return;
	}
	right = pattern_check(told + 1, ~ask_key(c->r, ask->serial), 0, rest);
	if (right != rest) {
		hex(what, sizeof(what), (char *)(told + 1) + right,
		    rest - right < 24 ? rest - right : 24);
		oracle_fail(c->r,
			    "call %llx: %zu bytes of %zu came back, then: %s",
			    (unsigned long long)ask->serial, right, rest, what);
	}
	check_desc(c, ioc, told, ask->serial);
}

/* May this call, of good arguments to a door that lives or not, fail so? */
static bool expected(int err)
{
	switch (err) {
	case EBADF:  /* revoked, or the server is gone */
	case EINTR:  /* a signal, or the server thread has ended */
	case EFAULT: /* of memory that vanishes */
	case E2BIG:
	case ENOMEM:
	case EMFILE:
	case ENOTTY: /* no door at the moment, but the file itself */
	case EOVERFLOW:
		return true;
	}
	return false;
}

/* After a failure nobody knows which of them have been given away. */
static void close_files(struct caller *c, const struct ask *ask, bool failed)
{
	unsigned int i;
	struct stat st;

	for (i = 0; i < ask->descs; i++) {
		bool released = c->desc[i].attributes & DOOR_DESC_RELEASE;

		if (released && !failed)
			continue;
		if (released &&
		    (fstat(c->desc[i].fd, &st) || st.st_ino != ask->ino[i]))
			continue;
		close(c->desc[i].fd);
	}
}

static void one_call(struct caller *c, int fd)
{
	struct door_ioc_call ioc;
	struct ask ask;
	bool armed;
	long ret;

	make_ask(c, &ask, &ioc);
	armed = !c->plan.light && rng_one_in(&c->rng, 12);
	if (armed && rng_one_in(&c->rng, 2))
		region_arm(&c->m, &c->rng, ask.size, rng_size(&c->rng, 400));
	else if (armed)
		region_arm(&c->result, &c->rng, ioc.rsize + 1,
			   rng_size(&c->rng, 400));
	atomic_fetch_add(&c->r->sh->calls, 1);
	ret = ioctl(fd, DOOR_IOC_CALL, &ioc);
	if (ret < 0 && !expected(errno))
		oracle_fail(c->r, "call %llx fails: %s (%u descriptors)",
			    (unsigned long long)ask.serial, strerror(errno),
			    ask.descs);
	close_files(c, &ask, ret < 0);
	region_disarm(&c->m);
	region_disarm(&c->result);
	if (ret < 0)
		return;
	check_answer(c, &ask, &ioc);
	if (ioc.rbuf != (uintptr_t)c->result.mem)
		munmap((void *)(uintptr_t)ioc.rbuf, ioc.rsize);
}

static void *caller(void *arg)
{
	struct caller *c = arg;
	unsigned int n;
	char path[128];
	int fd;

	if (!region_make(&c->m, MOST) || !region_make(&c->result, MOST))
		exit(3);
	while (!round_over(c->r)) {
		door_path(path, sizeof(path), c->r,
			  rng_below(&c->rng, c->plan.servers));
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0) {
			sleep_ms(5);
			continue;
		}
		n = rng_size(&c->rng, 16);
		/* Most only come and go. */
		if (c->plan.fickle)
			n = rng_one_in(&c->rng, 4);
		for (; n && !round_over(c->r); n--)
			one_call(c, fd);
		if (rng_one_in(&c->rng, 8))
			ioctl(fd, DOOR_IOC_ABANDON);
		close(fd);
		/* Nobody has it for a moment, now and then. */
		if (c->plan.fickle)
			sleep_ms(rng_size(&c->rng, 32));
	}
	return NULL;
}

/* Descriptors come and go in this process; those that are open stay what they
 * are. */
static void *bystander(void *arg)
{
	struct caller *c = arg;
	struct stat st;
	uint64_t ino;
	int fd;

	while (!round_over(c->r)) {
		fd = open_file(c->r, &ino);
		sleep_ms(rng_size(&c->rng, 32));
		if (fstat(fd, &st) || st.st_ino != ino)
			oracle_fail(
				c->r,
				"descriptor %d of a thread that calls nobody "
				"has been closed by another's call",
				fd);
		close(fd);
	}
	return NULL;
}

void call_client(struct round *r, struct rng *rng, void *plan)
{
	struct caller c[CALLERS + 1] = {};
	pthread_t t[CALLERS + 1];
	unsigned int i;

	actor_interruptible(rng_one_in(rng, 2) ? SA_RESTART : 0);
	if (rng_one_in(rng, 2))
		drop_to_nobody();
	for (i = 0; i <= CALLERS; i++) {
		c[i].r = r;
		c[i].rng = rng_of(rng_u64(rng), i);
		c[i].plan = *(struct client_plan *)plan;
		if (pthread_create(&t[i], NULL,
				   i < CALLERS ? caller : bystander, &c[i]))
			exit(3);
	}
	for (i = 0; i <= CALLERS; i++)
		pthread_join(t[i], NULL);
}
