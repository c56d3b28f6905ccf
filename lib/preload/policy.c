// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Policy: may this address have a door? Pure code on its arguments: no system
 * call, no allocation, no static state, so that it may run in a constructor
 * (policy_parse) and in a signal handler (policy_check).
 *
 * A list is rules separated by commas. An empty or missing list is no list.
 * The deny list wins. See libdoor-preload(7) for the rules' text.
 */
#include "policy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

/* Reads decimal digits, one at least; returns where they end, or NULL. */
static const char *parse_port(unsigned int *port, const char *s,
			      const char *end)
{
	const char *start = s;

	for (*port = 0; s < end && *s >= '0' && *s <= '9'; s++) {
		*port = *port * 10 + (*s - '0');
		if (*port > 65535)
			return NULL;
	}
	return s > start ? s : NULL;
}

/* Reads "80", "80-89" or "*", and nothing after it. */
static bool parse_ports(struct policy_rule *rule, const char *s,
			const char *end)
{
	if (end - s == 1 && *s == '*') {
		rule->high = 65535;
		return true;
	}
	s = parse_port(&rule->low, s, end);
	rule->high = rule->low;
	if (s && s < end && *s == '-')
		s = parse_port(&rule->high, s + 1, end);
	return s == end && rule->low && rule->low <= rule->high;
}

static bool parse_rule(struct policy_rule *rule, const char *s, const char *end)
{
	memset(rule, 0, sizeof(*rule));
	if (end - s == 1 && *s == '*') {
		rule->kind = POLICY_ANY;
		return true;
	}
	if (end - s > 4 && !memcmp(s, "tcp:", 4)) {
		rule->kind = POLICY_TCP;
		return parse_ports(rule, s + 4, end);
	}
	if (end - s >= 5 && !memcmp(s, "unix:", 5)) {
		rule->kind = POLICY_UNIX;
		rule->pattern = s + 5;
		rule->length = end - rule->pattern;
		return true;
	}
	return false;
}

static void parse_list(struct policy_list *list, const char *text)
{
	size_t length = text ? strlen(text) : 0;
	const char *s = list->text, *end;

	list->broken = length >= sizeof(list->text);
	list->count = 0;
	if (!length || list->broken)
		return;
	memcpy(list->text, text, length + 1);
	for (;;) {
		end = strchrnul(s, ',');
		if (list->count == POLICY_RULES ||
		    !parse_rule(&list->rule[list->count], s, end)) {
			list->broken = true;
			return;
		}
		list->count++;
		if (!*end)
			return;
		s = end + 1;
	}
}

/* Fills the lists from the text of the environment; NULL is an unset variable.
 */
void policy_parse(struct policy *policy, const char *allow, const char *deny)
{
	parse_list(&policy->allow, allow);
	parse_list(&policy->deny, deny);
}

static bool list_empty(const struct policy_list *list)
{
	return !list->count && !list->broken;
}

/* Whether every address is eligible, so that none has to be looked at. */
bool policy_empty(const struct policy *policy)
{
	return list_empty(&policy->allow) && list_empty(&policy->deny);
}

/* Whether no address is eligible, so that none has to be looked at. */
bool policy_none(const struct policy *policy)
{
	unsigned int i;

	for (i = 0; i < policy->deny.count; i++)
		if (policy->deny.rule[i].kind == POLICY_ANY)
			return true;
	return policy->allow.broken || policy->deny.broken;
}

/* Shell pattern without classes: '*' any bytes, '/' included, '?' any one. */
static bool match_pattern(const char *p, const char *pend, const char *s,
			  const char *end)
{
	const char *star = NULL, *retry = NULL;

	while (s < end) {
		if (p < pend && *p == '*') {
			star = p++;
			retry = s;
		} else if (p < pend && (*p == '?' || *p == *s)) {
			p++;
			s++;
		} else if (star) {
			p = star + 1;
			s = ++retry;
		} else {
			return false;
		}
	}
	while (p < pend && *p == '*')
		p++;
	return p == pend;
}

static bool match_unix(const struct policy_rule *rule,
		       const struct sockaddr_storage *addr, socklen_t len)
{
	const struct sockaddr_un *sun = (const struct sockaddr_un *)addr;
	size_t offset = offsetof(struct sockaddr_un, sun_path);
	size_t length = len > offset ? len - offset : 0;
	char name[sizeof(sun->sun_path)];

	if (length > sizeof(name))
		length = sizeof(name);
	memcpy(name, sun->sun_path, length);
	/* An abstract name is every byte of its length, written with an @. */
	if (length && !name[0])
		name[0] = '@';
	else
		length = strnlen(name, length);
	return match_pattern(rule->pattern, rule->pattern + rule->length, name,
			     name + length);
}

static bool match_tcp(const struct policy_rule *rule,
		      const struct sockaddr_storage *addr)
{
	unsigned int port;

	if (addr->ss_family == AF_INET)
		port = ntohs(((const struct sockaddr_in *)addr)->sin_port);
	else
		port = ntohs(((const struct sockaddr_in6 *)addr)->sin6_port);
	return rule->low <= port && port <= rule->high;
}

static bool match_list(const struct policy_list *list,
		       const struct sockaddr_storage *addr, socklen_t len)
{
	unsigned int i;

	for (i = 0; i < list->count; i++) {
		const struct policy_rule *rule = &list->rule[i];

		if (rule->kind == POLICY_ANY)
			return true;
		if (rule->kind == POLICY_UNIX && addr->ss_family == AF_UNIX &&
		    match_unix(rule, addr, len))
			return true;
		if (rule->kind == POLICY_TCP && addr->ss_family != AF_UNIX &&
		    match_tcp(rule, addr))
			return true;
	}
	return false;
}

static socklen_t least_length(sa_family_t family)
{
	switch (family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return offsetof(struct sockaddr_in6, sin6_scope_id);
	default:
		return sizeof(family);
	}
}

/* What the lists say about @addr, of which @len bytes are valid. */
enum policy_verdict policy_check(const struct policy *policy,
				 const struct sockaddr_storage *addr,
				 socklen_t len)
{
	sa_family_t family =
		len >= sizeof(family) ? addr->ss_family : AF_UNSPEC;

	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return POLICY_FAMILY;
	if (len < least_length(family))
		return POLICY_FAMILY;
	if (policy->allow.broken || policy->deny.broken)
		return POLICY_BROKEN;
	if (match_list(&policy->deny, addr, len))
		return POLICY_DENIED;
	if (policy->allow.count && !match_list(&policy->allow, addr, len))
		return POLICY_MISSING;
	return POLICY_ELIGIBLE;
}
