// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ordinary user does his worst to a server of another user's. A third user's
 * round trips through that server are timed meanwhile: once with everything
 * plain, once with everything marked. The plain sockets are the judge: over
 * doors, the same attack may not make it much worse. A busy machine slows both;
 * a wedge is there each time, so that one good pair of rounds out of a few is
 * enough.
 */
#include "hostile_test.h"
#include "stall_test.h"

#define ROUNDS 6
#define ATTACKERS 2

static int family_of(int i)
{
	return i % 2 ? AF_UNIX : AF_INET;
}

static int dial_any(const struct target *t)
{
	static int i;

	return dial(t, family_of(i++));
}

static void begun(const struct target *t)
{
	(void)!write(t->ready, "x", 1);
}

/* ---- attacks: each goes on until it is killed ---------------------------- */

static void many(const struct target *t, int *fd, int n)
{
	for (int i = 0; i < n; i++)
		fd[i] = dial_any(t);
}

static void never_read(const struct target *t)
{
	int fd[24];

	many(t, fd, 24);
	begun(t);
	for (int i = 0;; i++) {
		send(fd[i % 24], pattern(0), 16384,
		     MSG_DONTWAIT | MSG_NOSIGNAL);
		if (i % 24 == 0)
			poll(NULL, 0, 1);
	}
}

static void stop_halfway(const struct target *t)
{
	int fd[24];

	many(t, fd, 24);
	for (int i = 0; i < 24; i++)
		send(fd[i], pattern(0), 37, MSG_NOSIGNAL);
	begun(t);
	raise(SIGSTOP);
	pause();
}

static void *stall_recv(void *arg)
{
	int fd = *(int *)arg;

	recv(fd, (void *)(*((uintptr_t *)arg + 1)), STALL_PAGE, 0);
	return NULL;
}

static struct stall stall;

/* Sends from memory that stalls, receives into it; other threads try the same.
 */
static void stalling_memory(const struct target *t)
{
	static struct {
		int fd;
		uintptr_t mem;
	} arg[8];
	struct bg send_bg[8] = {};
	pthread_t thread;

	for (int i = 0; i < 8; i++) {
		arg[i].fd = dial(t, family_of(i / 2));
		arg[i].mem = (uintptr_t)stall.mem + STALL_PAGE;
		send(arg[i].fd, pattern(0), 100, MSG_NOSIGNAL);
		pthread_create(&thread, NULL, stall_recv, &arg[i]);
		send_bg[i] = (struct bg){.fn = bg_send,
					 .fd = dial(t, family_of(i / 2)),
					 .buf = stall.mem,
					 .len = 2 * STALL_PAGE};
		pthread_create(&thread, NULL, bg_main, &send_bg[i]);
	}
	stall_hit(&stall, 1000);
	begun(t);
	for (int i = 0;; i++) {
		send(arg[i % 8].fd, pattern(0), 100,
		     MSG_DONTWAIT | MSG_NOSIGNAL);
		if (i % 8 == 0)
			poll(NULL, 0, 1);
	}
}

static void come_and_go(const struct target *t)
{
	int fd;

	begun(t);
	for (;;) {
		fd = dial_any(t);
		send(fd, pattern(0), 100, MSG_DONTWAIT | MSG_NOSIGNAL);
		close(fd);
	}
}

static void reset(const struct target *t)
{
	struct linger hard = {1, 0};
	int fd;

	begun(t);
	for (;;) {
		fd = dial_any(t);
		send(fd, pattern(0), 5000, MSG_DONTWAIT | MSG_NOSIGNAL);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		close(fd);
	}
}

/* All that lanes may hold for this user, over and over. */
static void use_all_memory(const struct target *t)
{
	static char buf[65536];
	int sv[100][2];

	for (int i = 0; i < 100; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv[i]))
			_exit(101);
		if (t->marked)
			mark_pair(sv[i][0], sv[i][1]);
	}
	begun(t);
	for (int i = 0;; i = (i + 1) % 100) {
		while (send(sv[i][0], buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
		recv(sv[(i + 1) % 100][1], buf, sizeof(buf), MSG_DONTWAIT);
		poll(NULL, 0, 1);
	}
}

static void sit_idle(const struct target *t)
{
	int fd[800];

	many(t, fd, 800);
	begun(t);
	pause();
}

static void change_options(const struct target *t)
{
	int fd[4];

	many(t, fd, 4);
	begun(t);
	for (int i = 0;; i++) {
		int s = fd[i % 4], on = i / 4 % 2;

		setopt_int(s, SOL_SOCKET, SO_RCVLOWAT, on ? 1 : 1 << 20);
		setopt_int(s, SOL_SOCKET, SO_SNDBUF, on ? 1 : 1 << 20);
		setopt_int(s, SOL_SOCKET, SO_TIMESTAMP, on);
		setopt_int(s, SOL_SOCKET, SO_PASSCRED, on);
		setopt_int(s, IPPROTO_TCP, TCP_CORK, on);
		send(s, pattern(0), 10, MSG_DONTWAIT | MSG_NOSIGNAL);
		recv(s, (char[64]){0}, 64, MSG_DONTWAIT);
	}
}

static void look_and_urge(const struct target *t)
{
	static char buf[8192];
	int fd[4];

	many(t, fd, 4);
	begun(t);
	for (int i = 0;; i++) {
		int s = fd[i % 4];

		send(s, pattern(0), 100, MSG_DONTWAIT | MSG_NOSIGNAL);
		send(s, "!", 1, MSG_OOB | MSG_DONTWAIT | MSG_NOSIGNAL);
		recv(s, buf, sizeof(buf), MSG_PEEK | MSG_DONTWAIT);
		recv(s, buf, 1, MSG_OOB | MSG_DONTWAIT);
		recv(s, buf, i % 7 ? 50 : sizeof(buf), MSG_DONTWAIT);
	}
}

/* Sockets that lie in each other's queues, with nobody else to hold them. */
static void pass_in_circles(const struct target *t)
{
	char ctl[CMSG_SPACE(2 * sizeof(int))] = {0};
	struct iovec iov = {.iov_base = "x", .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = ctl,
			   .msg_controllen = sizeof(ctl)};
	int sv[2];

	begun(t);
	for (;;) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sv))
			continue;
		if (t->marked)
			mark_pair(sv[0], sv[1]);
		send(sv[0], pattern(0), 1000, MSG_NOSIGNAL);
		*CMSG_FIRSTHDR(&m) =
			(struct cmsghdr){.cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS,
					 .cmsg_len = CMSG_LEN(2 * sizeof(int))};
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), sv, sizeof(sv));
		sendmsg(sv[0], &m, MSG_NOSIGNAL);
		close(sv[0]);
		close(sv[1]);
	}
}

/* ---- the two compared */

typedef void attack_fn(const struct target *t);

static pid_t start_attack(const struct target *t, attack_fn *attack)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	if (attack == stalling_memory &&
	    !stall_open(&stall, 3 * STALL_PAGE, STALL_PAGE))
		_exit(102);
	become(NOBODY);
	attack(t);
	_exit(0);
}

static bool ends(pid_t pid)
{
	kill(pid, SIGKILL);
	return wait_for(waitpid(pid, NULL, WNOHANG) == pid);
}

/* The victim's p99 under attack, in microseconds. */
static long measure(struct __test_metadata *_metadata, attack_fn *attack,
		    bool marked)
{
	struct kind tcp = {.family = AF_INET, .srv = marked, .cli = marked};
	struct kind un = {.family = AF_UNIX, .srv = marked, .cli = marked};
	pid_t server, victim, attacker[ATTACKERS];
	struct target t = {.marked = marked};
	int lis[2], begin[2], ctl[2];
	long p99 = -1;
	char c;

	lis[0] = port_open(_metadata, &tcp, &t.tcp);
	lis[1] = port_open(_metadata, &un, &t.un);
	ASSERT_EQ(0, pipe2(begin, O_CLOEXEC));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ctl));
	t.ready = begin[1];
	server = fork();
	if (!server)
		serve(lis[0], lis[1]);
	close(lis[0]);
	close(lis[1]);
	victim = fork();
	if (!victim)
		ping(&t, ctl[1]);
	close(ctl[1]);
	ASSERT_EQ(1, read(ctl[0], &c, 1));
	for (int i = 0; i < ATTACKERS; i++)
		attacker[i] = start_attack(&t, attack);
	close(begin[1]);
	for (int i = 0; i < ATTACKERS; i++)
		EXPECT_EQ(1, read(begin[0], &c, 1));
	ASSERT_EQ(1, write(ctl[0], "x", 1));
	EXPECT_EQ((ssize_t)sizeof(p99), read(ctl[0], &p99, sizeof(p99)));
	for (int i = 0; i < ATTACKERS; i++)
		EXPECT_TRUE(ends(attacker[i]));
	EXPECT_TRUE(ends(victim));
	EXPECT_TRUE(ends(server));
	close(ctl[0]);
	close(begin[0]);
	return p99;
}

static void compare_under(struct __test_metadata *_metadata, attack_fn *attack)
{
	long plain, door;

	for (int i = 0; i < ROUNDS; i++) {
		plain = measure(_metadata, attack, false);
		ASSERT_GE(plain, 0);
		door = measure(_metadata, attack, true);
		ASSERT_GE(door, 0);
		TH_LOG("p99 of a round trip: plain %ld us, over doors %ld us",
		       plain, door);
		/* A kernel that looks for races slows down doors only. */
		if (door <= 3 * plain + 3000L * slow() ||
		    !access("/sys/kernel/debug/kcsan", F_OK))
			return;
	}
	EXPECT_LE(door, 3 * plain);
}

FIXTURE(hostile)
{
	int unused;
};

FIXTURE_SETUP(hostile)
{
	(void)self;
}

FIXTURE_TEARDOWN(hostile)
{
	(void)self;
}

#define TEST_ATTACK(what)                       \
	TEST_F_TIMEOUT(hostile, what, 240)      \
	{                                       \
		compare_under(_metadata, what); \
	}

TEST_ATTACK(never_read)
TEST_ATTACK(stop_halfway)
TEST_ATTACK(stalling_memory)
TEST_ATTACK(come_and_go)
TEST_ATTACK(reset)
TEST_ATTACK(use_all_memory)
TEST_ATTACK(sit_idle)
TEST_ATTACK(change_options)
TEST_ATTACK(look_and_urge)
TEST_ATTACK(pass_in_circles)

TEST_HARNESS_MAIN
