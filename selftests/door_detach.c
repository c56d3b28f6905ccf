// SPDX-License-Identifier: GPL-2.0-only
/*
 * Detaching where there is no /dev/door: any door will do, and so will the
 * name.
 */
#include "name_test.h"

PLACE_FIXTURE(detach)

/* In a process of its own, which has no /dev/door: what fdetach() says. */
static int detach_without_device(const char *path, uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (unshare(CLONE_NEWNS) ||
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("/dev/null", "/dev/door", NULL, MS_BIND, NULL) ||
		    setresuid(uid, uid, uid))
			_exit(255);
		_exit(fdetach(path) ? errno : 0);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* As in a container: the name goes all the same, for whom it would. */
TEST_F(detach, fdetach_without_the_device)
{
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	ASSERT_EQ(0, chmod(self->p.path, 0666));
	EXPECT_EQ(EPERM, detach_without_device(self->p.path, NOBODY));
	EXPECT_TRUE(is_door(self->p.path));
	EXPECT_EQ(0, detach_without_device(self->p.path, 0));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(EINVAL, detach_without_device(self->p.path, 0));
}

static void count_unrefs(void *cookie, char *argp, size_t size, door_desc_t *dp,
			 uint_t n)
{
	if (argp == DOOR_UNREF_DATA)
		atomic_fetch_add(&shared->unrefs, 1);
	else
		obey(cookie, argp, size, dp, n);
	door_return(NULL, 0, NULL, 0);
}

static int make_multi(void)
{
	return door_create(count_unrefs, NULL, DOOR_UNREF_MULTI);
}

/* Who only detaches is no client, and the owner hears of none. */
TEST_F(detach, is_no_client)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_multi));
	ASSERT_EQ(0, fattach(s.door, self->p.path));
	ASSERT_EQ(0, fattach(s.door, self->p.other));
	EXPECT_EQ(0, detach_without_device(self->p.path, 0));
	EXPECT_TRUE(has_data(self->p.path));
	/* What would have been told is told before the next. */
	close(open(self->p.other, O_RDONLY));
	EXPECT_TRUE(wait_until(shared->unrefs >= 1));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(1, shared->unrefs);
	server_stop(&s);
}

/* What a name gives whoever opens it for nothing understands one command. */
TEST_F(detach, opened_to_detach)
{
	struct door_ioc_name name = {.fd = open(self->p.path, O_PATH)};
	struct door_ioc_call call = {0};
	struct door_ioc_info info = {0};
	char byte;
	int d;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(EACCES, errno_as(NOBODY, open(self->p.path, O_ACCMODE) < 0));
	d = open(self->p.path, O_ACCMODE | O_CLOEXEC);
	ASSERT_LE(0, d);
	EXPECT_EQ(-1, read(d, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, write(d, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(d, DOOR_IOC_CALL, &call));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(d, DOOR_IOC_INFO, &info));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(-1, ioctl(d, DOOR_IOC_REVOKE));
	EXPECT_EQ(ENOTTY, errno);
	name.flags = 1;
	EXPECT_EQ(-1, ioctl(d, DOOR_IOC_DETACH, &name));
	EXPECT_EQ(EINVAL, errno);
	name.flags = 0;
	EXPECT_EQ(0, ioctl(d, DOOR_IOC_DETACH, &name));
	EXPECT_TRUE(has_data(self->p.path));
	/* A door does it, too: it need not be that of the name. */
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(0, ioctl(self->p.s.door, DOOR_IOC_DETACH, &name));
	EXPECT_TRUE(has_data(self->p.path));
	close(d);
	close(name.fd);
}

TEST_HARNESS_MAIN
