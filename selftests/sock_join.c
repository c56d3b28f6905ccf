// SPDX-License-Identifier: GPL-2.0-only
/*
 * Meeting: bytes sent before accept(), every way to connect and to accept, and
 * the order of bytes across the moment at which the two ends are joined.
 */
#include "sock_test.h"

#define K (&variant->k)
#define TCP (variant->k.family != AF_UNIX)

TEST_F(port, early_data_small)
{
	int cli = client_open(_metadata, K, &self->addr), srv;

	ASSERT_TRUE(send_all(cli, 0, 10));
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 10, 10));
	EXPECT_TRUE(recv_all(srv, 0, 20));
	EXPECT_EQ(0, inq(srv));
	ASSERT_TRUE(send_all(srv, 0, 10));
	EXPECT_TRUE(recv_all(cli, 0, 10));
}

TEST_F(port, early_data_read_piecemeal)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	size_t off = 0, out = 40000;
	uint8_t buf[777];

	ASSERT_TRUE(send_all(cli, 0, out));
	srv = server_accept(_metadata, K, self->lis, cli);
	/* Small reads while more is written: the border is met at odd places.
	 */
	while (off < 120000) {
		ssize_t n;

		if (out < 120000) {
			ASSERT_TRUE(send_all(cli, out, 500));
			out += 500;
		}
		n = recv(srv, buf, sizeof(buf), 0);
		ASSERT_GT(n, 0);
		ASSERT_TRUE(check(buf, off, n));
		off += n;
	}
	EXPECT_EQ(out, off);
}

TEST_F(port, early_data_100k)
{
	int cli = client_open(_metadata, K, &self->addr), srv;

	ASSERT_TRUE(send_all(cli, 0, 100000));
	srv = server_accept(_metadata, K, self->lis, cli);
	EXPECT_EQ(POLLIN, poll_mask(srv, POLLIN, WAIT_MS));
	ASSERT_TRUE(send_all(cli, 100000, 20000));
	EXPECT_TRUE(recv_all(srv, 0, 120000));
}

TEST_F(port, early_data_more_than_fits)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	size_t n = send_full(cli, 0), m;

	ASSERT_GT(n, 0U);
	srv = server_accept(_metadata, K, self->lis, cli);
	m = n + send_full(cli, n);
	EXPECT_TRUE(recv_all(srv, 0, m));
	EXPECT_EQ(POLLOUT, poll_mask(cli, POLLOUT, WAIT_MS));
	ASSERT_TRUE(send_all(cli, m, 30000));
	EXPECT_TRUE(recv_all(srv, m, 30000));
}

static ssize_t bg_send_stream(struct bg *bg)
{
	return send_all(bg->fd, 0, bg->len);
}

TEST_F(port, writer_blocked_across_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	struct bg bg = {.fn = bg_send_stream, .fd = cli, .len = 16 << 20};

	bg_start_asleep(&bg);
	srv = server_accept(_metadata, K, self->lis, cli);
	EXPECT_TRUE(recv_all(srv, 0, bg.len));
	bg_join(&bg);
	EXPECT_EQ(1, bg.ret);
}

TEST_F(port, reader_blocked_across_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	char buf[8] = "";
	struct bg bg = {.fn = bg_recv, .fd = cli, .buf = buf, .len = 8};

	bg_start_asleep(&bg);
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_EQ(6, write(srv, "banner", 6));
	bg_join(&bg);
	EXPECT_EQ(6, bg.ret);
	EXPECT_STREQ("banner", buf);
}

static ssize_t bg_poll(struct bg *bg)
{
	return poll_mask(bg->fd, bg->flags, WAIT_MS);
}

TEST_F(port, poller_blocked_across_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	struct bg bg = {.fn = bg_poll, .fd = cli, .flags = POLLIN};

	bg_start_asleep(&bg);
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_EQ(6, write(srv, "banner", 6));
	bg_join(&bg);
	EXPECT_EQ(POLLIN, bg.ret);
}

TEST_F(port, banner_first)
{
	int cli = client_socket(_metadata, K, &self->addr), srv;
	char buf[32] = "";
	long r;

	ASSERT_TRUE(set_nonblock(cli, true));
	r = neg(connect(cli, &self->addr.sa, self->addr.len));
	if (r)
		ASSERT_EQ(-EINPROGRESS, r);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	ASSERT_EQ(9, write(srv, "220 hello", 9));
	EXPECT_EQ(POLLOUT, poll_mask(cli, POLLOUT, WAIT_MS));
	EXPECT_EQ(0, getopt_int(cli, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(POLLIN, poll_mask(cli, POLLIN, WAIT_MS));
	EXPECT_EQ(9, read(cli, buf, sizeof(buf)));
	EXPECT_STREQ("220 hello", buf);
	ASSERT_EQ(4, write(cli, "HELO", 4));
	EXPECT_EQ(4, read(srv, buf, sizeof(buf)));
	expect_state(_metadata, K, srv, cli);
}

TEST_F(port, both_write_first)
{
	int cli = client_open(_metadata, K, &self->addr), srv;

	ASSERT_TRUE(send_all(cli, 0, 65536));
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_TRUE(send_all(srv, 0, 65536));
	EXPECT_TRUE(recv_all(cli, 0, 65536));
	EXPECT_TRUE(recv_all(srv, 0, 65536));
}

/* Both send 1 MB and read it, non-blocking, driven by poll() alone. */
TEST_F(port, both_write_a_megabyte)
{
	int cli = client_open(_metadata, K, &self->addr);
	size_t out[2] = {0}, in[2] = {0}, len = 1 << 20;
	struct pollfd p[2] = {{.fd = cli}};
	static uint8_t buf[20000];

	ASSERT_TRUE(set_nonblock(cli, true));
	while (out[0] < 60000) {
		ssize_t n = write(cli, pattern(out[0]), 1000);

		ASSERT_GT(n, 0);
		out[0] += n;
	}
	p[1].fd = server_accept(_metadata, K, self->lis, cli);
	ASSERT_TRUE(set_nonblock(p[1].fd, true));
	while (in[0] < len || in[1] < len) {
		for (int i = 0; i < 2; i++) {
			p[i].events = (in[i] < len ? POLLIN : 0) |
				      (out[i] < len ? POLLOUT : 0);
		}
		ASSERT_GT(poll(p, 2, WAIT_MS), 0);
		for (int i = 0; i < 2; i++) {
			size_t left = len - out[i];
			ssize_t n;

			if (p[i].revents & POLLOUT) {
				n = write(p[i].fd, pattern(out[i]),
					  left < 30000 ? left : 30000);
				ASSERT_GT(n, 0);
				out[i] += n;
			}
			if (p[i].revents & POLLIN) {
				n = read(p[i].fd, buf, sizeof(buf));
				ASSERT_GT(n, 0);
				ASSERT_TRUE(check(buf, in[i], n));
				in[i] += n;
			}
		}
	}
}

TEST_F(port, connect_write_close_before_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	char c;

	ASSERT_TRUE(send_all(cli, 0, 5000));
	close(cli);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	if (K->srv)
		EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv, NULL));
	EXPECT_TRUE(recv_all(srv, 0, 5000));
	EXPECT_EQ(0, recv(srv, &c, 1, 0));
	EXPECT_EQ(0, recv(srv, &c, 1, 0));
}

TEST_F(port, connect_close_before_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv, why;

	close(cli);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	EXPECT_EQ(0, recv(srv, &(char){0}, 1, 0));
	if (kind_joined(K)) {
		EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv, &why));
		EXPECT_EQ(DOOR_WHY_PEER_GONE, why);
	}
}

TEST_F(port, half_close_before_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	char c;

	ASSERT_TRUE(send_all(cli, 0, 3000));
	ASSERT_EQ(0, shutdown(cli, SHUT_WR));
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	EXPECT_TRUE(recv_all(srv, 0, 3000));
	EXPECT_EQ(0, recv(srv, &c, 1, 0));
	ASSERT_TRUE(send_all(srv, 0, 50000));
	EXPECT_TRUE(recv_all(cli, 0, 50000));
	close(srv);
	EXPECT_EQ(0, recv(cli, &c, 1, 0));
}

TEST_F(port, reset_before_accept)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	struct linger l = {.l_onoff = 1};

	ASSERT_EQ(0, setsockopt(cli, SOL_SOCKET, SO_LINGER, &l, sizeof(l)));
	ASSERT_TRUE(send_all(cli, 0, 10));
	close(cli);
	srv = accept(self->lis, NULL, NULL);
	ASSERT_GE(srv, 0);
	EXPECT_TRUE(recv_all(srv, 0, 10));
	EXPECT_ERR(TCP ? ECONNRESET : 0, recv(srv, &(char){0}, 1, 0));
	close(srv);
}

TEST_F(port, listener_closed_with_pending)
{
	int cli = client_open(_metadata, K, &self->addr);

	close(self->lis);
	ASSERT_TRUE(wait_for(poll_mask(cli, 0, 0) & POLLHUP));
	EXPECT_ERR(ECONNRESET, recv(cli, &(char){0}, 1, 0));
	EXPECT_EQ(0, recv(cli, &(char){0}, 1, 0));
	close(cli);
}

TEST_F(port, accept_again)
{
	int cli, srv;

	ASSERT_TRUE(set_nonblock(self->lis, true));
	for (int i = 0; i < 3; i++) {
		EXPECT_ERR(EAGAIN, accept(self->lis, NULL, NULL));
		cli = client_open(_metadata, K, &self->addr);
		ASSERT_EQ(POLLIN, poll_mask(self->lis, POLLIN, WAIT_MS));
		srv = accept4(self->lis, NULL, NULL, SOCK_NONBLOCK);
		ASSERT_GE(srv, 0);
		expect_state(_metadata, K, srv, cli);
		EXPECT_EQ(O_NONBLOCK, fcntl(srv, F_GETFL) & O_NONBLOCK);
		EXPECT_EQ(0, fcntl(srv, F_GETFD));
		EXPECT_ERR(EAGAIN, read(srv, &(char){0}, 1));
		close(cli);
		close(srv);
	}
	EXPECT_ERR(EAGAIN, accept(self->lis, NULL, NULL));
	EXPECT_ERR(EINVAL, accept4(self->lis, NULL, NULL, 0x40000000));
}

static ssize_t bg_accept(struct bg *bg)
{
	return accept(bg->fd, NULL, NULL);
}

TEST_F(port, accept_blocks_and_is_interrupted)
{
	struct bg bg = {.fn = bg_accept, .fd = self->lis};
	int cli;

	ASSERT_EQ(0, catch_signal(SIGUSR1, 0));
	bg_start_asleep(&bg);
	ASSERT_EQ(0, pthread_kill(bg.thread, SIGUSR1));
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(EINTR, bg.err);

	bg_start_asleep(&bg);
	cli = client_open(_metadata, K, &self->addr);
	bg_join(&bg);
	ASSERT_GE(bg.ret, 0);
	expect_state(_metadata, K, bg.ret, cli);
	ASSERT_TRUE(send_all(cli, 0, 10));
	EXPECT_TRUE(recv_all(bg.ret, 0, 10));
}

TEST_F(port, accept_times_out)
{
	long long t = now_ms();

	ASSERT_EQ(0, setopt_ms(self->lis, SO_RCVTIMEO, TIMEOUT_MS));
	EXPECT_ERR(EAGAIN, accept(self->lis, NULL, NULL));
	EXPECT_GE(now_ms() - t, TIMEOUT_MS / 2);
}

TEST_F(port, accept_tells_the_peer_name)
{
	int cli = client_open(_metadata, K, &self->addr), srv;
	struct addr a = {.len = sizeof(a.ss)}, b = {.len = sizeof(b.ss)};

	srv = accept(self->lis, &a.sa, &a.len);
	ASSERT_GE(srv, 0);
	ASSERT_EQ(0, getsockname(cli, &b.sa, &b.len));
	EXPECT_EQ(a.len, b.len);
	EXPECT_EQ(0, memcmp(&a.ss, &b.ss, a.len));
	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getpeername(srv, &a.sa, &a.len));
	EXPECT_EQ(0, memcmp(&a.ss, &b.ss, a.len));
	a.len = sizeof(a.ss);
	ASSERT_EQ(0, getpeername(cli, &a.sa, &a.len));
	EXPECT_EQ(0, memcmp(&a.ss, &self->addr.ss, a.len));
	b.len = sizeof(b.ss);
	ASSERT_EQ(0, getsockname(srv, &b.sa, &b.len));
	EXPECT_EQ(0, memcmp(&a.ss, &b.ss, a.len));
}

/* Four processes accept from one listener; each connection echoes. */
TEST_F(port, accept_in_several_processes)
{
	pid_t kid[4];
	char c;

	for (int i = 0; i < 4; i++) {
		kid[i] = fork();
		ASSERT_GE(kid[i], 0);
		if (kid[i])
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;) {
			int s = accept(self->lis, NULL, NULL);

			if (s < 0 || read(s, &c, 1) != 1 ||
			    write(s, &c, 1) != 1)
				_exit(1);
			close(s);
		}
	}
	for (int i = 0; i < 40; i++) {
		int cli = client_open(_metadata, K, &self->addr);

		ASSERT_EQ(1, write(cli, &(char){i}, 1));
		ASSERT_EQ(1, read(cli, &c, 1));
		EXPECT_EQ(i, c);
		EXPECT_EQ(0, read(cli, &c, 1));
		close(cli);
	}
	for (int i = 0; i < 4; i++) {
		EXPECT_EQ(0, waitpid(kid[i], NULL, WNOHANG));
		kill(kid[i], SIGKILL);
		waitpid(kid[i], NULL, 0);
	}
}

TEST_F(port, accepted_in_another_order)
{
	int cli[8], srv[8];
	char c;

	for (int i = 0; i < 8; i++) {
		cli[i] = client_open(_metadata, K, &self->addr);
		ASSERT_EQ(1, write(cli[i], &(char){'a' + i}, 1));
	}
	for (int i = 0; i < 8; i++)
		srv[i] = server_accept(_metadata, K, self->lis, -1);
	for (int i = 7; i >= 0; i--) {
		ASSERT_EQ(1, read(srv[i], &c, 1));
		ASSERT_EQ(1, write(srv[i], &c, 1));
	}
	for (int i = 0; i < 8; i++) {
		ASSERT_EQ(1, read(cli[i], &c, 1));
		EXPECT_EQ('a' + i, c);
	}
}

TEST_F(port, connect_twice)
{
	int cli = client_open(_metadata, K, &self->addr), srv;

	EXPECT_ERR(EISCONN, connect(cli, &self->addr.sa, self->addr.len));
	srv = server_accept(_metadata, K, self->lis, cli);
	EXPECT_ERR(EISCONN, connect(cli, &self->addr.sa, self->addr.len));
	EXPECT_ERR(EINVAL, listen(cli, 1));
	ASSERT_TRUE(send_all(cli, 0, 10));
	EXPECT_TRUE(recv_all(srv, 0, 10));
}

TEST_F(port, connect_refused)
{
	struct addr dead = self->addr;
	int cli, srv, lis;

	/* A name nobody listens on any more. */
	lis = port_open(_metadata, K, &dead);
	close(lis);
	cli = client_socket(_metadata, K, &dead);
	EXPECT_ERR(ECONNREFUSED, connect(cli, &dead.sa, dead.len));
	if (K->cli) {
		ASSERT_EQ(DOOR_SOCK_MARKED, mark_connect(cli, &self->addr.sa,
							 self->addr.len, NULL));
	}
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	srv = server_accept(_metadata, K, self->lis, cli);
	ASSERT_TRUE(send_all(cli, 0, 10));
	EXPECT_TRUE(recv_all(srv, 0, 10));
}

SOCK_TEST_MAIN
