// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of the test machine, a static program in the initramfs.
 *
 * It loads the few modules a root file system needs, mounts the host's root
 * (virtiofs, read-only) under a tmpfs overlay, runs one command there and says
 * how it ended. Four virtio ports lead to the host: "out" and "err" carry the
 * command's output, "kmsg" the kernel's log as it is written, "verdict" what
 * this program knows. The first line of the verdict is "begun": a machine
 * without it has run nothing of the host's yet and may be started again. Lines
 * "output" say that the command still prints, once a second at most. The
 * last line is "end": without it the host counts the machine as dead.
 *
 * init_conf.c reads what the host asks for, init_mount.c makes the tree, and
 * init_run.c runs the command.
 */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* "FILE param=value ..." */
int insmod(const char *spec)
{
	char path[4096];
	const char *params = strchr(spec, ' ');
	int fd, ret;

	snprintf(path, sizeof(path), "%.*s",
		 params ? (int)(params - spec) : 4095, spec);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ret = syscall(SYS_finit_module, fd, params ? params + 1 : "", 0);
	close(fd);
	return ret;
}

/* The modules of the initramfs are numbered in the order they need. */
static void load_base_modules(void)
{
	struct dirent **list;
	char path[512];
	int i, n = scandir("/mod", &list, NULL, alphasort);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "/mod/%s", list[i]->d_name);
		if (list[i]->d_name[0] != '.' && insmod(path) < 0 &&
		    errno != EEXIST)
			fail(path);
	}
}

static int open_port(const char *name)
{
	char path[600], found[64];
	struct dirent *d;
	DIR *dir = opendir("/sys/class/virtio-ports");
	int fd = -1;

	while (dir && fd < 0 && (d = readdir(dir))) {
		ssize_t n;
		int f;

		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
			 d->d_name);
		f = open(path, O_RDONLY | O_CLOEXEC);
		if (f < 0)
			continue;
		n = read(f, found, sizeof(found) - 1);
		close(f);
		if (n <= 0)
			continue;
		found[n] = '\0';
		found[strcspn(found, "\n")] = '\0';
		if (strcmp(found, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", d->d_name);
		fd = open(path, O_WRONLY | O_CLOEXEC);
	}
	if (dir)
		closedir(dir);
	return fd;
}

/* A port's name arrives with an interrupt, some time after the driver. */
static int wait_port(const char *name)
{
	const struct timespec step = {.tv_nsec = 10 * 1000 * 1000};
	int i, fd = -1;

	for (i = 0; i < 6000 && (fd = open_port(name)) < 0; i++)
		nanosleep(&step, NULL);
	if (fd < 0)
		fail(name);
	return fd;
}

static void loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		fail("loopback");
	close(fd);
}

static void set_sysctls(void)
{
	int i;

	for (i = 0; i < vm.sysctls; i++) {
		char *val = strchr(vm.sysctl[i], '=');
		char path[512];

		if (!val)
			continue;
		*val++ = '\0';
		snprintf(path, sizeof(path), "/proc/sys/%s", vm.sysctl[i]);
		write_file(path, val);
	}
}

static void load_tested_modules(void)
{
	int i;

	for (i = 0; i < vm.insmods; i++)
		if (insmod(vm.insmod[i]) < 0) {
			say("error insmod %s: %s", vm.insmod[i],
			    strerror(errno));
			finish(125);
		}
}

int main(void)
{
	struct timespec up;

	mount_early();
	read_vm();
	load_base_modules();
	vm.verdict = wait_port("verdict");
	say("begun");
	vm.kmsg_port = wait_port("kmsg");
	vm.out = wait_port("out");
	vm.err = wait_port("err");
	vm.kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	mount_root();
	mount_late();
	loopback_up();
	set_sysctls();
	if (sethostname("vm", 2) < 0)
		fail("sethostname");
	load_tested_modules();
	clock_gettime(CLOCK_BOOTTIME, &up);
	say("up %ld.%02ld", (long)up.tv_sec, up.tv_nsec / 10000000);
	finish(run_command());
}
