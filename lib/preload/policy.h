/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOOR_PRELOAD_POLICY_H
#define DOOR_PRELOAD_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define POLICY_RULES 64
#define POLICY_TEXT 4096

/* What one rule of a list matches. */
enum policy_kind {
	POLICY_ANY,  /* "*" */
	POLICY_TCP,  /* "tcp:PORTS" */
	POLICY_UNIX, /* "unix:PATTERN" */
};

struct policy_rule {
	enum policy_kind kind;
	unsigned int low, high; /* POLICY_TCP: ports, both included */
	const char *pattern;	/* POLICY_UNIX: not terminated */
	size_t length;
};

/*
 * The text is copied, because programs that change their title write over
 * their environment.
 */
struct policy_list {
	bool broken; /* a rule was not understood, or did not fit */
	unsigned int count;
	struct policy_rule rule[POLICY_RULES];
	char text[POLICY_TEXT];
};

struct policy {
	struct policy_list allow;
	struct policy_list deny;
};

enum policy_verdict {
	POLICY_ELIGIBLE,
	POLICY_FAMILY,	/* neither AF_INET, AF_INET6 nor AF_UNIX */
	POLICY_DENIED,	/* the deny list names it */
	POLICY_MISSING, /* there is an allow list and it does not name it */
	POLICY_BROKEN,	/* a list cannot be read: in doubt, the socket */
};

void policy_parse(struct policy *policy, const char *allow, const char *deny);
bool policy_empty(const struct policy *policy);
bool policy_none(const struct policy *policy);
enum policy_verdict policy_check(const struct policy *policy,
				 const struct sockaddr_storage *addr,
				 socklen_t len);

#endif /* DOOR_PRELOAD_POLICY_H */
