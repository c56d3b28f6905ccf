// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Say: the lines of DOOR_DEBUG=1. Each is put together on the stack and written
 * with one system call, so that lines of threads and processes do not mix.
 */
#include "say.h"

#include "ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct line {
	char text[320];
	size_t length;
};

static void add_bytes(struct line *line, const char *s, size_t n)
{
	size_t room = sizeof(line->text) - line->length;

	if (n > room)
		n = room;
	memcpy(line->text + line->length, s, n);
	line->length += n;
}

static void add_text(struct line *line, const char *s)
{
	add_bytes(line, s, strlen(s));
}

static void add_number(struct line *line, long number)
{
	char digits[24], *s = digits + sizeof(digits);
	unsigned long n =
		number < 0 ? -(unsigned long)number : (unsigned long)number;

	do
		*--s = '0' + n % 10;
	while (n /= 10);
	if (number < 0)
		*--s = '-';
	add_bytes(line, s, digits + sizeof(digits) - s);
}

static void add_inet(struct line *line, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *sin = (const struct sockaddr_in *)addr;
	char text[INET6_ADDRSTRLEN] = "?";

	if (addr->ss_family == AF_INET) {
		inet_ntop(AF_INET, &sin->sin_addr, text, sizeof(text));
		add_text(line, " tcp ");
		add_text(line, text);
		add_text(line, ":");
		add_number(line, ntohs(sin->sin_port));
	} else {
		inet_ntop(AF_INET6, &sin6->sin6_addr, text, sizeof(text));
		add_text(line, " tcp [");
		add_text(line, text);
		add_text(line, "]:");
		add_number(line, ntohs(sin6->sin6_port));
	}
}

/* Names are any bytes: those that would spoil a line or a terminal become '?'.
 */
static void add_unix(struct line *line, const struct sockaddr_storage *addr,
		     socklen_t len)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)addr;
	size_t i, n = len - offsetof(struct sockaddr_un, sun_path);
	char name[sizeof(sun->sun_path)];

	if (n > sizeof(name))
		n = sizeof(name);
	memcpy(name, sun->sun_path, n);
	if (n && !name[0])
		name[0] = '@';
	else
		n = strnlen(name, n);
	for (i = 0; i < n; i++)
		if (name[i] < ' ' || name[i] > '~')
			name[i] = '?';
	add_text(line, " unix");
	add_text(line, n ? " " : "");
	add_bytes(line, name, n);
}

/* @addr may be NULL; @reason may be NULL. */
void say_socket(int fd, const char *what, const struct sockaddr_storage *addr,
		socklen_t len, const char *outcome, const char *reason)
{
	struct line line = {.length = 0};
	int saved = errno;

	add_text(&line, "door[");
	add_number(&line, syscall(SYS_getpid));
	add_text(&line, "]: fd ");
	add_number(&line, fd);
	add_text(&line, ": ");
	add_text(&line, what);
	if (addr && addr->ss_family == AF_UNIX)
		add_unix(&line, addr, len);
	else if (addr)
		add_inet(&line, addr);
	add_text(&line, ": ");
	add_text(&line, outcome);
	add_text(&line, reason ? ": " : "");
	add_text(&line, reason ? reason : "");
	add_text(&line, "\n");
	ask_write(line.text, line.length);
	errno = saved;
}
