// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's tree: the host's root under an overlay, shared folders, and the
 * file systems tests expect.
 */
#include "init.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void do_mount(const char *src, const char *to, const char *type,
		     unsigned long flags, const char *data)
{
	mkdir(to, 0755);
	if (mount(src, to, type, flags, data) < 0)
		fail(to);
}

static void try_mount(const char *to, const char *type, const char *data)
{
	mkdir(to, 0755);
	if (mount(type, to, type, 0, data) < 0)
		return;
}

void mount_early(void)
{
	do_mount("proc", "/proc", "proc", 0, NULL);
	do_mount("sysfs", "/sys", "sysfs", 0, NULL);
	try_mount("/dev", "devtmpfs", NULL);
}

void mount_root(void)
{
	static const char *const move[] = {"/proc", "/sys", "/dev"};
	char to[64];
	size_t i;

	do_mount("root", "/lower", "virtiofs", MS_RDONLY, NULL);
	do_mount("rw", "/rw", "tmpfs", 0, "size=80%");
	mkdir("/rw/upper", 0755);
	mkdir("/rw/work", 0755);
	do_mount("overlay", "/new", "overlay", 0,
		 "lowerdir=/lower,upperdir=/rw/upper,workdir=/rw/work");
	for (i = 0; i < sizeof(move) / sizeof(move[0]); i++) {
		snprintf(to, sizeof(to), "/new%s", move[i]);
		do_mount(move[i], to, NULL, MS_MOVE, NULL);
	}
	if (chdir("/new") < 0 || mount("/new", "/", NULL, MS_MOVE, NULL) < 0 ||
	    chroot(".") < 0)
		fail("switch to the new root");
}

static void make_parents(const char *path)
{
	char dir[4096];
	char *p;

	snprintf(dir, sizeof(dir), "%s", path);
	for (p = dir + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		mkdir(dir, 0755);
	}
	mkdir(dir, 0755);
}

void mount_late(void)
{
	char link[4096 + 64];
	int i;

	try_mount("/run", "tmpfs", "mode=0755");
	try_mount("/dev/shm", "tmpfs", "mode=1777");
	try_mount("/dev/pts", "devpts", "ptmxmode=0666,gid=5,mode=0620");
	try_mount("/dev/mqueue", "mqueue", NULL);
	try_mount("/sys/kernel/debug", "debugfs", NULL);
	try_mount("/sys/kernel/tracing", "tracefs", NULL);
	try_mount("/sys/fs/cgroup", "cgroup2", NULL);
	if (symlink("/proc/self/fd", "/dev/fd") < 0 ||
	    symlink("fd/0", "/dev/stdin") < 0 ||
	    symlink("fd/1", "/dev/stdout") < 0 ||
	    symlink("fd/2", "/dev/stderr") < 0)
		say("note a link in /dev is missing");
	for (i = 0; i < vm.shares; i++) {
		make_parents(vm.share[i].path);
		do_mount(vm.share[i].tag, vm.share[i].path, "virtiofs", 0,
			 NULL);
	}
	/* modprobe finds the modules of a kernel the host has not installed */
	if (vm.modules) {
		snprintf(link, sizeof(link), "/lib/modules/%s",
			 strrchr(vm.modules, '/') + 1);
		if (access(link, F_OK) < 0) {
			make_parents("/lib/modules");
			if (symlink(vm.modules, link) < 0)
				say("note no %s", link);
		}
	}
}
