// SPDX-License-Identifier: GPL-2.0-only
/*
 * What lanes may hold: a user who fills as many as he can has no more in them
 * than his limit, loses no byte, and takes nothing from another; and a byte
 * that is left lying keeps no more than the segment it lies in.
 */
#include "sock_test.h"
#include "parameter_test.h"
#include "stats_test.h"
#include <grp.h>

#define NOBODY 65534
#define SOMEONE 1
#define LIMIT (4 << 20)
#define PAIRS 60
#define SEGMENT 32768

static uint64_t held(void)
{
	struct stats s;

	return get_stats(&s) ? HELD(s, LANES) : UINT64_MAX;
}

static bool become(uid_t uid)
{
	return !setgroups(0, NULL) && !setgid(uid) && !setuid(uid) &&
	       !prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static bool open_pair(int *sv)
{
	return !socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) &&
	       mark_pair(sv[0], sv[1]) == DOOR_SOCK_JOINED;
}

/* Fills lanes, says so, and reads everything when told. */
static int fill_lanes(int tell)
{
	static int sv[PAIRS][2];
	static size_t n[PAIRS];
	char c;

	if (!become(NOBODY))
		return 1;
	for (int i = 0; i < PAIRS; i++) {
		if (!open_pair(sv[i]))
			return 2;
		n[i] = send_full(sv[i][0], 0);
		if (!n[i])
			return 3;
	}
	if (write(tell, "x", 1) != 1 || read(tell, &c, 1) != 1)
		return 4;
	for (int i = 0; i < PAIRS; i++) {
		if (!recv_all(sv[i][1], 0, n[i]))
			return 5;
	}
	return 0;
}

/* Another user's pair: to and fro. */
static int use_a_pair(int unused)
{
	int sv[2];

	(void)unused;
	if (!become(SOMEONE) || !open_pair(sv))
		return 1;
	for (size_t i = 0; i < 20; i++) {
		if (!send_all(sv[0], i * 40000, 40000) ||
		    !recv_all(sv[1], i * 40000, 40000) ||
		    !send_all(sv[1], i * 40000, 40000) ||
		    !recv_all(sv[0], i * 40000, 40000))
			return 2;
	}
	return 0;
}

static int run(int (*fn)(int), int arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(fn(arg));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/*
 * A process that may have LIMIT bytes, and talks to us through @sock. @limit:
 * of what it was before.
 */
static pid_t start_poor(struct __test_metadata *_metadata, int (*fn)(int),
			int *sock, char limit[32])
{
	char number[32];
	pid_t pid;
	int sv[2];

	ASSERT_TRUE(get_parameter("user_bytes", limit, 32));
	snprintf(number, sizeof(number), "%d", LIMIT);
	ASSERT_TRUE(set_parameter("user_bytes", number));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv));
	pid = fork();
	if (!pid)
		_exit(fn(sv[1]));
	close(sv[1]);
	*sock = sv[0];
	return pid;
}

TEST(a_user_fills_lanes)
{
	uint64_t before = held();
	struct stats full, then;
	char limit[32], c;
	int sock, status;
	pid_t pid = start_poor(_metadata, fill_lanes, &sock, limit);

	EXPECT_EQ(1, read(sock, &c, 1));
	EXPECT_TRUE(get_stats(&full));
	EXPECT_LE(HELD(full, LANES) - before, LIMIT);
	EXPECT_GE(HELD(full, LANES) - before, LIMIT / 2);
	/* Somebody else has lanes as ever, and no need for the socket. */
	EXPECT_EQ(0, run(use_a_pair, 0));
	EXPECT_TRUE(get_stats(&then));
	EXPECT_EQ(20 * 80000ULL, C(then, STREAM_BYTES) - C(full, STREAM_BYTES));
	EXPECT_EQ(C(then, BASE_MESSAGES), C(full, BASE_MESSAGES));
	EXPECT_EQ(1, write(sock, "x", 1));
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(set_parameter("user_bytes", limit));
	EXPECT_TRUE(wait_for(held() <= before));
	close(sock);
}

/* Says how far it is, and goes on when told. */
static bool step(int tell, size_t n)
{
	char c;

	return write(tell, &n, sizeof(n)) == sizeof(n) &&
	       read(tell, &c, 1) == 1;
}

/* Fills a lane: with room, without, and with room again. */
static int fill_again(int tell)
{
	static int sv[PAIRS][2];
	size_t full, more;
	int x[2];

	if (!become(NOBODY) || !open_pair(x))
		return 1;
	full = send_full(x[0], 0);
	if (!recv_all(x[1], 0, full) || !step(tell, full))
		return 2;
	for (int i = 0; i < PAIRS; i++) {
		if (!open_pair(sv[i]) || !send_full(sv[i][0], 0))
			return 3;
	}
	if (!step(tell, 0))
		return 4;
	more = send_full(x[0], full);
	if (!recv_all(x[1], full, more) || !step(tell, more))
		return 5;
	for (int i = 0; i < PAIRS; i++) {
		close(sv[i][0]);
		close(sv[i][1]);
	}
	if (!step(tell, 0))
		return 6;
	more += full;
	full = send_full(x[0], more);
	return recv_all(x[1], more, full) && step(tell, full) ? 0 : 7;
}

/* What the child says at its next step; it waits then, and this looks. */
static size_t look(struct __test_metadata *_metadata, int fd, struct stats *s)
{
	size_t n = 0;

	EXPECT_EQ((ssize_t)sizeof(n), read(fd, &n, sizeof(n)));
	EXPECT_TRUE(get_stats(s));
	return n;
}

static void go_on(struct __test_metadata *_metadata, int fd)
{
	EXPECT_EQ(1, write(fd, "x", 1));
}

/* A lane that could not grow for once does when there is room again. */
TEST(there_is_room_again)
{
	uint64_t before = held();
	char limit[32];
	struct stats a, b;
	int sock, status;
	size_t full;
	pid_t pid = start_poor(_metadata, fill_again, &sock, limit);

	full = look(_metadata, sock, &a);
	EXPECT_GT(full, 2U * SEGMENT);
	/* Until the trimming comes by, it has what it had. */
	EXPECT_TRUE(wait_for(held() <= before));
	go_on(_metadata, sock);
	look(_metadata, sock, &a);
	go_on(_metadata, sock);
	EXPECT_GT(look(_metadata, sock, &b), 0U);
	EXPECT_GT(C(b, BASE_MESSAGES), C(a, BASE_MESSAGES));
	EXPECT_LT(C(b, STREAM_BYTES) - C(a, STREAM_BYTES), full);
	go_on(_metadata, sock);
	look(_metadata, sock, &a);
	go_on(_metadata, sock);
	EXPECT_EQ(full, look(_metadata, sock, &b));
	EXPECT_EQ(full, C(b, STREAM_BYTES) - C(a, STREAM_BYTES));
	EXPECT_EQ(C(b, BASE_MESSAGES), C(a, BASE_MESSAGES));
	go_on(_metadata, sock);
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_TRUE(set_parameter("user_bytes", limit));
	EXPECT_TRUE(wait_for(held() <= before));
	close(sock);
}

static void leave_one_byte(struct __test_metadata *_metadata, int from, int to)
{
	uint64_t before = held();
	size_t n = send_full(from, 0);

	ASSERT_GT(n, SEGMENT);
	EXPECT_GE(held() - before, n);
	ASSERT_TRUE(recv_all(to, 0, n - 1));
	/* What was emptied is kept for the writer until the trimming comes by.
	 */
	EXPECT_TRUE(wait_for(held() - before <= SEGMENT));
	EXPECT_GT(held(), before);
	ASSERT_TRUE(recv_all(to, n - 1, 1));
	EXPECT_TRUE(wait_for(held() <= before));
}

TEST_F_TIMEOUT(link, one_byte_is_left, 60)
{
	if (!kind_joined(&variant->k))
		return;
	leave_one_byte(_metadata, self->cli, self->srv);
	leave_one_byte(_metadata, self->srv, self->cli);
}

SOCK_TEST_MAIN
