// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that stalls: a page fault in it takes as long as another thread of the
 * same process likes. Memory that vanishes: a page that cannot be accessed
 * while the kernel looks at it.
 */
#include "memory.h"
#include "fuzz.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096UL

static void *keep(void *arg)
{
	struct region *m = arg;
	struct uffd_msg msg;
	struct pollfd p[] = {{.fd = m->uffd, .events = POLLIN},
			     {.fd = m->end, .events = POLLIN}};

	for (;;) {
		struct uffdio_copy copy = {.len = PAGE};
		long long end;

		if (poll(p, 2, -1) > 0 && p[1].revents)
			return NULL;
		if (read(m->uffd, &msg, sizeof(msg)) != sizeof(msg) ||
		    msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		end = now_ms() + m->stall_ms;
		while (m->stall_ms && now_ms() < end)
			sleep_ms(1 + m->stall_ms / 64);
		copy.dst = msg.arg.pagefault.address & -PAGE;
		copy.src = (uintptr_t)m->shadow + copy.dst - (uintptr_t)m->mem;
		ioctl(m->uffd, UFFDIO_COPY, &copy);
	}
}

/* At the first need. Without userfaultfd it stays plain memory. */
static bool watch_faults(struct region *m)
{
	struct uffdio_api api = {.api = UFFD_API};
	pthread_attr_t attr;

	if (m->uffd != REGION_UNWATCHED)
		return m->uffd >= 0;
	m->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (m->uffd < 0)
		return false;
	m->end = eventfd(0, EFD_CLOEXEC);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	if (m->end < 0 || ioctl(m->uffd, UFFDIO_API, &api) ||
	    pthread_create(&m->keeper, &attr, keep, m)) {
		close(m->uffd);
		close(m->end);
		m->uffd = -1;
	}
	pthread_attr_destroy(&attr);
	return m->uffd >= 0;
}

static char *map(size_t len)
{
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

bool region_make(struct region *m, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->uffd = REGION_UNWATCHED;
	m->len = (len + PAGE - 1) & -PAGE;
	m->mem = map(m->len);
	m->shadow = map(m->len);
	return m->mem && m->shadow;
}

void region_free(struct region *m)
{
	region_disarm(m);
	if (m->uffd >= 0) {
		eventfd_write(m->end, 1);
		pthread_join(m->keeper, NULL);
		close(m->uffd);
		close(m->end);
	}
	munmap(m->mem, m->len);
	munmap(m->shadow, m->len);
}

/*
 * Somewhere in the first @len bytes the kernel will be held up for @ms, or not
 * get through at all. What is there now stays there.
 */
void region_arm(struct region *m, struct rng *rng, size_t len, unsigned int ms)
{
	size_t at = rng_one_in(rng, 2) ? rng_below(rng, len)
				       : rng_size(rng, len) - 1;
	char *page = m->mem + (at & -PAGE);
	struct uffdio_register reg = {
		.range = {.start = (uintptr_t)page, .len = PAGE},
		.mode = UFFDIO_REGISTER_MODE_MISSING};

	if (rng_one_in(rng, 8)) {
		m->hidden = page;
		mprotect(page, PAGE, PROT_NONE);
		return;
	}
	if (!watch_faults(m))
		return;
	memcpy(m->shadow + (page - m->mem), page, PAGE);
	m->stall_ms = ms;
	if (ioctl(m->uffd, UFFDIO_REGISTER, &reg))
		return;
	m->missing = page;
	madvise(page, PAGE, MADV_DONTNEED);
}

/* Plain memory again, and what was there is there. */
void region_disarm(struct region *m)
{
	struct uffdio_range range = {.start = (uintptr_t)m->missing,
				     .len = PAGE};

	m->stall_ms = 0;
	if (m->hidden)
		mprotect(m->hidden, PAGE, PROT_READ | PROT_WRITE);
	m->hidden = NULL;
	if (!m->missing)
		return;
	/* Touched, or else what the shadow has would be lost. */
	*(volatile char *)m->missing;
	ioctl(m->uffd, UFFDIO_UNREGISTER, &range);
	m->missing = NULL;
}
