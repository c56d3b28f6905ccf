// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much a connection takes before its reader has read anything, and what it
 * says of that: near enough to what the socket itself takes that a program
 * which counts on being stopped, or on not being stopped, is right.
 */
#include "sock_test.h"

#include <linux/sockios.h>

/* A plain connection to compare with, and what is compared. */
static const struct kind tcp_plain = {.family = AF_INET};
static const struct kind tcp_joined[] = {
	{.family = AF_INET, .srv = true, .cli = true},
	{.family = AF_INET6, .srv = true, .cli = true},
};

static int ask(int fd, unsigned long what)
{
	int n = -1;

	return ioctl(fd, what, &n) ? -errno : n;
}

/**
 * struct room - what is asked for before the first byte
 * @level: of the option, 0 for none
 * @name: the option
 * @value: what it is set to
 */
struct room {
	int level;
	int name;
	int value;
};

static const struct room rooms[] = {
	{0, 0, 0},
	{SOL_SOCKET, SO_SNDBUF, 2048},
	{SOL_SOCKET, SO_SNDBUF, 65536},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384},
	{IPPROTO_TCP, TCP_NOTSENT_LOWAT, 131072},
};

#define N_ROOMS (sizeof(rooms) / sizeof(rooms[0]))

/* All that gets into a connection of a kind: at once, and in the end. */
static void stuff(struct __test_metadata *_metadata, const struct kind *k,
		  const struct room *r, size_t before, size_t *once,
		  size_t *end)
{
	struct pair p;

	pair_open(_metadata, k, &p);
	ASSERT_TRUE(send_all(p.cli, 0, before));
	ASSERT_TRUE(recv_all(p.srv, 0, before));
	if (r->level)
		ASSERT_EQ(0, setopt_int(p.cli, r->level, r->name, r->value));
	*once = send_full(p.cli, before);
	*end = *once + send_stuffed(p.cli, before + *once);
	close(p.cli);
	close(p.srv);
}

/*
 * A plain one takes a little more or less, as its packets fall, and on a busy
 * machine what the reader has room for gets there late.
 */
static void compare(struct __test_metadata *_metadata, const struct room *r,
		    size_t before)
{
	size_t once, end, unused, got;

	stuff(_metadata, &tcp_plain, r, before, &once, &end);
	for (int i = 0; i < 2; i++) {
		stuff(_metadata, &tcp_joined[i], r, before, &unused, &got);
		EXPECT_TRUE(got <= end + end / 4 + 131072 &&
			    got >= once - once / 4)
		{
			TH_LOG("option %d = %d: %zu bytes, plain %zu to %zu",
			       r->name, r->value, got, once, end);
		}
	}
}

TEST(takes_what_the_socket_takes)
{
	for (size_t i = 0; i < N_ROOMS; i++)
		compare(_metadata, &rooms[i], 0);
}

/* An option counts from when it is set, whatever has been sent before. */
TEST(takes_less_when_told_to)
{
	compare(_metadata, &rooms[N_ROOMS - 1], 50000);
}

TEST_F(link_tcp, says_what_it_has_not_sent)
{
	size_t n, taken = 0;

	ASSERT_TRUE(send_all(self->cli, 0, 1000));
	EXPECT_TRUE(wait_for(ask(self->cli, SIOCOUTQNSD) == 0));
	ASSERT_TRUE(recv_all(self->srv, 0, 1000));
	n = send_stuffed(self->cli, 1000);
	/* What has not left is what the reader's own buffer has no room for. */
	EXPECT_GT(ask(self->cli, SIOCOUTQNSD), 0);
	EXPECT_LE(ask(self->cli, SIOCOUTQNSD), ask(self->cli, SIOCOUTQ));
	EXPECT_LT(ask(self->cli, SIOCOUTQ), (int)n);
	ASSERT_TRUE(recv_all(self->srv, 1000, n));
	taken += n;
	EXPECT_TRUE(wait_for(ask(self->cli, SIOCOUTQNSD) == 0))
	{
		TH_LOG("%d after %zu", ask(self->cli, SIOCOUTQNSD), taken);
	}
	EXPECT_TRUE(wait_for(ask(self->cli, SIOCOUTQ) == 0));
}

TEST_F(link_unix, says_not_what_it_has_not_sent)
{
	EXPECT_EQ(-ENOTTY, ask(self->cli, SIOCOUTQNSD));
}

/* As a server does that wants to decide late what it sends. */
static size_t send_while_writable(int fd)
{
	size_t all = 0;
	ssize_t n;

	while (poll_mask(fd, POLLOUT, 300) & POLLOUT) {
		n = send(fd, pattern(all), 4096, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			break;
		all += n;
	}
	return all;
}

TEST_F(link_tcp, is_writable_while_little_is_unsent)
{
	size_t n;

	ASSERT_EQ(0,
		  setopt_int(self->cli, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384));
	n = send_while_writable(self->cli);
	EXPECT_GT(n, 16384U);
	EXPECT_LE(n, 400U << 10);
	/* Room comes back with the reader. */
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_TRUE(wait_for(poll_mask(self->cli, POLLOUT, 0) & POLLOUT));
}

/* AF_UNIX: two messages of half the buffer fill it, whatever was set when. */
TEST_F(link_unix, takes_less_when_told_to)
{
	size_t before, after;

	ASSERT_TRUE(send_all(self->cli, 0, 1000));
	before = send_full(self->cli, 1000);
	ASSERT_GT(before, 0U);
	ASSERT_TRUE(recv_all(self->srv, 0, 1000 + before));
	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_SNDBUF, 16384));
	after = send_full(self->cli, 1000 + before);
	EXPECT_GT(after, 0U);
	EXPECT_LT(after, before / 2)
	{
		TH_LOG("%zu before, %zu after", before, after);
	}
}

SOCK_TEST_MAIN
