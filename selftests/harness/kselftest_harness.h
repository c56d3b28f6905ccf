/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's harness, found before it: only that the seconds it gives each
 * test are as many times longer as the machine is slower.
 */
#include <stdlib.h>
#include <unistd.h>

/* How many times longer anything may take here; selftests/run.sh finds that
 * out. */
static inline int slow(void)
{
	const char *s = getenv("SLOW");
	int times = s ? atoi(s) : 1;

	return times > 1 ? times : 1;
}

static inline unsigned int patient_alarm(unsigned int seconds)
{
	return alarm(seconds * slow());
}

#define alarm patient_alarm
#include_next <kselftest_harness.h>
#undef alarm
