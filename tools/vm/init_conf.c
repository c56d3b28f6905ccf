// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host asks for: /vm.conf holds lines "key value"; /vm.argv is the
 * command, /vm.env its environment, each string ended by a zero byte.
 */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

struct vm vm = {
	.verdict = -1, .out = -1, .err = -1, .kmsg_port = -1, .kmsg = -1};

void say(const char *fmt, ...)
{
	char line[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (write(vm.verdict >= 0 ? vm.verdict : STDERR_FILENO, line, n) < 0)
		return;
}

void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

void fail(const char *what)
{
	say("error %s: %s", what, strerror(errno));
	dprintf(STDERR_FILENO, "vm-init: %s: %s\n", what, strerror(errno));
	power_off();
}

/* A file of the initramfs as one zero-ended string; it is never freed. */
static char *slurp(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *buf;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		fail(path);
	buf = calloc(1, st.st_size + 1);
	n = buf ? read(fd, buf, st.st_size) : -1;
	if (n < 0)
		fail(path);
	close(fd);
	*len = n;
	return buf;
}

static void read_strings(const char *path, char **list, int max)
{
	size_t len;
	char *p = slurp(path, &len), *end = p + len;
	int n = 0;

	for (; p < end && n < max - 1; p += strlen(p) + 1)
		list[n++] = p;
	list[n] = NULL;
}

static void read_options(void)
{
	size_t len;
	char *line, *save = NULL, *text = slurp("/vm.conf", &len);

	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *val = strchr(line, ' ');

		if (!val)
			continue;
		*val++ = '\0';
		if (!strcmp(line, "share") && vm.shares < MAX_ITEMS) {
			struct share *s = &vm.share[vm.shares++];

			s->tag = val;
			s->path = strchr(val, ' ');
			*s->path++ = '\0';
		} else if (!strcmp(line, "insmod") && vm.insmods < MAX_ITEMS) {
			vm.insmod[vm.insmods++] = val;
		} else if (!strcmp(line, "sysctl") && vm.sysctls < MAX_ITEMS) {
			vm.sysctl[vm.sysctls++] = val;
		} else if (!strcmp(line, "cwd")) {
			vm.cwd = val;
		} else if (!strcmp(line, "modules")) {
			vm.modules = val;
		} else if (!strcmp(line, "limit")) {
			vm.limit = atoi(val);
		} else if (!strcmp(line, "tty")) {
			vm.tty = atoi(val);
		} else if (!strcmp(line, "kmemleak")) {
			vm.kmemleak = atoi(val);
		}
	}
}

void read_vm(void)
{
	read_options();
	read_strings("/vm.argv", vm.argv, MAX_STRINGS);
	read_strings("/vm.env", vm.env, MAX_STRINGS);
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0)
		say("note cannot write %s: %s", path, strerror(errno));
	close(fd);
}
