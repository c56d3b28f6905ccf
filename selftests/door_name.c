// SPDX-License-Identifier: GPL-2.0-only
/* Doors attached to files: who may, what opening gives, what stays a file. */
#include "name_test.h"

FIXTURE(name)
{
	struct place p;
	struct server *s;
};

FIXTURE_VARIANT(name)
{
	const char *where;
};

/* The root of the test machine is an overlay. */
FIXTURE_VARIANT_ADD(name, overlay){.where = "/tmp"};
FIXTURE_VARIANT_ADD(name, tmpfs){.where = "/dev/shm"};

FIXTURE_SETUP(name)
{
	self->s = &self->p.s;
	ASSERT_EQ(0, server_start(self->s));
	ASSERT_EQ(0, place_make(&self->p, variant->where));
}

FIXTURE_TEARDOWN(name)
{
	server_stop(self->s);
	place_clear(&self->p);
}

TEST_F(name, c010_c017_c052_c157_open_and_call)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	struct stat before, after, open_file;
	door_info_t info;
	int fd;

	ASSERT_EQ(0, stat(self->p.path, &before));
	ASSERT_EQ(0, fattach(self->s->door, self->p.path));
	for (int i = 0; i < 3; i++) {
		fd = open(self->p.path, modes[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i], fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
		EXPECT_EQ(id_of(self->s->door), id_of(fd));
		EXPECT_EQ(0, door_info(fd, &info));
		EXPECT_EQ(self->s->pid, info.di_target);
		EXPECT_EQ(0, info.di_attributes & DOOR_LOCAL);
		ASSERT_EQ(0, fstat(fd, &open_file));
		EXPECT_EQ(before.st_ino, open_file.st_ino);
		EXPECT_EQ(before.st_mode, open_file.st_mode);
		close(fd);
	}
	ASSERT_EQ(0, stat(self->p.path, &after));
	EXPECT_EQ(before.st_mode, after.st_mode);
	EXPECT_EQ(before.st_uid, after.st_uid);
	EXPECT_EQ(before.st_gid, after.st_gid);
	EXPECT_EQ(before.st_size, after.st_size);
}

TEST_F(name, c160_detached)
{
	int fd;

	ASSERT_EQ(0, fattach(self->s->door, self->p.path));
	fd = open(self->p.path, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
	close(fd);
	EXPECT_EQ(-1, fdetach(self->p.path));
	EXPECT_EQ(EINVAL, errno);
}

TEST_HARNESS_MAIN
