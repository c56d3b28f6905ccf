// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Ask: every system call that the library makes on its own behalf. All go
 * through syscall(2), past libc's wrappers and past other preloaded libraries,
 * and leave errno alone. No allocation, no lock, no state: callable from signal
 * handlers, from a child of vfork() and in any thread.
 *
 * /dev/door is opened for one question and closed again. The library therefore
 * owns no descriptor that a program could close, overwrite, inherit or run out
 * of, and a chroot, a change of user or a module loaded later need no rule.
 */
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * O_NOCTTY and O_NONBLOCK: in a chroot the name may be any file, and opening it
 * must have no effect on the process.
 */
#define ASK_FLAGS (O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* One ioctl of <linux/door.h> about a socket: 0 or -errno. */
int ask_door(unsigned long command, struct door_ioc_sock *sock)
{
	int saved = errno, ret = 0;
	long door;

	door = syscall(SYS_openat, AT_FDCWD, "/dev/door", ASK_FLAGS);
	if (door < 0) {
		ret = -errno;
	} else {
		if (syscall(SYS_ioctl, door, command, sock) < 0)
			ret = -errno;
		syscall(SYS_close, door);
	}
	errno = saved;
	return ret;
}

/* The socket's own address; false if it has none. */
bool ask_name(int fd, struct sockaddr_storage *addr, socklen_t *len)
{
	int saved = errno;
	bool ok;

	*len = sizeof(*addr);
	ok = syscall(SYS_getsockname, fd, addr, len) == 0;
	errno = saved;
	return ok;
}

/*
 * Copies memory that may not be there: the kernel looks, so that a program that
 * passes a bad pointer gets its EFAULT from the real call and not a signal
 * here.
 */
bool ask_memory(const void *from, void *to, size_t bytes)
{
	struct iovec local = {.iov_base = to, .iov_len = bytes};
	struct iovec remote = {.iov_base = (void *)from, .iov_len = bytes};
	int saved = errno;
	long ret;

	ret = syscall(SYS_process_vm_readv, syscall(SYS_getpid), &local, 1L,
		      &remote, 1L, 0L);
	errno = saved;
	return ret == (long)bytes;
}

/* One line to standard error, whole or not at all. */
void ask_write(const char *text, size_t length)
{
	int saved = errno;

	syscall(SYS_write, STDERR_FILENO, text, length);
	errno = saved;
}
