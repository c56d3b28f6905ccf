// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving a stream: whoever disconnects, nothing is freed under a thread that
 * is inside, and no byte for one peer gets to another.
 */
#include "sock_test.h"
#include "stall_test.h"

#define K (&variant->k)

static ssize_t bg_disconnect(struct bg *bg)
{
	return connect(bg->fd, &(struct sockaddr){.sa_family = AF_UNSPEC},
		       sizeof(struct sockaddr));
}

/* The thread waits in the kernel, killably or not, or is gone. */
static bool task_waits(pid_t tid)
{
	return strchr("SD?", state_of(tid, tid));
}

static bool task_gone(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", tid);
	return access(path, F_OK) != 0;
}

/* Has this call ended, or does it wait? Then it has done what it does at once.
 */
static bool bg_settled(struct bg *bg)
{
	return wait_for(task_waits(bg->tid)) && wait_for(task_waits(bg->tid));
}

/*
 * A page that the module gave back is somebody else's by now: takes pages until
 * that is so, on each processor.
 */
static void use_free_pages(void)
{
	const size_t len = 16 << 20;
	cpu_set_t all, one;
	char *p;

	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < 2; i++) {
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof(one), &one);
		p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p != MAP_FAILED)
			memset(p, 0xee, len);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/*
 * A sender in the middle of a write, a receiver in the middle of its first
 * bytes: a third thread disconnects the receiver's socket. The bytes that the
 * receiver is copying stay what they are until it has done so.
 */
TEST_F(link_tcp, disconnect_under_reader)
{
	struct stall in, out;
	struct bg w = {.fn = bg_send, .fd = self->cli, .len = 8192};
	struct bg r = {.fn = bg_recv, .fd = self->srv, .len = 4096};
	struct bg d = {.fn = bg_disconnect, .fd = self->srv};
	char page[4096];

	if (!kind_joined(K))
		return;
	/* The lane has a page from now on; the next write finds it empty. */
	ASSERT_TRUE(send_all(self->cli, 0, 100));
	ASSERT_TRUE(recv_all(self->srv, 0, 100));
	ASSERT_TRUE(stall_open(&in, 4096, 0));
	ASSERT_TRUE(stall_open(&out, 8192, 4096));
	memcpy(out.mem, pattern(0), 4096);
	w.buf = out.mem;
	r.buf = in.mem;
	bg_start(&w);
	ASSERT_TRUE(stall_hit(&out, WAIT_MS));
	bg_start(&r);
	/* Either nothing of the write has been published, or it hangs in that.
	 */
	if (stall_hit(&in, 1000)) {
		bg_start(&d);
		ASSERT_TRUE(wait_for(task_waits(d.tid) || !d.tid));
	}
	ASSERT_TRUE(stall_fill(&out, 4096, pattern(4096)));
	bg_join(&w);
	if (!d.tid) {
		ASSERT_TRUE(stall_hit(&in, WAIT_MS));
		bg_start(&d);
		ASSERT_TRUE(bg_settled(&d));
	}
	/* What is idle for so long is trimmed, unless the disconnecting waits.
	 */
	if (task_gone(d.tid))
		poll(NULL, 0, 7000);
	use_free_pages();
	memset(page, 0x11, sizeof(page));
	ASSERT_TRUE(stall_fill(&in, 0, page));
	bg_join(&r);
	bg_join(&d);
	EXPECT_EQ(0, d.ret);
	EXPECT_EQ(8192, w.ret);
	ASSERT_LT(0, r.ret);
	EXPECT_EQ(0, memcmp(in.mem, pattern(0), r.ret));
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(self->srv, NULL));
	EXPECT_ERR(ECONNRESET, recv(self->srv, page, 1, 0));
	EXPECT_ERR(ENOTCONN, recv(self->srv, page, 1, 0));
	stall_close(&in);
	stall_close(&out);
}

/*
 * Threads that were on their way into the stream when it was left find a socket
 * that is not connected, and say so.
 */
TEST_F(link_tcp, disconnect_before_others)
{
	struct stall in;
	struct bg r[2] = {{.fn = bg_recv, .fd = self->srv, .len = 100},
			  {.fn = bg_recv, .fd = self->srv, .len = 100}};
	struct bg d = {.fn = bg_disconnect, .fd = self->srv};
	char buf[100];

	ASSERT_TRUE(send_all(self->cli, 0, 200));
	ASSERT_TRUE(wait_for(inq(self->srv) == 200));
	ASSERT_TRUE(stall_open(&in, 4096, 0));
	r[0].buf = in.mem;
	r[1].buf = buf;
	bg_start(&r[0]);
	ASSERT_TRUE(stall_hit(&in, WAIT_MS));
	bg_start(&d);
	ASSERT_TRUE(bg_settled(&d));
	bg_start(&r[1]);
	ASSERT_TRUE(bg_settled(&r[1]));
	ASSERT_TRUE(stall_fill(&in, 0, (char[4096]){0}));
	bg_join(&r[0]);
	bg_join(&d);
	bg_join(&r[1]);
	EXPECT_EQ(100, r[0].ret);
	EXPECT_TRUE(check(in.mem, 0, 100));
	EXPECT_EQ(0, d.ret);
	/* Before or after: which of the two was first is the lock's to say. */
	if (r[1].ret < 0) {
		EXPECT_TRUE(r[1].err == ENOTCONN || r[1].err == ECONNRESET);
	} else {
		EXPECT_EQ(100, r[1].ret);
		EXPECT_TRUE(check(buf, 100, 100));
	}
	stall_close(&in);
}

/* A killed program that waits to leave must not keep anything from being freed.
 */
TEST_F(link_tcp, killed_while_leaving)
{
	struct stall in;
	struct bg r = {.fn = bg_recv, .fd = self->srv, .len = 100};
	struct bg d = {.fn = bg_disconnect, .fd = self->srv};
	pid_t pid = fork();
	char c;

	ASSERT_GE(pid, 0);
	if (!pid) {
		if (!send_all(self->cli, 0, 200) || !stall_open(&in, 4096, 0))
			_exit(1);
		r.buf = in.mem;
		bg_start(&r);
		if (!stall_hit(&in, WAIT_MS))
			_exit(1);
		bg_start(&d);
		if (!bg_settled(&d))
			_exit(1);
		kill(getpid(), SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &(int){0}, 0));
	/* This process has the same two sockets, disconnected or not. */
	EXPECT_LE(-1, recv(self->srv, &c, 1, MSG_DONTWAIT));
	EXPECT_ERR(0, bg_disconnect(&d));
	EXPECT_ERR(ENOTCONN, recv(self->srv, &c, 1, 0));
}

static const struct linger reset = {.l_onoff = 1};

/*
 * The connection was reset before the socket was asked how its connect() had
 * gone. A send that connects disconnects it; then it is another's.
 */
TEST_F(port, fast_open_after_reset)
{
	char buf[64] = {0};
	struct addr other;
	int lis, cli, a, b;

	if (K->family == AF_UNIX)
		return;
	lis = port_open(_metadata, K, &other);
	cli = client_socket(_metadata, K, &self->addr);
	ASSERT_TRUE(set_nonblock(cli, true));
	EXPECT_ERR(EINPROGRESS, connect(cli, &self->addr.sa, self->addr.len));
	a = accept(self->lis, NULL, NULL);
	ASSERT_GE(a, 0);
	/* The first byte is read, so that the rest would be next. */
	ASSERT_EQ(1, send(a, "1", 1, 0));
	ASSERT_TRUE(wait_for(recv(cli, buf, 1, 0) == 1));
	ASSERT_EQ(6, send(a, "secret", 6, 0));
	ASSERT_EQ(0,
		  setsockopt(a, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)));
	close(a);
	ASSERT_TRUE(wait_for(poll_mask(cli, POLLHUP, 0) & POLLHUP));
	EXPECT_ERR(ECONNRESET, sendto(cli, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL,
				      &other.sa, other.len));
	EXPECT_ERR(EINPROGRESS, connect(cli, &other.sa, other.len));
	b = accept(lis, NULL, NULL);
	ASSERT_GE(b, 0);
	ASSERT_TRUE(wait_for(poll_mask(cli, POLLOUT, 0) == POLLOUT));
	ASSERT_EQ(5, send(b, "hello", 5, 0));
	ASSERT_TRUE(wait_for(poll_mask(cli, POLLIN, 0) == POLLIN));
	EXPECT_EQ(5, recv(cli, buf, sizeof(buf), 0));
	EXPECT_STREQ("hello", buf);
	EXPECT_ERR(EAGAIN, recv(cli, buf, sizeof(buf), 0));
	EXPECT_EQ(4, send(cli, "to-b", 4, MSG_NOSIGNAL));
	EXPECT_EQ(4, recv(b, buf, sizeof(buf), 0));
	EXPECT_EQ(0, memcmp("to-b", buf, 4));
	close(b);
	close(cli);
	close(lis);
}

/**
 * struct race - two threads, each with one half of a reconnection, over and
 * over
 * @fd: the socket
 * @other: where it is connected to the second time
 * @round: of the main thread; @done: of the other two
 */
struct race {
	int fd;
	const struct addr *other;
	_Atomic int round;
	_Atomic int done[2];
};

static void await_round(const struct race *r, int n)
{
	while (r->round < n)
		sched_yield();
}

static void *disconnects(void *arg)
{
	struct bg bg;
	struct race *r = arg;

	for (int n = 1;; n++) {
		await_round(r, n);
		if (r->fd < 0)
			return NULL;
		bg.fd = r->fd;
		bg_disconnect(&bg);
		r->done[0] = n;
	}
}

static void *connects_and_sends(void *arg)
{
	struct race *r = arg;

	for (int n = 1;; n++) {
		await_round(r, n);
		if (r->fd < 0)
			return NULL;
		while (connect(r->fd, &r->other->sa, r->other->len) &&
		       errno == EISCONN && r->done[0] < n)
			;
		send(r->fd, "b", 1, MSG_NOSIGNAL);
		r->done[1] = n;
	}
}

/* One thread disconnects, another connects to elsewhere and sends there. */
TEST_F_TIMEOUT(port, two_threads_reconnect, 60)
{
	struct race race = {.other = NULL};
	long long end = now_ms() + 15000;
	pthread_t t[2];
	struct addr other;
	int lis, a, b, n;
	char c;

	if (K->family == AF_UNIX)
		return;
	lis = port_open(_metadata, K, &other);
	ASSERT_TRUE(set_nonblock(lis, true));
	race.other = &other;
	ASSERT_EQ(0, pthread_create(&t[0], NULL, disconnects, &race));
	ASSERT_EQ(0, pthread_create(&t[1], NULL, connects_and_sends, &race));
	for (n = 1; n <= 4000 && now_ms() < end; n++) {
		race.fd = client_open(_metadata, K, &self->addr);
		a = accept(self->lis, NULL, NULL);
		ASSERT_GE(a, 0);
		race.round = n;
		while (race.done[0] < n || race.done[1] < n)
			sched_yield();
		/* Connected to the other: what was sent after that is there. */
		b = accept(lis, NULL, NULL);
		c = 0;
		EXPECT_GE(0, recv(a, &c, 1, MSG_DONTWAIT))
		{
			TH_LOG("round %d: '%c' at the old peer", n, c);
			end = 0;
		}
		if (b >= 0 && poll_mask(race.fd, POLLOUT, 0) == POLLOUT) {
			poll_mask(b, POLLIN, WAIT_MS);
			EXPECT_EQ(1, recv(b, &c, 1, MSG_DONTWAIT))
			{
				TH_LOG("round %d: nothing at the new peer", n);
				end = 0;
			}
		}
		if (b >= 0)
			close(b);
		close(a);
		close(race.fd);
	}
	race.fd = -1;
	race.round = n;
	pthread_join(t[0], NULL);
	pthread_join(t[1], NULL);
	close(lis);
}

/* The threads of this process on one processor, this one before all others. */
static bool alone_on_one_cpu(void)
{
	struct sched_param first = {.sched_priority = 1};
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return !sched_setaffinity(0, sizeof(one), &one) &&
	       !pthread_setschedparam(pthread_self(),
				      SCHED_FIFO | SCHED_RESET_ON_FORK, &first);
}

/**
 * struct moving - a socket that goes from one peer to another
 * @fd: the socket
 * @a, @b: its peers
 * @lis: listens for @b
 */
struct moving {
	int fd;
	int a;
	int b;
	int lis;
	struct addr to;
};

static void move_begin(struct __test_metadata *_metadata, const struct kind *k,
		       int lis, const struct addr *first, struct moving *m)
{
	ASSERT_TRUE(alone_on_one_cpu());
	m->lis = port_open(_metadata, k, &m->to);
	m->fd = client_open(_metadata, k, first);
	m->a = server_accept(_metadata, k, lis, m->fd);
}

/* To the other peer, before whoever waits there has run. */
static void move(struct __test_metadata *_metadata, struct moving *m)
{
	struct bg d = {.fd = m->fd};

	EXPECT_ERR(0, bg_disconnect(&d));
	EXPECT_ERR(0, connect(m->fd, &m->to.sa, m->to.len));
	m->b = accept(m->lis, NULL, NULL);
	EXPECT_LE(0, m->b);
}

static void move_end(struct moving *m)
{
	close(m->a);
	close(m->b);
	close(m->fd);
	close(m->lis);
}

/* A thread waits for room in the middle of a write. The rest is nobody's. */
TEST_F(port, rest_of_a_write)
{
	struct bg w = {.fn = bg_send, .len = 16 << 20};
	struct moving m;

	if (K->family == AF_UNIX)
		return;
	move_begin(_metadata, K, self->lis, &self->addr, &m);
	w.fd = m.fd;
	w.buf = calloc(1, w.len);
	bg_start_asleep(&w);
	move(_metadata, &m);
	bg_join(&w);
	EXPECT_GT(w.ret, 0);
	EXPECT_LT(w.ret, (ssize_t)w.len);
	EXPECT_ERR(EAGAIN, recv(m.b, &(char){0}, 1, MSG_DONTWAIT));
	EXPECT_TRUE(send_all(m.fd, 0, 1000));
	EXPECT_TRUE(recv_all(m.b, 0, 1000));
	free(w.buf);
	move_end(&m);
}

/*
 * A thread waits for the rest of what it wants, or for all of it. What comes
 * now is another's.
 */
TEST_F(port, rest_of_a_read)
{
	char buf[1000];
	struct bg r = {.fn = bg_recv,
		       .buf = buf,
		       .len = sizeof(buf),
		       .flags = MSG_WAITALL};
	struct moving m;

	if (K->family == AF_UNIX)
		return;
	for (size_t there = 0; there <= 300; there += 300) {
		move_begin(_metadata, K, self->lis, &self->addr, &m);
		ASSERT_TRUE(send_all(m.a, 0, there));
		r.fd = m.fd;
		bg_start_asleep(&r);
		move(_metadata, &m);
		EXPECT_TRUE(send_all(m.b, 0, 1000));
		bg_join(&r);
		if (there) {
			EXPECT_EQ((ssize_t)there, r.ret);
		} else {
			EXPECT_EQ(-1, r.ret);
			EXPECT_EQ(EPIPE, r.err);
		}
		EXPECT_TRUE(recv_all(m.fd, 0, 1000));
		move_end(&m);
	}
}

/* A thread waits for a handshake; another disconnects, or shuts down. */
TEST_F(port, connect_given_up)
{
	static const struct timeval tv = {.tv_sec = 30};
	struct bg c = {
		.fn = bg_connect, .buf = &self->addr.ss, .len = self->addr.len};
	struct bg d = {.fn = bg_disconnect};
	int full[4], err[2];

	if (K->family == AF_UNIX)
		return;
	ASSERT_EQ(0, listen(self->lis, 0));
	for (int i = 0; i < 4; i++) {
		full[i] = socket(K->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(full[i], &self->addr.sa, self->addr.len);
	}
	for (int i = 0; i < 2; i++) {
		c.fd = d.fd = client_socket(_metadata, K, &self->addr);
		ASSERT_EQ(0, setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &tv,
					sizeof(tv)));
		bg_start_asleep(&c);
		if (i)
			EXPECT_ERR(0, shutdown(c.fd, SHUT_RDWR));
		else
			EXPECT_ERR(0, bg_disconnect(&d));
		bg_join(&c);
		EXPECT_EQ(-1, c.ret);
		err[i] = c.err;
		close(c.fd);
	}
	/* As 6.1 and later do; the plain socket is asked, too. */
	EXPECT_TRUE(err[0] == EPIPE || err[0] == ECONNABORTED ||
		    err[0] == ECONNRESET);
	EXPECT_TRUE(err[1] == ECONNRESET || err[1] == ECONNABORTED ||
		    err[1] == EPIPE)
	{
		TH_LOG("errno %d", err[1]);
	}
	for (int i = 0; i < 4; i++)
		close(full[i]);
}

SOCK_TEST_MAIN
