// SPDX-License-Identifier: GPL-2.0-only
/*
 * door ls: who has doors and sockets over doors. The module says so in the
 * fdinfo of each descriptor, in lines that begin with "door"; all that is done
 * here is to find them. Descriptors of other users need root, as in ls(1). So
 * do the names of all doors: those that hold a file system though no process
 * has them open.
 */
#include "door.h"
#include "nl.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

/* A process names itself as it likes: nothing of it may be more than text. */
static void read_command(const char *pid, char *command, size_t size)
{
	char path[64], *c;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(command, size, f))
		snprintf(command, size, "?");
	command[strcspn(command, "\n")] = 0;
	for (c = command; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (f)
		fclose(f);
}

/* A line may have a path, which is anybody's choice, in the user's language. */
static void print_line(const char *s)
{
	mbstate_t state;
	wchar_t c;
	size_t n;

	for (; *s; s += n) {
		memset(&state, 0, sizeof(state));
		n = mbrtowc(&c, s, strnlen(s, MB_CUR_MAX), &state);
		if (n <= MB_CUR_MAX && (iswprint(c) || c == L'\t')) {
			fwrite(s, n, 1, stdout);
		} else {
			putchar('?');
			n = 1;
		}
	}
	putchar('\n');
}

/* Processes and descriptors come and go: one that is gone has no lines. */
static void list_fd(const char *pid, const char *command, const char *fd)
{
	char path[600], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "re");
	if (!f)
		return;
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "door", 4))
			continue;
		line[strcspn(line, "\n")] = 0;
		printf("%7s %-15s %5s  ", pid, command, fd);
		print_line(line);
	}
	free(line);
	fclose(f);
}

/* Returns whether the descriptors could be looked at. */
static bool list_process(const char *pid)
{
	char path[300], command[32];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	dir = opendir(path);
	if (!dir)
		return false;
	read_command(pid, command, sizeof(command));
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]))
			list_fd(pid, command, e->d_name);
	closedir(dir);
	return true;
}

static const char *only; /* the process that is meant, or NULL */

/* A name, which is nobody's descriptor. */
static int list_name(const struct nl_name *name)
{
	char pid[16], command[32];

	snprintf(pid, sizeof(pid), "%d", name->pid);
	if (only && strcmp(only, pid))
		return 0;
	read_command(pid, command, sizeof(command));
	printf("%7s %-15s %5s  door-name:\t", pid, command, "name");
	print_line(name->path);
	return 0;
}

/* Either may be hidden, in a container for example, but hardly both. */
static bool no_module(void)
{
	return access("/sys/module/door", F_OK) && access("/dev/door", F_OK);
}

int cmd_ls(int argc, char **argv)
{
	struct dirent *e;
	int option;
	DIR *dir;

	while ((option = getopt(argc, argv, "p:")) != -1) {
		if (option != 'p')
			return EXIT_USAGE;
		only = optarg;
	}
	if (optind < argc)
		return complain(EXIT_USAGE, argv[optind],
				"unexpected argument");
	if (only && only[strspn(only, "0123456789")])
		return complain(EXIT_USAGE, only, "not a process number");
	if (no_module())
		return complain(EXIT_NO_MODULE, "ls",
				"the door module is not loaded");
	setlocale(LC_CTYPE, "");
	printf("%7s %-15s %5s  %s\n", "PID", "COMMAND", "FD", "DOOR");
	if (only && !list_process(only))
		return complain(EXIT_FAILED, only, strerror(errno));
	dir = only ? NULL : opendir("/proc");
	if (!only && !dir)
		return complain(EXIT_FAILED, "/proc", strerror(errno));
	while (dir && (e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]))
			list_process(e->d_name);
	if (dir)
		closedir(dir);
	return geteuid() ? EXIT_OK : nl_each_name(list_name);
}
