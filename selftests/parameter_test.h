/* SPDX-License-Identifier: GPL-2.0-only */
/* The module's parameters, as text. */
#ifndef PARAMETER_TEST_H
#define PARAMETER_TEST_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static inline int parameter_open(const char *name, int flags)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/module/door/parameters/%s", name);
	return open(path, flags | O_CLOEXEC);
}

/* False if there is none of that name. */
static inline bool get_parameter(const char *name, char *value, size_t size)
{
	int fd = parameter_open(name, O_RDONLY);
	ssize_t n = read(fd, value, size - 1);

	close(fd);
	value[n > 0 ? n : 0] = 0;
	return n > 0;
}

static inline bool set_parameter(const char *name, const char *value)
{
	int fd = parameter_open(name, O_WRONLY);
	bool ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);

	close(fd);
	return ok;
}

#endif /* PARAMETER_TEST_H */
