/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A kernel for the server half of libdoor: it answers RETURN by a script, the
 * rest as the test has said, and remembers what it was asked.
 */
#ifndef TESTS_KERNEL_H
#define TESTS_KERNEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <door.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/door.h>

#define STEPS 16
#define FIRST_CONTROL 70
#define NEW_DOOR 90

/*
 * One RETURN: an error, or an invocation. After the last there is EIO. What
 * happens meanwhile is what a signal handler may do.
 */
struct step {
	void (*meanwhile)(void);
	int err;
	door_server_procedure_t *procedure;
	uint32_t state;
};

static struct kernel {
	struct step script[STEPS];
	struct door_ioc_return seen[STEPS];
	struct door_ioc_create created;
	struct door_ioc_info info;
	uint64_t bound[STEPS];
	struct door_ioc_cred creds[2]; /* at the first CRED, and the next */
	uint32_t asked_groups;	       /* room for so many at the last */
	int create_err[2]; /* of the first CREATE, and of the next */
	int bind_err[2];
	int info_err, caps_err;
	int last; /* the descriptor of the last RETURN */
	int lost; /* the descriptor that turned out to be somebody else's */
	atomic_int returns, opens, closes, leaves, creates, binds, unbinds;
	atomic_int revokes, notices, asked;
} kernel;

/* A procedure. */
static inline void nothing(void *cookie, char *argp, size_t size,
			   door_desc_t *dp, uint_t n)
{
	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
}

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long command, ...);

int __wrap_open(const char *path, int flags, ...)
{
	int fd;

	(void)flags;
	if (strcmp(path, "/dev/door") != 0)
		abort();
	fd = FIRST_CONTROL + atomic_fetch_add(&kernel.opens, 1);
	if (kernel.lost == fd)
		kernel.lost = 0;
	return fd;
}

int __wrap_close(int fd)
{
	(void)fd;
	atomic_fetch_add(&kernel.closes, 1);
	return 0;
}

static int outcome(int err)
{
	errno = err;
	return err ? -1 : 0;
}

/* As above, of a descriptor of /dev/door that may not be one any more. */
static int control_outcome(int fd, int err)
{
	if (err == EBADF || err == ENOTTY)
		kernel.lost = fd;
	return outcome(err);
}

static int next_step(int fd, struct door_ioc_return *r)
{
	int i = atomic_fetch_add(&kernel.returns, 1);
	const struct step *s;

	if (i >= STEPS)
		return outcome(EIO);
	kernel.last = fd;
	s = &kernel.script[i];
	kernel.seen[i] = *r;
	if (s->meanwhile)
		s->meanwhile();
	if (!s->procedure)
		return control_outcome(fd, s->err ? s->err : EIO);
	r->procedure = (uintptr_t)s->procedure;
	r->state = s->state;
	r->call = (uint64_t)i + 1;
	r->attributes = kernel.info.attributes;
	r->id = kernel.info.id;
	return 0;
}

int __wrap_ioctl(int fd, unsigned long command, ...)
{
	va_list ap;
	void *arg;
	int i;

	va_start(ap, command);
	arg = va_arg(ap, void *);
	va_end(ap);
	switch (command) {
	case DOOR_IOC_CAPS:
		return outcome(fd == kernel.lost ? ENOTTY : kernel.caps_err);
	case DOOR_IOC_RETURN:
		return next_step(fd, arg);
	case DOOR_IOC_CREATE:
		kernel.created = *(struct door_ioc_create *)arg;
		i = atomic_fetch_add(&kernel.creates, 1);
		return kernel.create_err[i > 0]
			       ? control_outcome(fd, kernel.create_err[i > 0])
			       : NEW_DOOR;
	case DOOR_IOC_BIND:
		/* No such door, as everybody knows. */
		if (!((struct door_ioc_bind *)arg)->id)
			return outcome(EINVAL);
		i = atomic_fetch_add(&kernel.binds, 1);
		kernel.bound[i % STEPS] = ((struct door_ioc_bind *)arg)->id;
		return control_outcome(fd, kernel.bind_err[i > 0]);
	case DOOR_IOC_UNBIND:
		atomic_fetch_add(&kernel.unbinds, 1);
		return 0;
	case DOOR_IOC_INFO:
		*(struct door_ioc_info *)arg = kernel.info;
		return outcome(kernel.info_err);
	case DOOR_IOC_CRED:
		i = atomic_fetch_add(&kernel.asked, 1);
		kernel.asked_groups = ((struct door_ioc_cred *)arg)->groups_num;
		*(struct door_ioc_cred *)arg = kernel.creds[i > 0];
		return 0;
	case DOOR_IOC_LEAVE:
		atomic_fetch_add(&kernel.leaves, 1);
		return 0;
	case DOOR_IOC_REVOKE:
		atomic_fetch_add(&kernel.revokes, 1);
		return 0;
	case DOOR_IOC_ABORTED:
		atomic_fetch_add(&kernel.notices, 1);
		return outcome(EIO);
	}
	return outcome(ENOTTY);
}

static int reset(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, reset)

#endif /* TESTS_KERNEL_H */
