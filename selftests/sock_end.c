// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a connection ends, as the other end sees it. Of a joined one every packet
 * is dropped from the join on: a firewall may have forgotten the connection,
 * because it sees nothing of it. Its end has to get there all the same, and to
 * look like that of a plain connection whose packets arrive.
 */
#include "sock_test.h"

#include "stall_test.h"

#define CUT_OFF                                          \
	do {                                             \
		if (kind_joined(&variant->k)) {          \
			ASSERT_TRUE(cut_off(self->cli)); \
			ASSERT_TRUE(cut_off(self->srv)); \
		}                                        \
		signal(SIGPIPE, SIG_IGN);                \
	} while (0)

#define sees(fd, bits) wait_for((poll_mask(fd, POLL_ALL, 0) & (bits)) == (bits))

TEST_F(link_tcp, half_closed)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLOUT));
	EXPECT_FALSE(poll_mask(self->srv, POLL_ALL, 0) & (POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	/* The other way goes on. */
	ASSERT_TRUE(send_all(self->srv, 0, 3000));
	ASSERT_TRUE(recv_all(self->cli, 0, 3000));
	EXPECT_ERR(EPIPE, send(self->cli, "x", 1, 0));
	ASSERT_EQ(0, shutdown(self->srv, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLIN | POLLRDHUP));
	EXPECT_TRUE(sees(self->cli, POLLHUP | POLLIN | POLLRDHUP));
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
}

/* What is being sent when the end is asked for goes before it. */
TEST_F(link_tcp, half_closed_beside_a_zerocopy_sender)
{
	struct bg zc = {.fn = bg_send,
			.fd = self->cli,
			.len = 16 << 20,
			.flags = MSG_ZEROCOPY};
	struct bg end = {.fn = bg_shutdown, .fd = self->cli};
	static uint8_t buf[65536];
	ssize_t n, all = 0;
	struct stall mem;

	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_ZEROCOPY, 1));
	ASSERT_TRUE(send_all(self->cli, 0, 3000));
	ASSERT_TRUE(recv_all(self->srv, 0, 3000));
	/* It has the socket, and hangs in a page fault. */
	ASSERT_TRUE(stall_open(&mem, zc.len, 0));
	zc.buf = mem.mem;
	bg_start(&zc);
	ASSERT_TRUE(stall_hit(&mem, WAIT_MS));
	bg_start(&end);
	ASSERT_TRUE(wait_for(state_of(end.tid, end.tid) == 'D'));
	/* It goes on; what it sends takes its time to get there. */
	ASSERT_TRUE(cut_off(self->srv));
	close(mem.fd);
	mem.fd = -1;
	bg_join(&end);
	bg_join(&zc);
	EXPECT_EQ(0, end.ret);
	ASSERT_GT(zc.ret, 0);
	EXPECT_ERR(EAGAIN, recv(self->srv, buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_FALSE(poll_mask(self->srv, POLL_ALL, 0) & POLLIN);
	ASSERT_EQ(0, setopt_int(self->srv, SOL_SOCKET, SO_DETACH_FILTER, 0));
	while ((n = recv(self->srv, buf, sizeof(buf), 0)) > 0)
		all += n;
	EXPECT_EQ(0, n);
	EXPECT_EQ(zc.ret, all);
	stall_close(&mem);
}

/* Of zero-copy receive this is the end, or it is asked for ever. */
TEST_F(link_tcp, nothing_more_to_map)
{
	uint64_t zc[2] = {0};
	socklen_t len = sizeof(zc);

	CUT_OFF;
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	EXPECT_ERR(EIO, getsockopt(self->srv, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE,
				   zc, &len));
}

TEST_F(link_tcp, who_waits_is_told)
{
	char buf[100];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	CUT_OFF;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	bg_join(&bg);
	EXPECT_EQ(0, bg.ret);
}

TEST_F(link_tcp, closed)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 20000));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	EXPECT_FALSE(poll_mask(self->srv, POLL_ALL, 0) & (POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 20000));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	/* Who sends all the same is told afterwards. */
	EXPECT_EQ(1, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

/* Whatever comes after its end, a stream has ended. */
TEST_F(link_tcp, closed_then_sent_to)
{
	CUT_OFF;
	close(self->cli);
	EXPECT_EQ(1, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_EQ(0, neg(recv(self->srv, &(char){0}, 1, 0)));
	EXPECT_EQ(0, neg(recv(self->srv, &(char){0}, 1, MSG_PEEK)));
	EXPECT_EQ(EPIPE, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
}

TEST_F(link_tcp, half_closed_then_closed_unread)
{
	CUT_OFF;
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	ASSERT_TRUE(send_all(self->srv, 0, 100));
	ASSERT_TRUE(wait_for(inq(self->cli) == 100));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_EQ(0, neg(recv(self->srv, &(char){0}, 1, 0)));
	EXPECT_EQ(EPIPE, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
}

/* There is nobody to send to, though the descriptor is still open. */
TEST_F(link_tcp, shut_both_ways)
{
	CUT_OFF;
	ASSERT_EQ(0, shutdown(self->cli, SHUT_RDWR));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(1, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLERR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_TRUE(sees(self->cli, POLLHUP));
	EXPECT_EQ(ECONNRESET, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
}

/* With bytes that nobody has read: a reset. */
TEST_F(link_tcp, closed_unread)
{
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	ASSERT_TRUE(send_all(self->srv, 0, 100));
	ASSERT_TRUE(wait_for(inq(self->cli) == 100));
	ASSERT_TRUE(wait_for(inq(self->srv) == 5000));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_ERR(ECONNRESET, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
}

TEST_F(link_tcp, closed_without_lingering)
{
	struct linger none = {.l_onoff = 1};

	CUT_OFF;
	ASSERT_EQ(0, setsockopt(self->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(self->cli);
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	EXPECT_EQ(ECONNRESET, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
	EXPECT_ERR(EPIPE, send(self->srv, "x", 1, 0));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

static int tcp_state(int fd)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len) ? -errno
								: ti.tcpi_state;
}

/*
 * Reset, which is told by one call or another; the network's word for it comes,
 * as the answer to a probe, when it has been told through the lane.
 */
static void reset_twice(struct __test_metadata *_metadata, struct pair *p,
			bool joined, bool by_recv)
{
	struct linger none = {.l_onoff = 1};

	ASSERT_EQ(0, setopt_int(p->srv, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, setopt_int(p->srv, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	ASSERT_EQ(0, setsockopt(p->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(p->cli);
	if (by_recv) {
		EXPECT_ERR(ECONNRESET, recv(p->srv, &(char){0}, 1, 0));
	} else {
		EXPECT_TRUE(sees(p->srv, POLLIN | POLLRDHUP | POLLERR));
		EXPECT_EQ(ECONNRESET, getopt_int(p->srv, SOL_SOCKET, SO_ERROR));
	}
	if (joined)
		ASSERT_EQ(0,
			  setopt_int(p->srv, SOL_SOCKET, SO_DETACH_FILTER, 0));
	ASSERT_TRUE(wait_for(tcp_state(p->srv) == TCP_CLOSE));
	EXPECT_FALSE(poll_mask(p->srv, POLL_ALL, 0) & POLLERR);
	EXPECT_EQ(0, recv(p->srv, &(char){0}, 1, 0));
	EXPECT_EQ(0, getopt_int(p->srv, SOL_SOCKET, SO_ERROR));
}

TEST_F(link_tcp, reset_is_told_once)
{
	struct pair p = {.cli = self->cli, .srv = self->srv};

	CUT_OFF;
	reset_twice(_metadata, &p, kind_joined(&variant->k), true);
}

TEST_F(link_tcp, reset_is_asked_for_once)
{
	struct pair p = {.cli = self->cli, .srv = self->srv};

	CUT_OFF;
	reset_twice(_metadata, &p, kind_joined(&variant->k), false);
}

static ssize_t bg_poll(struct bg *bg)
{
	return poll_mask(bg->fd, POLL_ALL, 0);
}

/* Whoever hangs in a page fault with the socket locked keeps no poll(). */
TEST_F(link_tcp, reset_beside_a_page_fault)
{
	struct bg w = {.fn = bg_send,
		       .fd = self->srv,
		       .len = STALL_PAGE,
		       .flags = MSG_OOB};
	struct bg p = {.fn = bg_poll, .fd = self->srv, .ret = -1};
	struct linger none = {.l_onoff = 1};
	struct stall out;

	CUT_OFF;
	ASSERT_TRUE(stall_open(&out, STALL_PAGE, 0));
	w.buf = out.mem;
	bg_start(&w);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	ASSERT_EQ(0, setsockopt(self->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(self->cli);
	self->cli = -1;
	bg_start(&p);
	EXPECT_TRUE(wait_for(p.ret >= 0));
	ASSERT_TRUE(stall_fill(&out, 0, pattern(0)));
	bg_join(&p);
	bg_join(&w);
	EXPECT_TRUE(sees(self->srv, POLLHUP | POLLRDHUP));
	stall_close(&out);
}

TEST_F(link_tcp, reset_while_somebody_waits)
{
	struct linger none = {.l_onoff = 1};
	char buf[100];
	struct bg bg = {
		.fn = bg_recv, .fd = self->srv, .buf = buf, .len = sizeof(buf)};

	CUT_OFF;
	bg_start_asleep(&bg);
	ASSERT_EQ(0, setsockopt(self->cli, SOL_SOCKET, SO_LINGER, &none,
				sizeof(none)));
	close(self->cli);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(link_tcp, a_writer_waits)
{
	struct bg bg = {.fn = bg_send,
			.fd = self->srv,
			.buf = (void *)pattern(0),
			.len = PATTERN_PERIOD};

	CUT_OFF;
	ASSERT_LT(0, send_stuffed(self->srv, 0));
	bg_start_asleep(&bg);
	close(self->cli);
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ECONNRESET, bg.err);
}

TEST_F(link_tcp, disconnected)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	CUT_OFF;
	ASSERT_EQ(0, connect(self->cli, &none, sizeof(none)));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP | POLLHUP | POLLERR));
	EXPECT_ERR(ECONNRESET, recv(self->srv, &(char){0}, 1, 0));
}

TEST_F(link_tcp, killed)
{
	pid_t pid;

	CUT_OFF;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(self->srv);
		send_all(self->cli, 0, 5000);
		pause();
		_exit(1);
	}
	close(self->cli);
	self->cli = -1;
	ASSERT_TRUE(recv_all(self->srv, 0, 5000));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(sees(self->srv, POLLIN | POLLRDHUP));
	EXPECT_EQ(0, recv(self->srv, &(char){0}, 1, 0));
}

/*
 * TCP asks whether the other end is there when it has heard nothing for @idle
 * seconds, and gives up after @more.
 */
static void ask_after(struct __test_metadata *_metadata, int fd, int idle,
		      int more)
{
	ASSERT_EQ(0, setopt_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
	ASSERT_EQ(0, setopt_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle));
	ASSERT_EQ(0, setopt_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, more));
	ASSERT_EQ(0, setopt_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 1));
}

/* What takes its time, once over doors and once as it is. */
#define ONCE_EACH                                                   \
	if (variant->k.family != AF_INET ||                         \
	    !(kind_joined(&variant->k) || kind_plain(&variant->k))) \
	return

/* @from sends to @to for @seconds, without a pause. */
static void keep_busy(struct __test_metadata *_metadata, int from, int to,
		      int seconds)
{
	long long end = now_ms() + 1000LL * seconds;

	for (size_t at = 0; now_ms() < end; at += 10) {
		ASSERT_TRUE(send_all(from, at, 10));
		ASSERT_TRUE(recv_all(to, at, 10));
		poll(NULL, 0, 50);
	}
}

/* Busy, and nobody answers TCP's questions: alive. */
TEST_F_TIMEOUT(link_tcp, kept_alive, 60)
{
	ONCE_EACH;
	ask_after(_metadata, self->srv, 1, slow());
	CUT_OFF;
	keep_busy(_metadata, self->cli, self->srv, 3 + slow());
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
}

/* Who only sends hears of it by what is taken. */
TEST_F_TIMEOUT(link_tcp, kept_alive_by_a_reader, 60)
{
	ONCE_EACH;
	ask_after(_metadata, self->srv, 5, 10 * slow());
	CUT_OFF;
	keep_busy(_metadata, self->srv, self->cli, 10 + 10 * slow());
	EXPECT_EQ(0, getopt_int(self->srv, SOL_SOCKET, SO_ERROR));
}

/* Idle, with bytes that nobody reads, and nobody answers: gone. */
TEST_F(link_tcp, not_kept_alive)
{
	int unsent = -1;

	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_KEEPIDLE, 1));
	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_KEEPINTVL, 1));
	ASSERT_EQ(0, setopt_int(self->cli, IPPROTO_TCP, TCP_KEEPCNT, 1));
	ASSERT_TRUE(send_all(self->cli, 0, 100));
	ASSERT_TRUE(wait_for(!ioctl(self->cli, TIOCOUTQ, &unsent) && !unsent));
	ASSERT_TRUE(cut_off(self->cli));
	ASSERT_TRUE(cut_off(self->srv));
	ASSERT_EQ(0, setopt_int(self->cli, SOL_SOCKET, SO_KEEPALIVE, 1));
	EXPECT_TRUE(sees(self->cli, POLLIN | POLLERR | POLLHUP));
	EXPECT_EQ(ETIMEDOUT, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
}

#define set_timeout(fd, ms) \
	setopt_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (ms)*slow())

/* Nobody is waited for who takes nothing, alive or not. */
TEST_F(link_tcp, nothing_is_taken)
{
	ssize_t n;
	char buf[65536];

	ASSERT_EQ(0, set_timeout(self->cli, 500));
	CUT_OFF;
	ASSERT_LT(0U, send_full(self->cli, 0));
	ASSERT_TRUE(sees(self->cli, POLLIN | POLLOUT | POLLERR | POLLHUP));
	EXPECT_EQ(ETIMEDOUT, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	EXPECT_ERR(EPIPE, send(self->cli, "x", 1, 0));
	EXPECT_EQ(0, recv(self->cli, buf, sizeof(buf), 0));
	/* What has been sent is there; who goes on reading is told. */
	do
		n = recv(self->srv, buf, sizeof(buf), 0);
	while (n > 0);
	EXPECT_EQ(-1, n);
	EXPECT_EQ(ECONNRESET, errno);
}

TEST_F(link_tcp, nothing_is_taken_of_who_waits)
{
	struct bg bg = {.fn = bg_send,
			.fd = self->cli,
			.buf = (void *)pattern(0),
			.len = PATTERN_PERIOD};

	CUT_OFF;
	ASSERT_LT(0U, send_stuffed(self->cli, 0));
	bg_start_asleep(&bg);
	ASSERT_EQ(0, set_timeout(self->cli, 500));
	bg_join(&bg);
	EXPECT_EQ(-1, bg.ret);
	EXPECT_EQ(ETIMEDOUT, bg.err);
}

/* Gone is gone, however long nobody looks. */
TEST_F(link_tcp, nothing_is_taken_by_who_has_gone)
{
	ONCE_EACH;
	CUT_OFF;
	ASSERT_LT(0U, send_full(self->cli, 0));
	close(self->srv);
	ASSERT_EQ(0, set_timeout(self->cli, 500));
	poll(NULL, 0, 500 * slow() + 6000);
	EXPECT_TRUE(sees(self->cli, POLLIN | POLLOUT | POLLERR | POLLHUP));
	EXPECT_EQ(ECONNRESET, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
}

/* What has arrived may lie there for as long as it likes. */
TEST_F(link_tcp, arrived_and_not_taken)
{
	ONCE_EACH;
	ASSERT_EQ(0, set_timeout(self->cli, 1000));
	CUT_OFF;
	ASSERT_TRUE(send_all(self->cli, 0, 5000));
	/* And as long as it takes to look twice. */
	poll(NULL, 0, 1000 * slow() + 6000);
	EXPECT_EQ(0, getopt_int(self->cli, SOL_SOCKET, SO_ERROR));
	EXPECT_TRUE(recv_all(self->srv, 0, 5000));
	EXPECT_TRUE(send_all(self->cli, 5000, 10));
}

SOCK_TEST_MAIN
