// SPDX-License-Identifier: GPL-2.0-only
/*
 * LINK: lib/preload/policy.c
 *
 * Every rule of the lists, every way to write them wrong, every address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <cmocka.h>

#include "../preload/policy.h"

static struct policy policy;

static enum policy_verdict check_tcp(const char *allow, const char *deny,
				     int port)
{
	struct sockaddr_storage addr = {.ss_family = AF_INET};
	struct sockaddr_in *sin = (struct sockaddr_in *)&addr;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)&addr;
	enum policy_verdict v4, v6;

	policy_parse(&policy, allow, deny);
	sin->sin_port = htons(port);
	v4 = policy_check(&policy, &addr, sizeof(*sin));
	addr.ss_family = AF_INET6;
	sin6->sin6_port = htons(port);
	v6 = policy_check(&policy, &addr, sizeof(*sin6));
	assert_int_equal(v4, v6);
	return v4;
}

/* @length counts the bytes of the name, without a terminator. */
static enum policy_verdict check_unix(const char *allow, const char *deny,
				      const char *name, size_t length)
{
	struct sockaddr_storage addr = {.ss_family = AF_UNIX};
	size_t offset = offsetof(struct sockaddr_un, sun_path);

	policy_parse(&policy, allow, deny);
	memcpy((char *)&addr + offset, name, length);
	return policy_check(&policy, &addr, offset + length);
}

static void no_lists(void **state)
{
	(void)state;
	assert_int_equal(check_tcp(NULL, NULL, 80), POLICY_ELIGIBLE);
	assert_true(policy_empty(&policy));
	assert_int_equal(check_tcp("", "", 0), POLICY_ELIGIBLE);
	assert_true(policy_empty(&policy));
	assert_int_equal(check_unix(NULL, NULL, "", 0), POLICY_ELIGIBLE);
	check_tcp("*", NULL, 1);
	assert_false(policy_empty(&policy));
	check_tcp(NULL, "bad", 1);
	assert_false(policy_empty(&policy));
}

static void families(void **state)
{
	struct sockaddr_storage addr = {.ss_family = AF_NETLINK};

	(void)state;
	policy_parse(&policy, "*", NULL);
	assert_int_equal(policy_check(&policy, &addr, 12), POLICY_FAMILY);
	addr.ss_family = AF_UNSPEC;
	assert_int_equal(policy_check(&policy, &addr, 16), POLICY_FAMILY);
	addr.ss_family = AF_INET;
	assert_int_equal(policy_check(&policy, &addr, 0), POLICY_FAMILY);
	assert_int_equal(policy_check(&policy, &addr, 1), POLICY_FAMILY);
	assert_int_equal(policy_check(&policy, &addr, 15), POLICY_FAMILY);
	assert_int_equal(policy_check(&policy, &addr, 16), POLICY_ELIGIBLE);
	addr.ss_family = AF_INET6;
	assert_int_equal(policy_check(&policy, &addr, 23), POLICY_FAMILY);
	assert_int_equal(policy_check(&policy, &addr, 24), POLICY_ELIGIBLE);
	addr.ss_family = AF_UNIX;
	assert_int_equal(policy_check(&policy, &addr, 2), POLICY_ELIGIBLE);
	assert_int_equal(policy_check(&policy, &addr, sizeof(addr)),
			 POLICY_ELIGIBLE);
}

static void ports(void **state)
{
	(void)state;
	assert_int_equal(check_tcp("tcp:80", NULL, 80), POLICY_ELIGIBLE);
	assert_int_equal(check_tcp("tcp:80", NULL, 81), POLICY_MISSING);
	assert_int_equal(check_tcp("tcp:80-82", NULL, 79), POLICY_MISSING);
	assert_int_equal(check_tcp("tcp:80-82", NULL, 82), POLICY_ELIGIBLE);
	assert_int_equal(check_tcp("tcp:80-82", NULL, 83), POLICY_MISSING);
	assert_int_equal(check_tcp("tcp:*", NULL, 65535), POLICY_ELIGIBLE);
	assert_int_equal(check_tcp("unix:*", NULL, 80), POLICY_MISSING);
	assert_int_equal(check_tcp("unix:*,tcp:80", NULL, 80), POLICY_ELIGIBLE);
	assert_int_equal(check_tcp(NULL, "tcp:80", 80), POLICY_DENIED);
	assert_int_equal(check_tcp(NULL, "tcp:80", 81), POLICY_ELIGIBLE);
	assert_int_equal(check_tcp("tcp:*", "tcp:80", 80), POLICY_DENIED);
	assert_int_equal(check_tcp("*", "*", 80), POLICY_DENIED);
}

static void malformed(void **state)
{
	static const char *const text[] = {
		"tcp",	     "tcp:",	    "tcp:x",
		"tcp:80x",   "tcp:-80",	    "tcp:80-",
		"tcp:0",     "tcp:0-9",	    "tcp:9-8",
		"tcp:65536", "tcp:1-65536", "tcp:99999999999999999999",
		"tcp:1-2-3", "tcp:**",	    "tcp: 80",
		"unix",	     "udp:80",	    "**",
		",",	     "tcp:80,",	    ",tcp:80",
		"tcp:80,,*", " ",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(text) / sizeof(*text); i++) {
		print_message("# %s\n", text[i]);
		assert_int_equal(check_tcp(text[i], NULL, 80), POLICY_BROKEN);
		assert_int_equal(check_tcp(NULL, text[i], 80), POLICY_BROKEN);
		assert_int_equal(check_unix("*", text[i], "", 0),
				 POLICY_BROKEN);
	}
	/* A list that was read badly once leaves nothing behind. */
	assert_int_equal(check_tcp("tcp:80", NULL, 80), POLICY_ELIGIBLE);
}

static void none(void **state)
{
	(void)state;
	check_tcp(NULL, NULL, 80);
	assert_false(policy_none(&policy));
	check_tcp("tcp:80", "tcp:*,unix:*", 80);
	assert_false(policy_none(&policy));
	check_tcp("*", "tcp:80,*", 80);
	assert_true(policy_none(&policy));
	check_tcp("bad", NULL, 80);
	assert_true(policy_none(&policy));
	check_tcp(NULL, "bad", 80);
	assert_true(policy_none(&policy));
}

static void limits(void **state)
{
	char text[POLICY_TEXT + 1];
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < POLICY_RULES; i++)
		n += sprintf(text + n, "%stcp:%zu", i ? "," : "", i + 1);
	assert_int_equal(check_tcp(text, NULL, POLICY_RULES), POLICY_ELIGIBLE);
	strcpy(text + n, ",tcp:1");
	assert_int_equal(check_tcp(text, NULL, 1), POLICY_BROKEN);

	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:", 5);
	text[POLICY_TEXT - 1] = 0;
	assert_int_equal(check_unix(text, NULL, "x", 1), POLICY_MISSING);
	text[POLICY_TEXT - 1] = 'x';
	text[POLICY_TEXT] = 0;
	assert_int_equal(check_unix(text, NULL, "x", 1), POLICY_BROKEN);
}

#define UNIX(list, name) check_unix(list, NULL, name, sizeof(name) - 1)

static void paths(void **state)
{
	(void)state;
	assert_int_equal(UNIX("unix:/run/a", "/run/a"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:/run/a", "/run/a\0junk"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:/run/a", "/run/ab"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:/run/a", "/run/"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:/run/*", "/run/r/s.sock"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:*.sock", "/run/r/s.sock"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:/*/s*k", "/run/r/s.sock"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:/*/s*x", "/run/r/s.sock"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:/r?n", "/run"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:/r?n", "/rn"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:a*b*c", "aXbXbc"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("tcp:*", "/run/a"), POLICY_MISSING);
}

static void names_without_a_file(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

	(void)state;
	assert_int_equal(UNIX("unix:@bus*", "\0bus-1"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:@bus", "\0bus"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:@bus", "\0bus\0"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:/*", "\0bus"), POLICY_MISSING);
	assert_int_equal(UNIX("unix:*", "\0bus"), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:", ""), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:*", ""), POLICY_ELIGIBLE);
	assert_int_equal(UNIX("unix:?*", ""), POLICY_MISSING);
	assert_int_equal(UNIX("unix:", "/run/a"), POLICY_MISSING);

	/* A path may fill the field without a terminator. */
	memset(longest, 'p', sizeof(longest));
	assert_int_equal(
		check_unix("unix:p*p", NULL, longest, sizeof(longest) - 1),
		POLICY_ELIGIBLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_lists),
		cmocka_unit_test(families),
		cmocka_unit_test(ports),
		cmocka_unit_test(malformed),
		cmocka_unit_test(limits),
		cmocka_unit_test(none),
		cmocka_unit_test(paths),
		cmocka_unit_test(names_without_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
