// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hostile programs: every command with structures of nonsense, addresses that
 * are nowhere, in the kernel, read-only, stalling, and numbers at every edge,
 * on every kind of descriptor, from many threads. Nothing is expected of the
 * answers, but that the kernel survives them and lets the processes end.
 */
#include "memory.h"
#include "sock.h"

#include <fcntl.h>
#include <linux/door.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS 4
#define THREADS 3
#define FDS 48

static const unsigned long commands[] = {
	DOOR_IOC_CAPS,	      DOOR_IOC_CREATE,	     DOOR_IOC_CALL,
	DOOR_IOC_CALL,	      DOOR_IOC_RETURN,	     DOOR_IOC_RETURN,
	DOOR_IOC_INFO,	      DOOR_IOC_REVOKE,	     DOOR_IOC_BIND,
	DOOR_IOC_UNBIND,      DOOR_IOC_GETPARAM,     DOOR_IOC_SETPARAM,
	DOOR_IOC_CRED,	      DOOR_IOC_ABANDON,	     DOOR_IOC_LEAVE,
	DOOR_IOC_ATTACH,      DOOR_IOC_DETACH,	     DOOR_IOC_ABORTED,
	DOOR_IOC_SOCK_LISTEN, DOOR_IOC_SOCK_CONNECT, DOOR_IOC_SOCK_PAIR,
	DOOR_IOC_SOCK_INFO};

/* A value that some bound somewhere may have been written for. */
static uint64_t number(struct rng *rng)
{
	static const uint64_t edges[] = {
		0,	    1,		8,	    4095,
		4096,	    16384,	16385,	    65536,
		1 << 20,    0x7fffffff, 1U << 31,   0xffffffff,
		1ULL << 32, 1ULL << 47, ~0ULL >> 1, ~0ULL};
	uint64_t n = rng_pick(rng, edges);

	switch (rng_below(rng, 4)) {
	case 0:
		return n + rng_below(rng, 17) - 8;
	case 1:
		return rng_below(rng, 64);
	case 2:
		return rng_u64(rng) >> rng_below(rng, 64);
	}
	return n;
}

static uint64_t address(struct rng *rng, struct region *m)
{
	static const uint64_t nowhere[] = {0,
					   4096,
					   0x7ffffffff000ULL,
					   0x7fffffffefffULL,
					   0xffff888000000000ULL,
					   0xffffffff81000000ULL,
					   0xffffffffff600000ULL,
					   ~0ULL};

	if (rng_one_in(rng, 4))
		return rng_pick(rng, nowhere);
	if (rng_one_in(rng, 8))
		return (uintptr_t)&commands;
	/* Near the end of what is mapped, now and then. */
	if (rng_one_in(rng, 4))
		return (uintptr_t)m->mem + m->len - rng_below(rng, 64);
	return (uintptr_t)m->mem + rng_below(rng, m->len / 2);
}

/* A structure of any command: fields of 8 or 4 bytes at random. */
static void nonsense(struct rng *rng, struct region *m, uint64_t *ioc,
		     unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		uint32_t half[2] = {rng_below(rng, FDS), rng_below(rng, 12)};

		switch (rng_below(rng, 6)) {
		case 0:
			ioc[i] = number(rng);
			break;
		case 1:
		case 2:
			ioc[i] = address(rng, m);
			break;
		case 3:
			memcpy(&ioc[i], half, sizeof(half));
			break;
		default:
			ioc[i] = 0;
		}
	}
}

static void hostile_descs(struct rng *rng, struct region *m)
{
	struct door_ioc_desc *d = (void *)m->mem;
	unsigned int i;

	for (i = 0; i < 16; i++) {
		d[i].fd = 3 + rng_below(rng, FDS);
		d[i].attributes =
			rng_one_in(rng, 8) ? number(rng) : DOOR_DESC_DESCRIPTOR;
		if (rng_one_in(rng, 3))
			d[i].attributes |= DOOR_DESC_RELEASE;
	}
}

static void one_ioctl(struct rng *rng, struct region *m)
{
	unsigned long cmd = rng_pick(rng, commands);
	unsigned int size = _IOC_SIZE(cmd);
	uint64_t ioc[32] = {};
	struct door_ioc_call *call = (void *)ioc;
	void *arg = ioc;

	nonsense(rng, m, ioc, rng_one_in(rng, 3) ? 32 : (size + 7) / 8);
	if (rng_one_in(rng, 8))
		size = number(rng) & 0x3fff;
	cmd = (cmd & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
	      (unsigned long)size << _IOC_SIZESHIFT;
	if (_IOC_NR(cmd) == _IOC_NR(DOOR_IOC_CALL) && !rng_one_in(rng, 4)) {
		hostile_descs(rng, m);
		call->desc_ptr = (uintptr_t)m->mem;
		call->desc_num =
			rng_one_in(rng, 8) ? number(rng) : rng_below(rng, 5);
		call->data_ptr = (uintptr_t)m->mem;
		call->data_size = rng_size(rng, m->len);
	}
	if (rng_one_in(rng, 8))
		arg = (void *)(uintptr_t)address(rng, m);
	if (rng_one_in(rng, 6))
		region_arm(m, rng, m->len, rng_size(rng, 100));
	ioctl(3 + rng_below(rng, FDS), cmd, arg);
	region_disarm(m);
}

/* Sockets of any kind in any state. */
static void one_socket_call(struct rng *rng, struct region *m)
{
	int fd = 3 + rng_below(rng, FDS), value = number(rng);
	socklen_t len = sizeof(value);
	struct addr a = {};

	switch (rng_below(rng, 12)) {
	case 0:
		fd = socket(rng_one_in(rng, 2) ? AF_INET : AF_UNIX,
			    SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (fd >= 0 && rng_one_in(rng, 2))
			mark_listen(fd);
		break;
	case 1:
		listen(fd, rng_below(rng, 4));
		break;
	case 2:
		accept4(fd, NULL, NULL, SOCK_NONBLOCK);
		break;
	case 3:
		a.len = sizeof(a);
		if (!getsockname(3 + rng_below(rng, FDS), &a.sa, &a.len)) {
			mark_connect(fd, &a);
			connect(fd, &a.sa, a.len);
		}
		break;
	case 4:
		disconnect(fd);
		break;
	case 5:
		setsockopt(fd, rng_one_in(rng, 2) ? SOL_SOCKET : 6,
			   rng_below(rng, 64), &value, len);
		break;
	case 6:
		getsockopt(fd, rng_one_in(rng, 2) ? SOL_SOCKET : 6,
			   rng_below(rng, 64), m->mem, &len);
		break;
	case 7:
		send(fd, (void *)(uintptr_t)address(rng, m), number(rng),
		     (number(rng) & ~MSG_ERRQUEUE) | MSG_DONTWAIT |
			     MSG_NOSIGNAL);
		break;
	case 8:
		recv(fd, (void *)(uintptr_t)address(rng, m), number(rng),
		     number(rng) | MSG_DONTWAIT);
		break;
	case 9:
		shutdown(fd, rng_below(rng, 4));
		break;
	case 10:
		syscall(SYS_splice, fd, NULL, 3 + rng_below(rng, FDS), NULL,
			rng_size(rng, 100000), 2);
		break;
	case 11:
		mark_pair(fd, 3 + rng_below(rng, FDS));
	}
}

static void one_file_call(struct rng *rng, const struct round *r,
			  struct region *m)
{
	int fd = 3 + rng_below(rng, FDS), pair[2];
	char path[128];

	snprintf(path, sizeof(path), "%s/hostile.%u", r->dir,
		 (unsigned int)rng_below(rng, 4));
	switch (rng_below(rng, 9)) {
	case 0:
		dup2(fd, 3 + rng_below(rng, FDS));
		break;
	case 1:
		close(fd);
		break;
	case 2:
		open("/dev/door", O_RDWR);
		break;
	case 3:
		open(path,
		     (rng_one_in(rng, 2) ? O_PATH : O_RDWR | O_CREAT) |
			     O_CLOEXEC,
		     0666);
		break;
	case 4:
		if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
			mark_pair(pair[0], pair[1]);
		break;
	case 5:
		mmap(NULL, rng_size(rng, 1 << 20), PROT_READ | PROT_WRITE,
		     rng_one_in(rng, 2) ? MAP_SHARED : MAP_PRIVATE, fd,
		     rng_below(rng, 4) << 12);
		break;
	case 6:
		if (read(fd, m->mem, rng_size(rng, 4096)) < 0)
			break;
		break;
	case 7:
		unlink(path);
		break;
	case 8:
		kill(getpid(), SIGUSR1);
	}
}

/* A process that shares everything, or nothing, for a moment. */
static void one_child(struct rng *rng, struct region *m)
{
	struct door_ioc_create create = {.attributes = number(rng) & 0x3d3};
	int fd = 3 + rng_below(rng, FDS), kind = rng_below(rng, 8);
	pid_t pid = kind < 3 ? vfork() : fork();

	if (pid > 0) {
		waitpid(pid, NULL, 0);
	} else if (!pid) {
		ioctl(fd, DOOR_IOC_CREATE, &create);
		if (kind == 7)
			execl("/bin/true", "true", NULL);
		alarm(1);
		if (kind > 3)
			one_ioctl(rng, m);
		_exit(0);
	}
}

struct program {
	struct round *r;
	uint64_t seed;
};

static void *attack(void *arg)
{
	struct program *p = arg;
	struct rng rng = rng_of(p->seed, gettid() - getpid());
	struct region m;

	if (!region_make(&m, 64 * 1024))
		exit(3);
	while (!round_over(p->r)) {
		switch (rng_below(&rng, 64)) {
		case 0:
			one_child(&rng, &m);
			break;
		case 1 ... 16:
			one_file_call(&rng, p->r, &m);
			break;
		case 17 ... 32:
			one_socket_call(&rng, &m);
			break;
		default:
			one_ioctl(&rng, &m);
		}
	}
	return NULL;
}

static void program(struct round *r, struct rng *rng, void *arg)
{
	struct rlimit files = {FDS + 16, FDS + 16},
		      data = {1UL << 31, 1UL << 31};
	struct program p = {.r = r, .seed = rng_u64(rng)};
	pthread_t t;
	int i;

	(void)arg;
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_AS, &data);
	actor_interruptible(0);
	signal(SIGPIPE, SIG_IGN);
	if (rng_one_in(rng, 4) &&
	    unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS) == 0 &&
	    fork() != 0) {
		wait(NULL);
		return;
	}
	drop_to_nobody();
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t, NULL, attack, &p))
			return;
	attack(&p);
	while (!round_over(r))
		sleep_ms(20);
}

/* Programs are killed, and others take their places. */
void run_hostile(struct round *r, struct rng *rng)
{
	long long end = now_ms() + r->ms;
	pid_t pid[PROGRAMS];
	unsigned int i, who = 100;

	for (i = 0; i < PROGRAMS; i++)
		pid[i] = actor_start(r, who++, program, NULL);
	while (now_ms() < end && !r->sh->failed) {
		chaos_signals(r, rng, pid, PROGRAMS, rng_size(rng, 1500));
		i = rng_below(rng, PROGRAMS);
		kill(pid[i], SIGKILL);
		if (!actor_wait(pid[i], 20000 * r->slow))
			oracle_fail(r, "a hostile program cannot be killed");
		pid[i] = actor_start(r, who++, program, NULL);
	}
	r->sh->stop = 1;
}
