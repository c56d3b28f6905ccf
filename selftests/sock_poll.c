// SPDX-License-Identifier: GPL-2.0-only
/* The exact readiness mask in every state, through every call that shows it. */
#include "sock_test.h"

#include <sys/epoll.h>
#include <sys/select.h>

/*
 * The mask of fd once it has become what is wanted; poll(), ppoll(), select()
 * and a fresh epoll instance must agree on it.
 */
static int mask_settled(struct __test_metadata *_metadata, int fd, int want)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLPRI |
					   EPOLLRDHUP};
	struct pollfd p = {.fd = fd, .events = POLL_ALL};
	int ep = epoll_create1(EPOLL_CLOEXEC), mask;
	struct timeval tv = {0};
	struct timespec ts = {0};
	fd_set r, w;

	wait_for(poll_mask(fd, POLL_ALL, 0) == want);
	mask = poll_mask(fd, POLL_ALL, 0);
	EXPECT_EQ(want != 0, ppoll(&p, 1, &ts, NULL));
	EXPECT_EQ(want, p.revents);
	EXPECT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
	ev.events = 0;
	EXPECT_EQ(want != 0, epoll_wait(ep, &ev, 1, 0));
	EXPECT_EQ((uint32_t)want, ev.events);
	close(ep);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_SET(fd, &r);
	FD_SET(fd, &w);
	EXPECT_LE(0, select(fd + 1, &r, &w, NULL, &tv));
	EXPECT_EQ(!!(want & (POLLIN | POLLHUP | POLLERR)), !!FD_ISSET(fd, &r));
	EXPECT_EQ(!!(want & (POLLOUT | POLLERR)), !!FD_ISSET(fd, &w));
	return mask;
}

#define EXPECT_MASK(want, fd) EXPECT_EQ(want, mask_settled(_metadata, fd, want))

#define IN POLLIN
#define OUT POLLOUT
#define RDHUP POLLRDHUP
#define HUP POLLHUP
#define ERR POLLERR

TEST_F(link, mask_idle_data_full)
{
	size_t n;

	EXPECT_MASK(OUT, self->cli);
	EXPECT_MASK(OUT, self->srv);
	ASSERT_EQ(3, write(self->cli, pattern(0), 3));
	EXPECT_MASK(IN | OUT, self->srv);
	EXPECT_MASK(OUT, self->cli);
	n = 3 + send_stuffed(self->cli, 3);
	EXPECT_MASK(0, self->cli);
	EXPECT_MASK(IN | OUT, self->srv);
	ASSERT_EQ(1, write(self->srv, "r", 1));
	EXPECT_MASK(IN, self->cli);
	EXPECT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_MASK(IN | OUT, self->cli);
	EXPECT_MASK(OUT, self->srv);
}

TEST_F(link, mask_peer_shut_wr)
{
	ASSERT_EQ(2, write(self->cli, pattern(0), 2));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_MASK(IN | OUT | RDHUP, self->srv);
	EXPECT_TRUE(recv_all(self->srv, 0, 2));
	EXPECT_MASK(IN | OUT | RDHUP, self->srv);
	EXPECT_MASK(OUT, self->cli);
	ASSERT_EQ(1, write(self->srv, "b", 1));
	EXPECT_MASK(IN | OUT, self->cli);
}

TEST_F(link, mask_own_shut_rd)
{
	ASSERT_EQ(0, shutdown(self->srv, SHUT_RD));
	EXPECT_MASK(IN | OUT | RDHUP, self->srv);
	EXPECT_MASK(OUT, self->cli);
}

TEST_F(link, mask_both_shut)
{
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_MASK(IN | OUT | RDHUP | HUP, self->cli);
	EXPECT_MASK(IN | OUT | RDHUP | HUP, self->srv);
}

TEST_F(link, mask_own_shut_rdwr)
{
	ASSERT_EQ(0, shutdown(self->srv, SHUT_RDWR));
	EXPECT_MASK(IN | OUT | RDHUP | HUP, self->srv);
	EXPECT_MASK(IN | OUT | RDHUP | (variant->k.family == AF_UNIX ? HUP : 0),
		    self->cli);
}

TEST_F(link, mask_peer_closed)
{
	int hup = variant->k.family == AF_UNIX ? HUP : 0;

	ASSERT_EQ(2, write(self->cli, pattern(0), 2));
	close(self->cli);
	EXPECT_MASK(IN | OUT | RDHUP | hup, self->srv);
	EXPECT_TRUE(recv_all(self->srv, 0, 2));
	EXPECT_MASK(IN | OUT | RDHUP | hup, self->srv);
}

TEST_F(link, mask_peer_closed_unread)
{
	char c;

	ASSERT_EQ(2, write(self->srv, pattern(0), 2));
	ASSERT_TRUE(wait_for(inq(self->cli) == 2));
	close(self->cli);
	EXPECT_MASK(IN | OUT | ERR | RDHUP | HUP, self->srv);
	EXPECT_ERR(ECONNRESET, recv(self->srv, &c, 1, 0));
	EXPECT_MASK(IN | OUT | RDHUP | HUP, self->srv);
}

TEST_F(link, mask_full_then_peer_closed)
{
	ASSERT_GT(send_stuffed(self->cli, 0), 0U);
	EXPECT_MASK(0, self->cli);
	close(self->srv);
	EXPECT_MASK(IN | OUT | ERR | RDHUP | HUP, self->cli);
}

TEST_F(port, mask_listener)
{
	int cli, srv;

	EXPECT_MASK(0, self->lis);
	cli = client_open(_metadata, &variant->k, &self->addr);
	EXPECT_MASK(IN, self->lis);
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	EXPECT_MASK(0, self->lis);
	close(cli);
	close(srv);
}

TEST_F(port, mask_before_connect)
{
	int cli = client_socket(_metadata, &variant->k, &self->addr), srv;

	EXPECT_MASK(OUT | HUP, cli);
	ASSERT_EQ(0, connect(cli, &self->addr.sa, self->addr.len));
	EXPECT_MASK(OUT, cli);
	ASSERT_EQ(1, write(cli, "a", 1));
	srv = server_accept(_metadata, &variant->k, self->lis, cli);
	EXPECT_MASK(IN | OUT, srv);
	close(cli);
	EXPECT_EQ(1, read(srv, &(char){0}, 1));
	close(srv);
}

static int epoll_with(int fd, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.fd = fd};
	int ep = epoll_create1(EPOLL_CLOEXEC);

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) ? -1 : ep;
}

static int ep_next(int ep, int timeout)
{
	struct epoll_event ev = {0};
	int n = epoll_wait(ep, &ev, 1, timeout);

	return n == 1 ? (int)ev.events : n;
}

TEST_F(link, epoll_edge)
{
	int ep = epoll_with(self->srv, EPOLLIN | EPOLLET);
	size_t n;

	ASSERT_GE(ep, 0);
	EXPECT_EQ(0, ep_next(ep, 0));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(1, write(self->cli, "a", 1));
		EXPECT_EQ(EPOLLIN, ep_next(ep, WAIT_MS));
		EXPECT_EQ(0, ep_next(ep, 0));
	}
	ASSERT_EQ(3, read(self->srv, (char[8]){0}, 8));
	EXPECT_EQ(0, ep_next(ep, 0));
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(EPOLLIN, ep_next(ep, WAIT_MS));
	ASSERT_EQ(1, read(self->srv, (char[8]){0}, 8));
	close(ep);

	ep = epoll_with(self->cli, EPOLLOUT | EPOLLET);
	EXPECT_EQ(EPOLLOUT, ep_next(ep, WAIT_MS));
	n = send_full(self->cli, 0);
	while (ep_next(ep, 0) > 0)
		EXPECT_EQ(0, poll_mask(self->cli, POLLOUT, 0));
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_EQ(EPOLLOUT, ep_next(ep, WAIT_MS));
	close(ep);
}

TEST_F(link, epoll_edge_eof)
{
	int ep = epoll_with(self->srv, EPOLLIN | EPOLLRDHUP | EPOLLET);

	EXPECT_EQ(0, ep_next(ep, 0));
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(EPOLLIN, ep_next(ep, WAIT_MS));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(EPOLLIN | EPOLLRDHUP, ep_next(ep, WAIT_MS));
	close(ep);
}

TEST_F(link, epoll_oneshot)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT};
	int ep = epoll_with(self->srv, EPOLLIN | EPOLLONESHOT);

	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(EPOLLIN, ep_next(ep, WAIT_MS));
	ASSERT_EQ(1, write(self->cli, "b", 1));
	ASSERT_TRUE(wait_for(inq(self->srv) == 2));
	EXPECT_EQ(0, ep_next(ep, 0));
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, self->srv, &ev));
	EXPECT_EQ(EPOLLIN, ep_next(ep, 0));
	EXPECT_EQ(0, ep_next(ep, 0));
	close(ep);
}

TEST_F(link, epoll_nested)
{
	int in = epoll_with(self->srv, EPOLLIN);
	int mid = epoll_with(in, EPOLLIN);
	int out = epoll_with(mid, EPOLLIN | EPOLLET);

	ASSERT_GE(out, 0);
	EXPECT_EQ(0, ep_next(out, 0));
	EXPECT_EQ(0, poll_mask(mid, POLLIN, 0));
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(EPOLLIN, ep_next(out, WAIT_MS));
	EXPECT_EQ(EPOLLIN, ep_next(mid, 0));
	EXPECT_EQ(EPOLLIN, ep_next(in, 0));
	EXPECT_EQ(POLLIN, poll_mask(mid, POLLIN, 0));
	ASSERT_EQ(1, read(self->srv, (char[2]){0}, 2));
	EXPECT_EQ(0, ep_next(in, 0));
	EXPECT_EQ(0, poll_mask(mid, POLLIN, 0));
	close(out);
	close(mid);
	close(in);
}

TEST_F(link, epoll_survives_dup_and_close)
{
	int ep = epoll_with(self->srv, EPOLLIN), d = dup(self->srv);

	close(self->srv);
	self->srv = d;
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(EPOLLIN, ep_next(ep, WAIT_MS));
	close(ep);
}

static ssize_t bg_epoll(struct bg *bg)
{
	return ep_next(bg->fd, WAIT_MS);
}

static ssize_t bg_poll(struct bg *bg)
{
	return poll_mask(bg->fd, bg->flags, WAIT_MS);
}

static ssize_t bg_select(struct bg *bg)
{
	struct timeval tv = {.tv_sec = WAIT_MS / 1000};
	fd_set s;

	FD_ZERO(&s);
	FD_SET(bg->fd, &s);
	return bg->flags == POLLIN ? select(bg->fd + 1, &s, NULL, NULL, &tv)
				   : select(bg->fd + 1, NULL, &s, NULL, &tv);
}

TEST_F(link, sleepers_wake_for_data)
{
	int ep = epoll_with(self->srv, EPOLLIN);
	struct bg bg[3] = {{.fn = bg_epoll, .fd = ep},
			   {.fn = bg_poll, .fd = self->srv, .flags = POLLIN},
			   {.fn = bg_select, .fd = self->srv, .flags = POLLIN}};

	for (int i = 0; i < 3; i++)
		bg_start_asleep(&bg[i]);
	ASSERT_EQ(1, write(self->cli, "a", 1));
	for (int i = 0; i < 3; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(1, bg[i].ret);
	}
	close(ep);
}

TEST_F(link, sleepers_wake_for_room)
{
	size_t n = send_stuffed(self->cli, 0);
	int ep = epoll_with(self->cli, EPOLLOUT);
	struct bg bg[3] = {
		{.fn = bg_epoll, .fd = ep},
		{.fn = bg_poll, .fd = self->cli, .flags = POLLOUT},
		{.fn = bg_select, .fd = self->cli, .flags = POLLOUT}};

	for (int i = 0; i < 3; i++)
		bg_start_asleep(&bg[i]);
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	for (int i = 0; i < 3; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(i == 2 ? 1 : POLLOUT, bg[i].ret);
	}
	close(ep);
}

/* Nor need a send have failed: poll() is asked first, and says no. */
TEST_F(link, who_asks_before_it_sends_wakes_for_room)
{
	struct bg bg = {.fn = bg_poll, .fd = self->cli, .flags = POLLOUT};
	size_t n = 0;

	while (poll_mask(self->cli, POLLOUT, 0) == POLLOUT && n < 64 << 20) {
		ASSERT_EQ(100, send(self->cli, pattern(n), 100, MSG_DONTWAIT));
		n += 100;
	}
	/* TCP may find some room after all. */
	if (kind_joined(&variant->k))
		bg_start_asleep(&bg);
	else
		bg_start(&bg);
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	bg_join(&bg);
	EXPECT_EQ(POLLOUT, bg.ret);
}

TEST_F(link, sleepers_wake_for_eof)
{
	for (int how = 0; how < 2; how++) {
		struct bg bg[2] = {
			{.fn = bg_poll, .fd = self->srv, .flags = POLLRDHUP},
			{.fn = bg_select, .fd = self->srv, .flags = POLLIN}};

		for (int i = 0; i < 2; i++)
			bg_start_asleep(&bg[i]);
		if (how == 0)
			shutdown(self->cli, SHUT_WR);
		else
			close(self->cli);
		for (int i = 0; i < 2; i++) {
			bg_join(&bg[i]);
			EXPECT_GT(bg[i].ret, 0);
		}
		close(self->srv);
		pair_open(_metadata, &variant->k, (struct pair *)self);
	}
}

TEST_F(port, epoll_exclusive_listener)
{
	int ep[2] = {epoll_with(self->lis, EPOLLIN | EPOLLEXCLUSIVE),
		     epoll_with(self->lis, EPOLLIN | EPOLLEXCLUSIVE)};
	struct bg bg[2] = {{.fn = bg_epoll, .fd = ep[0]},
			   {.fn = bg_epoll, .fd = ep[1]}};
	int fd[2], srv[2];

	for (int i = 0; i < 2; i++)
		bg_start_asleep(&bg[i]);
	for (int i = 0; i < 2; i++)
		fd[i] = client_open(_metadata, &variant->k, &self->addr);
	for (int i = 0; i < 2; i++) {
		bg_join(&bg[i]);
		EXPECT_EQ(EPOLLIN, bg[i].ret);
	}
	for (int i = 0; i < 2; i++)
		srv[i] = server_accept(_metadata, &variant->k, self->lis, -1);
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		close(srv[i]);
		close(ep[i]);
	}
}

static bool got_io(int sig, int fd, int band)
{
	struct timespec ts = {.tv_sec = WAIT_MS / 1000};
	siginfo_t si;
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	while (sigtimedwait(&s, &si, &ts) == sig) {
		if (si.si_fd == fd && (si.si_band & band) == band)
			return true;
	}
	return false;
}

TEST_F(link, sigio)
{
	int sig = SIGRTMIN + 2;
	sigset_t s;
	size_t n;

	sigemptyset(&s);
	sigaddset(&s, sig);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &s, NULL));
	ASSERT_EQ(0, fcntl(self->srv, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->srv, F_SETSIG, sig));
	ASSERT_EQ(0, fcntl(self->srv, F_SETFL, O_ASYNC | O_NONBLOCK));
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_TRUE(got_io(sig, self->srv, POLLIN));
	ASSERT_EQ(1, read(self->srv, (char[2]){0}, 2));
	ASSERT_EQ(1, write(self->cli, "b", 1));
	EXPECT_TRUE(got_io(sig, self->srv, POLLIN));
	ASSERT_EQ(1, read(self->srv, (char[2]){0}, 2));
	n = send_full(self->srv, 0);
	ASSERT_TRUE(recv_all(self->cli, 0, n));
	EXPECT_TRUE(got_io(sig, self->srv, POLLOUT));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(got_io(sig, self->srv, POLLIN));
	EXPECT_EQ(0, read(self->srv, (char[2]){0}, 2));
}

/* Who waits in a receive is not sent a signal for what ends the wait. */
TEST_F(link, sigio_spares_who_waits)
{
	int sig = SIGRTMIN + 2, rounds = 40, signals = 0;
	struct timespec none = {0};
	char c;
	struct bg bg = {.fn = bg_recv, .fd = self->srv, .buf = &c, .len = 1};
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	ASSERT_EQ(0, sigprocmask(SIG_BLOCK, &s, NULL));
	ASSERT_EQ(0, fcntl(self->srv, F_SETOWN, getpid()));
	ASSERT_EQ(0, fcntl(self->srv, F_SETSIG, sig));
	ASSERT_EQ(0, fcntl(self->srv, F_SETFL, O_ASYNC));
	for (int i = 0; i < rounds; i++) {
		bg_start_asleep(&bg);
		ASSERT_EQ(1, write(self->cli, "a", 1));
		bg_join(&bg);
		ASSERT_EQ(1, bg.ret);
		signals += sigtimedwait(&s, NULL, &none) == sig;
	}
	/* Who has been woken may be gone before the sender looks. */
	EXPECT_LT(signals, rounds);
	ASSERT_EQ(1, write(self->cli, "b", 1));
	EXPECT_TRUE(got_io(sig, self->srv, POLLIN));
}

SOCK_TEST_MAIN
