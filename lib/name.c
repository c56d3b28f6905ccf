// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names: doors attached to files. The kernel is told which file by a descriptor
 * that only stands for it, so that finding it has no effect on it, and so that
 * these calls, alone of all, never open what they are about; but for fdetach()
 * where there is no /dev/door.
 */
#include "lib.h"

#include <stropts.h>
#include <sys/stat.h>

#define exported __attribute__((visibility("default")))

static int find(const char *path)
{
	int fd;

	if (!path)
		return -ENOENT;
	fd = open(path, O_PATH | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

exported int fattach(int fd, const char *path)
{
	struct door_ioc_name ioc = {.fd = find(path)};
	int ret;

	if (ioc.fd < 0)
		return result(ioc.fd);
	ret = sys_attach(fd, &ioc);
	close(ioc.fd);
	/* An open file, but no door. */
	return result(ret == -ENOTTY ? -EINVAL : ret);
}

exported int isastream(int fd)
{
	return fcntl(fd, F_GETFD) < 0 ? -1 : 0;
}

static int is_regular(const char *path)
{
	int fd = find(path), ret;
	struct stat st;

	if (fd < 0)
		return fd;
	ret = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode);
	close(fd);
	return ret;
}

/*
 * What is no regular file has no door, and opening it may do who knows what.
 * The flags that could change an ordinary file are left out, and should it have
 * been exchanged in between, O_NONBLOCK and O_NOCTTY do the least harm.
 */
exported int door_open(const char *path, int oflag)
{
	int fd = is_regular(path);
	door_info_t info;

	if (fd < 0)
		return result(fd);
	if (fd == 0)
		return result(-ENXIO);
	fd = open(path, (oflag & ~(O_CREAT | O_EXCL | O_TRUNC)) | O_NONBLOCK |
				O_NOCTTY);
	if (fd < 0)
		return -1;
	if (door_info(fd, &info) < 0) {
		close(fd);
		return result(-ENXIO);
	}
	return fd;
}

/*
 * Without /dev/door, which a container may lack: the name itself will do
 * instead. Opened like this it is not a door, so that the server is not told of
 * a client.
 */
static int detach_by_name(const char *path, struct door_ioc_name *ioc)
{
	int fd = is_regular(path), ret;

	if (fd < 0)
		return fd;
	if (fd == 0)
		return -EINVAL;
	fd = open(path, O_ACCMODE | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	ret = sys_ioctl(fd, DOOR_IOC_DETACH, ioc);
	close(fd);
	return ret == -ENOTTY ? -EINVAL : ret;
}

exported int fdetach(const char *path)
{
	struct door_ioc_name ioc = {.fd = find(path)};
	int ret;

	if (ioc.fd < 0)
		return result(ioc.fd);
	ret = control_ask(DOOR_IOC_DETACH, &ioc);
	/* These are what it says of the file. */
	if (ret < 0 && ret != -EPERM && ret != -EINVAL)
		ret = detach_by_name(path, &ioc);
	close(ioc.fd);
	return result(ret);
}
