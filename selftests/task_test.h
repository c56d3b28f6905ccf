/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests see of threads, from outside. */
#ifndef TASK_TEST_H
#define TASK_TEST_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One letter: R, S (sleeping), T (stopped), Z ... */
static inline char state_of(pid_t pid, pid_t tid)
{
	char path[64], line[512], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	f = fopen(path, "r");
	if (!f)
		return state;
	if (fgets(line, sizeof(line), f) && strrchr(line, ')'))
		state = strrchr(line, ')')[2];
	fclose(f);
	return state;
}

/* Counts a process's threads in a state, or 0 for any; sends each a signal. */
static inline int threads(pid_t pid, char state, int sig)
{
	char path[64];
	struct dirent *e;
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		pid_t tid = atoi(e->d_name);

		if (tid <= 0)
			continue;
		n += !state || state_of(pid, tid) == state;
		if (sig)
			syscall(SYS_tgkill, pid, tid, sig);
	}
	if (dir)
		closedir(dir);
	return n;
}

/* The number in the first line of a file that has this form, or -1. */
static inline long number_in(const char *path, const char *format)
{
	FILE *f = fopen(path, "r");
	char line[200];
	long n = -1;

	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, format, &n) != 1)
		;
	if (f)
		fclose(f);
	return n;
}

/* What opens, makes and watches things holds the module: so many of them. */
static inline int module_users(void)
{
	return (int)number_in("/sys/module/door/refcnt", "%ld");
}

#endif /* TASK_TEST_H */
