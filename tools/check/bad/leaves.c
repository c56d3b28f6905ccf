// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaves a door behind: its process has gone to where nobody cleans up after
 * the test. /tmp/leaves.pid says which it is.
 */
#include <fcntl.h>
#include <linux/door.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int main(void)
{
	struct door_ioc_create c = {.procedure = 1};
	int dev = open("/dev/door", O_RDWR);
	FILE *group = fopen("/sys/fs/cgroup/cgroup.procs", "w");
	FILE *note = fopen("/tmp/leaves.pid", "w");
	int ready[2];

	if (dev < 0 || !group || !note || pipe(ready))
		return 1;
	if (fork() == 0) {
		fprintf(group, "%d\n", getpid());
		fclose(group);
		fprintf(note, "%d\n", getpid());
		fclose(note);
		if (ioctl(dev, DOOR_IOC_CREATE, &c) < 0)
			_exit(1);
		close(ready[1]);
		close(STDOUT_FILENO);
		close(STDERR_FILENO);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) == 0)
		printf("1..1\nok 1 nothing wrong here\n");
	return 0;
}
