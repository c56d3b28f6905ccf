// SPDX-License-Identifier: GPL-2.0-only
/*
 * Oracle: what the bytes of a stream must be, and the first sentence about what
 * they are not.
 */
#include "fuzz.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first to fail is heard; those after it see what it has broken. */
void oracle_fail(struct round *r, const char *fmt, ...)
{
	long long end;
	va_list ap;

	if (atomic_fetch_add(&r->sh->said, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(r->sh->sentence, sizeof(r->sh->sentence), fmt, ap);
	va_end(ap);
	r->sh->failed = 1;
	/* Nothing is to change before it has been looked at. */
	end = now_ms() + 10000;
	while (getpid() != r->sh->judge && !r->sh->shown && now_ms() < end)
		sleep_ms(10);
}

static inline uint64_t word(uint64_t key, uint64_t index)
{
	return mix64(key + index * 0xd1342543de82ef95ULL);
}

/* Each byte follows from the stream it belongs to and its place there. */
void pattern_fill(void *buf, uint64_t key, uint64_t pos, size_t n)
{
	uint8_t *p = buf;

	while (n) {
		uint64_t w = word(key, pos / 8);
		size_t off = pos % 8, len = 8 - off < n ? 8 - off : n;

		memcpy(p, (uint8_t *)&w + off, len);
		p += len;
		pos += len;
		n -= len;
	}
}

/* How many bytes are right. */
size_t pattern_check(const void *buf, uint64_t key, uint64_t pos, size_t n)
{
	const uint8_t *p = buf;
	size_t done = 0;

	while (done < n) {
		uint64_t w = word(key, pos / 8);
		size_t off = pos % 8,
		       len = 8 - off < n - done ? 8 - off : n - done;
		size_t i;

		if (memcmp(p + done, (uint8_t *)&w + off, len)) {
			for (i = 0; p[done + i] == ((uint8_t *)&w)[off + i];
			     i++)
				;
			return done + i;
		}
		done += len;
		pos += len;
	}
	return n;
}

void hex(char *to, size_t size, const void *from, size_t n)
{
	const uint8_t *p = from;
	size_t i;

	*to = '\0';
	for (i = 0; i < n && (i + 1) * 3 < size; i++)
		snprintf(to + i * 3, size - i * 3, "%02x ", p[i]);
}
