// SPDX-License-Identifier: GPL-2.0-only
/*
 * door detach: files become ordinary files again. Whoever may detach a door is
 * the owner of the file, and root; whose the door is does not matter.
 */
#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/door.h>

static int detach(int control, const char *path)
{
	struct door_ioc_name name = {.fd = open(path, O_PATH | O_CLOEXEC)};
	int err;

	if (name.fd < 0)
		return complain(EXIT_FAILED, path, strerror(errno));
	err = ioctl(control, DOOR_IOC_DETACH, &name) ? errno : 0;
	close(name.fd);
	if (err == EINVAL)
		return complain(EXIT_FAILED, path, "no door is attached");
	return err ? complain(EXIT_FAILED, path, strerror(err)) : EXIT_OK;
}

int cmd_detach(int argc, char **argv)
{
	int control, code = EXIT_OK;

	if (argc < 2 || argv[1][0] == '-')
		return complain(EXIT_USAGE, "detach", "which files?");
	control = open("/dev/door", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return complain(EXIT_NO_MODULE, "/dev/door", strerror(errno));
	while (*++argv)
		if (detach(control, *argv) != EXIT_OK)
			code = EXIT_FAILED;
	close(control);
	return code;
}
