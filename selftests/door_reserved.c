// SPDX-License-Identifier: GPL-2.0-only
/* What the ABI says must be 0 is refused when it is not, in every command. */
#include "door_test.h"

#include <stddef.h>
#include <sys/ioctl.h>

struct field {
	const char *name;
	unsigned long cmd;
	int of_door;
	size_t at, size;
};

#define FIELD(cmd, type, member, of_door)                             \
	{                                                             \
#cmd "." #member, DOOR_IOC_##cmd, of_door,            \
			offsetof(struct door_ioc_##type, member),     \
			sizeof(((struct door_ioc_##type *)0)->member) \
	}

static const struct field fields[] = {
	FIELD(CREATE, create, flags, 0),     FIELD(RETURN, return, flags, 0),
	FIELD(RETURN, return, reserved, 0),  FIELD(BIND, bind, flags, 0),
	FIELD(CRED, cred, flags, 0),	     FIELD(CRED, cred, reserved, 0),
	FIELD(DETACH, name, flags, 0),	     FIELD(SOCK_LISTEN, sock, flags, 0),
	FIELD(SOCK_CONNECT, sock, flags, 0), FIELD(SOCK_PAIR, sock, flags, 0),
	FIELD(SOCK_INFO, sock, flags, 0),    FIELD(GETPARAM, param, flags, 1),
	FIELD(SETPARAM, param, flags, 1),    FIELD(ATTACH, name, flags, 1),
	FIELD(DETACH, name, flags, 1),
};

static void no_op(int sig)
{
	(void)sig;
}

/* Every bit of each, one at a time; a command that would wait is interrupted.
 */
TEST(must_be_zero)
{
	struct sigaction sa = {.sa_handler = no_op};
	struct door_ioc_create c = {.attributes = DOOR_ATTR_PRIVATE};
	int control = open("/dev/door", O_RDWR), door;
	unsigned char ioc[128];

	sigaction(SIGALRM, &sa, NULL);
	door = ioctl(control, DOOR_IOC_CREATE, &c);
	ASSERT_LE(0, door);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct field *f = &fields[i];

		for (size_t bit = 0; bit < 8 * f->size; bit++) {
			int ret, err, fds = count_fds();

			memset(ioc, 0, sizeof(ioc));
			ioc[f->at + bit / 8] = 1 << bit % 8;
			alarm(5);
			ret = ioctl(f->of_door ? door : control, f->cmd, ioc);
			err = errno;
			alarm(0);
			ASSERT_EQ(-1, ret)
			{
				TH_LOG("%s, bit %zu", f->name, bit);
			}
			ASSERT_EQ(EINVAL, err)
			{
				TH_LOG("%s, bit %zu", f->name, bit);
			}
			ASSERT_EQ(fds, count_fds());
		}
	}
}

/* What only comes out is 0 where it says nothing, whatever was there before. */
TEST(comes_out_as_zero)
{
	int control = open("/dev/door", O_RDWR), door;
	struct door_ioc_create c = {.attributes = DOOR_ATTR_PRIVATE};
	struct door_ioc_info info;

	door = ioctl(control, DOOR_IOC_CREATE, &c);
	ASSERT_LE(0, door);
	memset(&info, 0xff, sizeof(info));
	ASSERT_EQ(0, ioctl(door, DOOR_IOC_INFO, &info));
	EXPECT_EQ(0, info.reserved);
}

TEST_HARNESS_MAIN
