/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Faults on purpose, for kernels that are built for them: the n-th allocation
 * or access to user memory fails that a thread comes to with the module on its
 * stack. Nothing else in the kernel fails.
 */
#ifndef FAULT_TEST_H
#define FAULT_TEST_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* More chances than any operation has. */
#define FAULTS_MAX 300

static inline int fault_write(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, value, strlen(value));
	close(fd);
	return n < 0 ? -1 : 0;
}

static inline int fault_set(const char *kind, const char *what,
			    const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", kind, what);
	return fault_write(path, value);
}

/* From the module's lowest function to its highest. */
static inline int fault_range(char *start, char *end, size_t size)
{
	unsigned long long addr, low = -1ULL, high = 0;
	char line[512], type;
	FILE *f = fopen("/proc/kallsyms", "re");

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		if (!strstr(line, "\t[door]") ||
		    sscanf(line, "%llx %c", &addr, &type) != 2 ||
		    (type != 't' && type != 'T'))
			continue;
		low = addr < low ? addr : low;
		high = addr > high ? addr : high;
	}
	fclose(f);
	snprintf(start, size, "%#llx", low);
	snprintf(end, size, "%#llx", high + 4096);
	return high ? 0 : -1;
}

/* Silent, in the module only, and what may wait fails, too. */
static inline int faults_ready(void)
{
	static const char *const kinds[] = {"failslab", "fail_page_alloc",
					    "fail_usercopy"};
	char start[24], end[24];
	int err = fault_range(start, end, sizeof(start));

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		err |= fault_set(kinds[i], "probability", "0");
		err |= fault_set(kinds[i], "verbose", "0");
		err |= fault_set(kinds[i], "stacktrace-depth", "32");
		err |= fault_set(kinds[i], "require-start", start);
		err |= fault_set(kinds[i], "require-end", end);
	}
	err |= fault_set("failslab", "ignore-gfp-wait", "N");
	err |= fault_set("fail_page_alloc", "ignore-gfp-wait", "N");
	err |= fault_set("fail_page_alloc", "ignore-gfp-highmem", "N");
	err |= fault_set("fail_page_alloc", "min-order", "0");
	return err;
}

static inline pid_t fault_self(void)
{
	return (pid_t)syscall(SYS_gettid);
}

/* The @nth chance of thread @tid from now on is taken. */
static inline int fault_arm(pid_t tid, int nth)
{
	char path[48], value[16];

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	snprintf(value, sizeof(value), "%d", nth);
	return fault_write(path, value);
}

/* Return: whether it was taken; none is from now on. */
static inline int fault_disarm(pid_t tid)
{
	char path[48], value[16] = "";
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fail-nth", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, value, sizeof(value) - 1);
		close(fd);
	}
	fault_arm(tid, 0);
	return n > 0 && !atoi(value);
}

/*
 * The loop of all such tests: its body arms the @n-th fault, does something,
 * disarms, looks, and says in @hit whether there had been an @n-th chance.
 */
#define each_fault(n, hit)     \
	int n = 1, hit = 1;    \
	hit &&n <= FAULTS_MAX; \
	n++

#endif /* FAULT_TEST_H */
