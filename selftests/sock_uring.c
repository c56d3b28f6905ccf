// SPDX-License-Identifier: GPL-2.0-only
/* io_uring on a socket: receive, send, poll, accept, through bare system calls.
 */
#include "sock_test.h"

#include <linux/io_uring.h>

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_mask, *sq_array;
	unsigned int *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
};

static bool ring_open(struct ring *r)
{
	struct io_uring_params p = {0};
	char *sq, *cq;

	r->fd = syscall(SYS_io_uring_setup, 8, &p);
	if (r->fd < 0)
		return false;
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * sizeof(unsigned int),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		  IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*r->cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		  IORING_OFF_CQ_RING);
	r->sqe = mmap(NULL, p.sq_entries * sizeof(*r->sqe),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		      IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || r->sqe == MAP_FAILED)
		return false;
	r->sq_tail = (void *)(sq + p.sq_off.tail);
	r->sq_mask = (void *)(sq + p.sq_off.ring_mask);
	r->sq_array = (void *)(sq + p.sq_off.array);
	r->cq_head = (void *)(cq + p.cq_off.head);
	r->cq_tail = (void *)(cq + p.cq_off.tail);
	r->cq_mask = (void *)(cq + p.cq_off.ring_mask);
	r->cqe = (void *)(cq + p.cq_off.cqes);
	return true;
}

static void submit(struct ring *r, int op, int fd, const void *buf, size_t len,
		   unsigned int flags)
{
	unsigned int tail = *r->sq_tail, i = tail & *r->sq_mask;
	struct io_uring_sqe *s = &r->sqe[i];

	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->addr = (uintptr_t)buf;
	s->len = len;
	s->off = op == IORING_OP_READ || op == IORING_OP_WRITE ? -1 : 0;
	s->msg_flags = flags;
	s->user_data = op;
	r->sq_array[i] = i;
	__atomic_store_n(r->sq_tail, tail + 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, r->fd, 1, 0, 0, NULL, 0);
}

static bool ready(struct ring *r)
{
	return *r->cq_head != __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE);
}

/* The next completion's result; its operation in *op. */
static int reap(struct ring *r, int *op)
{
	struct io_uring_cqe *c;
	int res;

	if (!wait_for((syscall(SYS_io_uring_enter, r->fd, 0, 0,
			       IORING_ENTER_GETEVENTS, NULL, 0),
		       ready(r))))
		return -ETIME;
	c = &r->cqe[*r->cq_head & *r->cq_mask];
	res = c->res;
	if (op)
		*op = c->user_data;
	__atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
	return res;
}

#define NEED_RING(r)                                                   \
	do {                                                           \
		if (!ring_open(r))                                     \
			SKIP(return, "io_uring: %s", strerror(errno)); \
	} while (0)

TEST_F(link, uring_data_is_there)
{
	struct ring r;
	uint8_t buf[3000];

	NEED_RING(&r);
	submit(&r, IORING_OP_WRITE, self->cli, pattern(0), 1000, 0);
	EXPECT_EQ(1000, reap(&r, NULL));
	submit(&r, IORING_OP_SEND, self->cli, pattern(1000), 1000, 0);
	EXPECT_EQ(1000, reap(&r, NULL));
	ASSERT_TRUE(wait_for(inq(self->srv) == 2000));
	submit(&r, IORING_OP_READ, self->srv, buf, 500, 0);
	EXPECT_EQ(500, reap(&r, NULL));
	submit(&r, IORING_OP_RECV, self->srv, buf + 500, 2500, 0);
	EXPECT_EQ(1500, reap(&r, NULL));
	EXPECT_TRUE(check(buf, 0, 2000));
	close(r.fd);
}

TEST_F(link, uring_waits_for_data)
{
	struct ring r;
	uint8_t buf[100];
	int op;

	NEED_RING(&r);
	for (int i = 0; i < 20; i++) {
		submit(&r, i % 2 ? IORING_OP_READ : IORING_OP_RECV, self->srv,
		       buf, sizeof(buf), 0);
		EXPECT_FALSE(ready(&r));
		ASSERT_EQ(10, write(self->cli, pattern(i * 10), 10));
		ASSERT_EQ(10, reap(&r, &op));
		ASSERT_TRUE(check(buf, i * 10, 10));
	}
	close(r.fd);
}

TEST_F(link, uring_poll)
{
	struct ring r;

	NEED_RING(&r);
	submit(&r, IORING_OP_POLL_ADD, self->srv, NULL, 0, POLLIN);
	EXPECT_FALSE(ready(&r));
	ASSERT_EQ(1, write(self->cli, "a", 1));
	EXPECT_EQ(POLLIN, reap(&r, NULL) & POLLIN);
	submit(&r, IORING_OP_POLL_ADD, self->srv, NULL, 0, POLLIN);
	EXPECT_EQ(POLLIN, reap(&r, NULL) & POLLIN);
	close(r.fd);
}

TEST_F(link, uring_sends_when_there_is_room)
{
	struct ring r;
	size_t n;

	NEED_RING(&r);
	n = send_full(self->cli, 0);
	submit(&r, IORING_OP_SEND, self->cli, pattern(n), 1000, MSG_WAITALL);
	ASSERT_TRUE(recv_all(self->srv, 0, n));
	EXPECT_EQ(1000, reap(&r, NULL));
	EXPECT_TRUE(recv_all(self->srv, n, 1000));
	close(r.fd);
}

TEST_F(link, uring_receives_all)
{
	struct ring r;
	uint8_t buf[300];

	NEED_RING(&r);
	submit(&r, IORING_OP_RECV, self->srv, buf, 300, MSG_WAITALL);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(100, write(self->cli, pattern(i * 100), 100));
	EXPECT_EQ(300, reap(&r, NULL));
	EXPECT_TRUE(check(buf, 0, 300));
	close(r.fd);
}

TEST_F(link, uring_ends)
{
	struct ring r;
	char c;

	NEED_RING(&r);
	submit(&r, IORING_OP_RECV, self->srv, &c, 1, 0);
	EXPECT_FALSE(ready(&r));
	ASSERT_EQ(0, shutdown(self->cli, SHUT_WR));
	EXPECT_EQ(0, reap(&r, NULL));
	submit(&r, IORING_OP_SEND, self->cli, "a", 1, MSG_NOSIGNAL);
	EXPECT_EQ(-EPIPE, reap(&r, NULL));
	submit(&r, IORING_OP_SHUTDOWN, self->srv, NULL, SHUT_WR, 0);
	EXPECT_EQ(0, reap(&r, NULL));
	EXPECT_EQ(0, recv(self->cli, &c, 1, 0));
	close(r.fd);
}

TEST_F(port, uring_accept)
{
	struct ring r;
	int cli, srv;

	NEED_RING(&r);
	submit(&r, IORING_OP_ACCEPT, self->lis, NULL, 0, 0);
	EXPECT_FALSE(ready(&r));
	cli = client_open(_metadata, &variant->k, &self->addr);
	srv = reap(&r, NULL);
	ASSERT_GE(srv, 0);
	expect_state(_metadata, &variant->k, srv, cli);
	ASSERT_TRUE(send_all(cli, 0, 1000));
	EXPECT_TRUE(recv_all(srv, 0, 1000));
	close(r.fd);
}

/* Zero-copy sending either works with its notification or is declined. */
TEST_F(link, uring_send_zc)
{
	struct ring r;
	int n;

	NEED_RING(&r);
	submit(&r, IORING_OP_SEND_ZC, self->cli, pattern(0), 1000, 0);
	n = reap(&r, NULL);
	EXPECT_TRUE(n == 1000 || n == -EOPNOTSUPP);
	if (n == 1000) {
		EXPECT_TRUE(recv_all(self->srv, 0, 1000));
		EXPECT_EQ(0, reap(&r, NULL));
	}
	ASSERT_TRUE(send_all(self->cli, 0, 10));
	EXPECT_TRUE(recv_all(self->srv, 0, 10));
	close(r.fd);
}

/* A receive that waits in a ring does not keep the process from dying. */
TEST_F(link, uring_dies)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct ring r;
		static char c;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(self->cli);
		if (!ring_open(&r))
			_exit(0);
		submit(&r, IORING_OP_RECV, self->srv, &c, 1, 0);
		_exit(0);
	}
	close(self->srv);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, recv(self->cli, &(char){0}, 1, 0));
}

SOCK_TEST_MAIN
