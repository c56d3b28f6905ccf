/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory that stalls: a page fault in it waits until the test has had its way,
 * as one in a file on a slow disk or in a swapped-out page waits for the disk.
 */
#ifndef STALL_TEST_H
#define STALL_TEST_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STALL_PAGE 4096UL

/**
 * struct stall - some pages, the later of which stall
 * @fd: the userfaultfd
 * @mem: the memory
 * @size: its size
 * @ready: how much of it at its beginning is there already
 */
struct stall {
	int fd;
	char *mem;
	size_t size;
	size_t ready;
};

static inline bool stall_open(struct stall *s, size_t size, size_t ready)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register r = {.mode = UFFDIO_REGISTER_MODE_MISSING};

	s->size = size;
	s->ready = ready;
	s->mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s->fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	r.range.start = (uintptr_t)s->mem + ready;
	r.range.len = size - ready;
	return s->mem != MAP_FAILED && s->fd >= 0 &&
	       !ioctl(s->fd, UFFDIO_API, &api) &&
	       !ioctl(s->fd, UFFDIO_REGISTER, &r);
}

/* Does somebody hang in it? */
static inline bool stall_hit(struct stall *s, int ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

/* Lets whoever hangs in a page go on, with these bytes in it. */
static inline bool stall_fill(struct stall *s, size_t page, const void *bytes)
{
	struct uffdio_copy c = {.dst = (uintptr_t)s->mem + page,
				.src = (uintptr_t)bytes,
				.len = STALL_PAGE};

	return !ioctl(s->fd, UFFDIO_COPY, &c);
}

static inline void stall_close(struct stall *s)
{
	close(s->fd);
	munmap(s->mem, s->size);
}

#endif /* STALL_TEST_H */
