// SPDX-License-Identifier: GPL-2.0-only
/*
 * What DOOR_IOC_SOCK_PAIR joins and what it does not: the two ends of one pair
 * that nothing has been sent on. Refused, everything is as it was.
 */
#include "sock_util.h"

FIXTURE(pair)
{
	int a[2];
	int b[2];
};

FIXTURE_SETUP(pair)
{
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->a));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, self->b));
}

FIXTURE_TEARDOWN(pair)
{
	for (int i = 0; i < 2; i++) {
		close(self->a[i]);
		close(self->b[i]);
	}
}

static int refused(int fd, int fd2, int why)
{
	struct door_ioc_sock arg = {.fd = fd, .fd2 = fd2};

	return sock_ioctl(DOOR_IOC_SOCK_PAIR, &arg) == 0 &&
	       arg.state == DOOR_SOCK_PLAIN && arg.why == (uint32_t)why;
}

/* Bytes pass both ways, and the end of one is the end of the other. */
static bool works(int p[2])
{
	char c;

	if (!send_all(p[0], 0, 5000) || !recv_all(p[1], 0, 5000) ||
	    !send_all(p[1], 0, 100) || !recv_all(p[0], 0, 100))
		return false;
	close(p[0]);
	p[0] = -1;
	return recv(p[1], &c, 1, MSG_DONTWAIT) == 0;
}

TEST_F(pair, joined)
{
	EXPECT_EQ(DOOR_SOCK_JOINED, mark_pair(self->a[0], self->a[1]));
	EXPECT_TRUE(works(self->a));
	EXPECT_EQ(DOOR_SOCK_JOINED, mark_pair(self->b[1], self->b[0]));
	EXPECT_TRUE(works(self->b));
}

TEST_F(pair, ends_of_two_pairs)
{
	EXPECT_TRUE(refused(self->a[0], self->b[1], DOOR_WHY_CONNECTED));
	EXPECT_TRUE(refused(self->b[0], self->a[0], DOOR_WHY_CONNECTED));
	EXPECT_TRUE(works(self->a));
	EXPECT_TRUE(works(self->b));
}

TEST_F(pair, one_end_twice)
{
	EXPECT_TRUE(refused(self->a[0], self->a[0], DOOR_WHY_CONNECTED));
	EXPECT_TRUE(works(self->a));
}

TEST_F(pair, joined_before)
{
	EXPECT_EQ(DOOR_SOCK_JOINED, mark_pair(self->a[0], self->a[1]));
	EXPECT_TRUE(refused(self->a[0], self->a[1], DOOR_WHY_BUSY));
	EXPECT_TRUE(works(self->a));
}

TEST_F(pair, something_sent_before)
{
	ASSERT_TRUE(send_all(self->a[0], 0, 10));
	ASSERT_TRUE(send_all(self->b[1], 0, 10));
	EXPECT_TRUE(refused(self->a[0], self->a[1], DOOR_WHY_CONNECTED));
	EXPECT_TRUE(refused(self->b[0], self->b[1], DOOR_WHY_CONNECTED));
	ASSERT_TRUE(send_all(self->a[0], 10, 10));
	EXPECT_TRUE(recv_all(self->a[1], 0, 20));
	EXPECT_TRUE(recv_all(self->b[0], 0, 10));
	EXPECT_TRUE(works(self->a));
	EXPECT_TRUE(works(self->b));
}

/* Not even a reference stays: the end of one is the end of the other. */
TEST_F(pair, no_sockets)
{
	struct door_ioc_sock arg;
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	int bad[] = {-1, 4000, file};
	int expected[] = {-EBADF, -EBADF, -ENOTSOCK};

	for (int i = 0; i < 3; i++) {
		arg = (struct door_ioc_sock){.fd = self->a[0], .fd2 = bad[i]};
		EXPECT_EQ(expected[i], sock_ioctl(DOOR_IOC_SOCK_PAIR, &arg));
		arg = (struct door_ioc_sock){.fd = bad[i], .fd2 = self->b[0]};
		EXPECT_EQ(expected[i], sock_ioctl(DOOR_IOC_SOCK_PAIR, &arg));
	}
	EXPECT_TRUE(works(self->a));
	EXPECT_TRUE(works(self->b));
	close(file);
}

TEST_HARNESS_MAIN
