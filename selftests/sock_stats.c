// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module's own counters, asked over netlink: that a joined pair's bytes
 * really go through the stream, that what is born dies, and that reasons are
 * counted.
 */
#include "sock_test.h"
#include "stats_test.h"

TEST_F(port, bytes_go_through_the_stream)
{
	struct stats a, b;
	int cli, srv;

	if (kind_plain(&variant->k))
		return;
	ASSERT_TRUE(get_stats(&a));
	cli = client_open(_metadata, &variant->k, &self->addr);
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 0, 10000));
	EXPECT_TRUE(recv_all(srv, 0, 10000));
	ASSERT_TRUE(send_all(srv, 0, 5000));
	EXPECT_TRUE(recv_all(cli, 0, 5000));
	ASSERT_TRUE(get_stats(&b));
	if (kind_joined(&variant->k)) {
		EXPECT_EQ(1U, C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED));
		EXPECT_EQ(15000U, C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	} else {
		EXPECT_EQ(0U, C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED));
		EXPECT_EQ(0U, C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	}
	/* The server learns it in accept(), the client from its first bytes. */
	EXPECT_EQ(!kind_joined(&variant->k),
		  (int)(b.why[DOOR_WHY_PEER_UNMARKED] -
			a.why[DOOR_WHY_PEER_UNMARKED]));
	close(cli);
	close(srv);
}

TEST_F(port, what_is_born_dies)
{
	struct stats a, b;
	int cli, srv;

	if (kind_plain(&variant->k))
		return;
	ASSERT_TRUE(get_stats(&a));
	for (int i = 0; i < 20; i++) {
		cli = client_open(_metadata, &variant->k, &self->addr);
		srv = server_accept(_metadata, &variant->k, self->lis, cli);
		ASSERT_TRUE(send_all(cli, 0, 100 * i));
		close(i % 2 ? cli : srv);
		close(i % 2 ? srv : cli);
	}
	/* The last references may go a moment after close(). */
	EXPECT_TRUE(
		wait_for(get_stats(&b) &&
			 C(b, STREAMS_JOINED) - C(a, STREAMS_JOINED) ==
				 C(b, STREAMS_ENDED) - C(a, STREAMS_ENDED)));
	EXPECT_EQ(kind_joined(&variant->k) ? 20U : 0U,
		  C(b, STREAMS_ENDED) - C(a, STREAMS_ENDED));
}

/* A client that is gone before accept() is not taken for one that is elsewhere.
 */
TEST_F(port, client_gone_before_accept)
{
	static const struct linger reset = {.l_onoff = 1};
	struct stats a, b;
	int cli, srv;

	if (!kind_joined(&variant->k))
		return;
	ASSERT_TRUE(get_stats(&a));
	for (int i = 0; i < 10; i++) {
		cli = client_open(_metadata, &variant->k, &self->addr);
		if (i % 2)
			ASSERT_EQ(0, setsockopt(cli, SOL_SOCKET, SO_LINGER,
						&reset, sizeof(reset)));
		close(cli);
		srv = accept(self->lis, NULL, NULL);
		ASSERT_GE(srv, 0);
		close(srv);
	}
	ASSERT_TRUE(get_stats(&b));
	EXPECT_EQ(10U, b.why[DOOR_WHY_PEER_GONE] - a.why[DOOR_WHY_PEER_GONE]);
	EXPECT_EQ(0U,
		  b.why[DOOR_WHY_PEER_UNKNOWN] - a.why[DOOR_WHY_PEER_UNKNOWN]);
}

SOCK_TEST_MAIN
