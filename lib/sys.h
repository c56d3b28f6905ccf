/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel: the only place of libdoor that makes ioctls. Every function
 * returns a result or -errno and leaves it to its caller what to do about a
 * signal.
 */
#ifndef LIBDOOR_SYS_H
#define LIBDOOR_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/door.h>

static inline int sys_ioctl(int fd, unsigned long command, void *arg)
{
	int ret = ioctl(fd, command, arg);

	return ret < 0 ? -errno : ret;
}

/* 0 if it is /dev/door. */
static inline int sys_caps(int fd)
{
	struct door_ioc_caps caps;

	return sys_ioctl(fd, DOOR_IOC_CAPS, &caps);
}

/* In a container, or after the module came back, the name may be any device. */
static inline int sys_open(void)
{
	int fd = open("/dev/door", O_RDWR | O_CLOEXEC);

	/* A container's rules say EPERM, which commands say of other things. */
	if (fd < 0)
		return errno == EPERM ? -EACCES : -errno;
	if (sys_caps(fd) == 0)
		return fd;
	close(fd);
	return -ENODEV;
}

/*
 * To the program's memory, which may not be there. The kernel may lack the
 * system call or a filter forbid it; then it is as with any other pointer.
 */
static inline int sys_copy_out(void *to, const void *from, size_t size)
{
	struct iovec local = {(void *)from, size}, remote = {to, size};
	ssize_t n = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);

	if (n == (ssize_t)size)
		return 0;
	/* A part of it is there, or nothing. */
	if (n >= 0 || errno == EFAULT)
		return -EFAULT;
	memcpy(to, from, size);
	return 0;
}

/* From it, likewise. */
static inline int sys_copy_in(void *to, const void *from, size_t size)
{
	struct iovec local = {to, size}, remote = {(void *)from, size};
	ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);

	if (n == (ssize_t)size)
		return 0;
	if (n >= 0 || errno == EFAULT)
		return -EFAULT;
	memcpy(to, from, size);
	return 0;
}

static inline pid_t sys_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static inline int sys_pidfd(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

/* On a door; anything else is no door, whatever it says to our commands. */

static inline int sys_on_door(int d, unsigned long command, void *arg)
{
	int ret = sys_ioctl(d, command, arg);

	return ret == -ENOTTY ? -EBADF : ret;
}

static inline int sys_call(int d, void *ioc)
{
	return sys_on_door(d, DOOR_IOC_CALL, ioc);
}

static inline int sys_abandon(int d)
{
	return sys_on_door(d, DOOR_IOC_ABANDON, NULL);
}

static inline int sys_revoke(int d)
{
	return sys_on_door(d, DOOR_IOC_REVOKE, NULL);
}

static inline int sys_info(int fd, struct door_ioc_info *ioc)
{
	return sys_on_door(fd, DOOR_IOC_INFO, ioc);
}

static inline int sys_getparam(int d, struct door_ioc_param *ioc)
{
	return sys_on_door(d, DOOR_IOC_GETPARAM, ioc);
}

static inline int sys_setparam(int d, struct door_ioc_param *ioc)
{
	return sys_on_door(d, DOOR_IOC_SETPARAM, ioc);
}

static inline int sys_attach(int d, struct door_ioc_name *ioc)
{
	return sys_ioctl(d, DOOR_IOC_ATTACH, ioc);
}

#endif /* LIBDOOR_SYS_H */
