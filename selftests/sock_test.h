/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fixtures and helpers of the socket battery. Its one rule: whatever a test
 * states must hold on a socket nobody has touched ("plain"), on a pair joined
 * by a door stream ("door"), and on pairs of which one end only was marked
 * ("client", "server"). The plain variants are the oracle; a test that fails
 * there is a wrong test.
 *
 * Fixtures: port (a listener), link (a connected pair), link_tcp and link_unix
 * (the same for one family). With DOOR_TEST_PLAIN_ONLY=1 in the environment
 * only the plain variants run; without it a missing /dev/door is a failure.
 */
#ifndef SOCK_TEST_H
#define SOCK_TEST_H

#include "sock_util.h"

/* Seconds a test may take. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 20

/**
 * struct kind - how a test's connection is made
 * @family: AF_INET, AF_INET6 or AF_UNIX
 * @pair: by socketpair() instead of listen, connect, accept
 * @srv: the listener is marked
 * @cli: the connecting socket is marked
 */
struct kind {
	int family;
	bool pair;
	bool srv;
	bool cli;
};

#define KIND_ADD(fix, name, fam)                                        \
	FIXTURE_VARIANT_ADD(fix, name##_plain){.k = {.family = (fam)}}; \
	FIXTURE_VARIANT_ADD(fix, name##_door){                          \
		.k = {.family = (fam), .srv = true, .cli = true}};      \
	FIXTURE_VARIANT_ADD(fix, name##_client){                        \
		.k = {.family = (fam), .cli = true}};                   \
	FIXTURE_VARIANT_ADD(fix, name##_server)                         \
	{                                                               \
		.k = {.family = (fam), .srv = true }                    \
	}

#define KIND_ADD_PAIR(fix)                               \
	FIXTURE_VARIANT_ADD(fix, pair_plain){            \
		.k = {.family = AF_UNIX, .pair = true}}; \
	FIXTURE_VARIANT_ADD(fix, pair_door)              \
	{                                                \
		.k = {.family = AF_UNIX,                 \
		      .pair = true,                      \
		      .srv = true,                       \
		      .cli = true }                      \
	}

static inline bool kind_plain(const struct kind *k)
{
	return !k->srv && !k->cli;
}

static inline bool kind_joined(const struct kind *k)
{
	return k->srv && k->cli;
}

/* ---- making connections ------------------------------------------------- */

struct addr {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage ss;
	};
	socklen_t len;
};

static inline void addr_any(struct addr *a, int family)
{
	memset(a, 0, sizeof(*a));
	a->sa.sa_family = family;
	if (family == AF_INET) {
		a->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		a->len = sizeof(a->in);
	} else if (family == AF_INET6) {
		a->in6.sin6_addr = in6addr_loopback;
		a->len = sizeof(a->in6);
	} else {
		/* Autobind: the kernel picks an abstract name. */
		a->len = sizeof(sa_family_t);
	}
}

/* A bound and listening socket of this kind, its address in *a. */
static inline int port_open(struct __test_metadata *_metadata,
			    const struct kind *k, struct addr *a)
{
	int fd = socket(k->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	addr_any(a, k->family);
	ASSERT_EQ(0, bind(fd, &a->sa, a->len));
	a->len = sizeof(a->ss);
	ASSERT_EQ(0, getsockname(fd, &a->sa, &a->len));
	if (k->srv)
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_listen(fd));
	ASSERT_EQ(0, listen(fd, 128));
	return fd;
}

/* A socket of this kind, marked if so, that has not connected yet. */
static inline int client_socket(struct __test_metadata *_metadata,
				const struct kind *k, const struct addr *a)
{
	int fd = socket(k->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ASSERT_GE(fd, 0);
	if (k->cli) {
		ASSERT_EQ(DOOR_SOCK_MARKED,
			  mark_connect(fd, &a->sa, a->len, NULL));
	}
	return fd;
}

static inline int client_open(struct __test_metadata *_metadata,
			      const struct kind *k, const struct addr *a)
{
	int fd = client_socket(_metadata, k, a);

	ASSERT_EQ(0, neg(connect(fd, &a->sa, a->len)));
	return fd;
}

/* What accept() must have made of the two ends; cli may be -1 (unknown). */
static inline void expect_state(struct __test_metadata *_metadata,
				const struct kind *k, int srv, int cli)
{
	int why = 0xcc;

	if (kind_plain(k))
		return;
	if (kind_joined(k)) {
		EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(srv, &why))
		{
			TH_LOG("reason %d", why);
		}
		EXPECT_EQ(DOOR_WHY_NONE, why);
		if (cli >= 0)
			EXPECT_EQ(DOOR_SOCK_JOINED, sock_info(cli, NULL));
		return;
	}
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv, &why));
	EXPECT_EQ(k->srv ? DOOR_WHY_PEER_UNMARKED : DOOR_WHY_NONE, why);
	if (cli < 0)
		return;
	why = DOOR_WHY_NONE;
	/* A marked client knows that it is not joined once it has received. */
	if (sock_info(cli, &why) == DOOR_SOCK_PLAIN && k->cli) {
		EXPECT_EQ(DOOR_WHY_PEER_UNMARKED, why);
	} else {
		EXPECT_EQ(k->cli ? DOOR_SOCK_MARKED : DOOR_SOCK_PLAIN,
			  sock_info(cli, NULL));
	}
}

static inline int server_accept(struct __test_metadata *_metadata,
				const struct kind *k, int lis, int cli)
{
	int fd = accept4(lis, NULL, NULL, SOCK_CLOEXEC);

	ASSERT_GE(fd, 0);
	expect_state(_metadata, k, fd, cli);
	return fd;
}

/* ---- fixtures ----------------------------------------------------------- */

FIXTURE(port)
{
	struct addr addr;
	int lis;
};

FIXTURE_VARIANT(port)
{
	struct kind k;
};

KIND_ADD(port, tcp4, AF_INET);
KIND_ADD(port, tcp6, AF_INET6);
KIND_ADD(port, unix, AF_UNIX);

FIXTURE_SETUP(port)
{
	self->lis = port_open(_metadata, &variant->k, &self->addr);
}

FIXTURE_TEARDOWN(port)
{
	close(self->lis);
}

/* cli connected, srv accepted; of a socketpair, cli is the first. */
struct pair {
	int cli;
	int srv;
};

static inline void pair_open(struct __test_metadata *_metadata,
			     const struct kind *k, struct pair *p)
{
	struct addr a;
	int lis, sv[2];

	if (k->pair) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
					sv));
		if (kind_joined(k))
			ASSERT_EQ(DOOR_SOCK_JOINED, mark_pair(sv[0], sv[1]));
		p->cli = sv[0];
		p->srv = sv[1];
		return;
	}
	lis = port_open(_metadata, k, &a);
	p->cli = client_open(_metadata, k, &a);
	p->srv = server_accept(_metadata, k, lis, p->cli);
	close(lis);
}

#define LINK_FIXTURE(fix)                              \
	FIXTURE(fix)                                   \
	{                                              \
		int cli;                               \
		int srv;                               \
	};                                             \
	FIXTURE_VARIANT(fix)                           \
	{                                              \
		struct kind k;                         \
	};                                             \
	FIXTURE_SETUP(fix)                             \
	{                                              \
		struct pair p;                         \
                                                       \
		pair_open(_metadata, &variant->k, &p); \
		self->cli = p.cli;                     \
		self->srv = p.srv;                     \
	}                                              \
	FIXTURE_TEARDOWN(fix)                          \
	{                                              \
		close(self->cli);                      \
		close(self->srv);                      \
	}

LINK_FIXTURE(link)
KIND_ADD(link, tcp4, AF_INET);
KIND_ADD(link, tcp6, AF_INET6);
KIND_ADD(link, unix, AF_UNIX);
KIND_ADD_PAIR(link);

LINK_FIXTURE(link_tcp)
KIND_ADD(link_tcp, tcp4, AF_INET);
KIND_ADD(link_tcp, tcp6, AF_INET6);

LINK_FIXTURE(link_unix)
KIND_ADD(link_unix, unix, AF_UNIX);
KIND_ADD_PAIR(link_unix);

static const char *const sock_kinds[] = {"tcp4", "tcp6", "unix", "pair"};
static const char *const sock_marks[] = {"door", "client", "server"};

/* The harness, told to leave out the marked variants if so asked. */
static inline int sock_main(int argc, char **argv)
{
	char names[12][16];
	char *args[64];
	int n = 0;

	args[n++] = argv[0];
	if (getenv("DOOR_TEST_PLAIN_ONLY")) {
		for (int i = 0; i < 12; i++) {
			snprintf(names[i], sizeof(names[i]), "%s_%s",
				 sock_kinds[i / 3], sock_marks[i % 3]);
			args[n++] = (char *)"-V";
			args[n++] = names[i];
		}
	}
	for (int i = 1; i < argc && n < 63; i++)
		args[n++] = argv[i];
	args[n] = NULL;
	return test_harness_run(n, args);
}

#define SOCK_TEST_MAIN                        \
	int main(int argc, char **argv)       \
	{                                     \
		return sock_main(argc, argv); \
	}

#endif /* SOCK_TEST_H */
