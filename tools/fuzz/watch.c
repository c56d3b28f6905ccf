// SPDX-License-Identifier: GPL-2.0-only
/*
 * Watching from outside: the kernel's log, the module's objects, processes that
 * do not end.
 */
#include "watch.h"

#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAIL 100
#define LINE 200
#define PATTERNS 64

static int kmsg = -1;
static char tail[TAIL][LINE];
static unsigned int lines;
static regex_t pattern[PATTERNS];
static unsigned int patterns;

/* @splats: the file of lines that mean a bug; the log is read from here on. */
bool watch_init(const char *splats)
{
	FILE *f = fopen(splats, "re");
	char line[LINE];

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f) && patterns < PATTERNS) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || !line[0])
			continue;
		if (regcomp(&pattern[patterns], line, REG_EXTENDED | REG_NOSUB))
			return false;
		patterns++;
	}
	fclose(f);
	kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg < 0)
		return false;
	lseek(kmsg, 0, SEEK_END);
	return patterns > 0;
}

/* Reads on. True, and the line, if one of them means a bug. */
bool watch_log(char *line, size_t size)
{
	char rec[2048], *text;
	bool found = false;
	unsigned int i;
	ssize_t n;

	while ((n = read(kmsg, rec, sizeof(rec) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		if (n < 0)
			continue;
		rec[n] = '\0';
		text = strchr(rec, ';');
		text = text ? text + 1 : rec;
		text[strcspn(text, "\n")] = '\0';
		snprintf(tail[lines++ % TAIL], LINE, "%.199s", text);
		for (i = 0; i < patterns && !found; i++) {
			found = !regexec(&pattern[i], text, 0, NULL, 0);
			if (found)
				snprintf(line, size, "%.199s", text);
		}
	}
	return found;
}

void watch_tail(void)
{
	unsigned int i = lines > TAIL ? lines - TAIL : 0;

	for (; i < lines; i++)
		printf("    %s\n", tail[i % TAIL]);
}

static long long field(const char *json, const char *name)
{
	char key[64];
	const char *p;

	snprintf(key, sizeof(key), "\"%s\":", name);
	p = strstr(json, key);
	return p ? atoll(p + strlen(key)) : -1;
}

/* How many doors and streams there are, and have been, by the module's
 * counters. */
bool objects_alive(char *text, size_t size, bool *none, long long *joined)
{
	FILE *f = popen("build/bin/door stat --json", "re");
	char json[4096] = "";
	long long doors, streams;
	size_t n;

	if (!f)
		return false;
	n = fread(json, 1, sizeof(json) - 1, f);
	json[n] = '\0';
	if (pclose(f) || field(json, "doors_created") < 0)
		return false;
	doors = field(json, "doors_created") - field(json, "doors_destroyed");
	streams = field(json, "streams_joined") - field(json, "streams_ended");
	snprintf(text, size, "%lld doors, %lld streams", doors, streams);
	*joined = field(json, "streams_joined");
	*none = !doors && !streams;
	return true;
}

static bool empty(const char *group)
{
	char path[256], buf[64] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.events", group);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	if (read(fd, buf, sizeof(buf) - 1) < 0)
		buf[0] = '\0';
	close(fd);
	return strstr(buf, "populated 0");
}

/* Kills all that is in there; false if something lives on. */
bool group_end(const char *group, unsigned int ms)
{
	long long end = now_ms() + ms;
	char path[256];

	snprintf(path, sizeof(path), "%s/cgroup.kill", group);
	write_to(path, "1");
	while (!empty(group)) {
		if (now_ms() >= end)
			return false;
		sleep_ms(10);
	}
	return true;
}

static void cat(const char *path)
{
	char buf[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
	close(fd);
}

/* Where the threads of a group hang. */
void show_stacks(const char *group)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		 "for p in $(cat %s/cgroup.procs %s/*/cgroup.procs); do for t "
		 "in "
		 "/proc/$p/task/*; do "
		 "echo \"# $p ${t##*/} $(sed -n 's/^State:.//p' $t/status)\"; "
		 "head -12 $t/stack; done; done 2>/dev/null | head -200",
		 group, group);
	fflush(stdout);
	if (system(cmd))
		cat("/proc/loadavg");
}
