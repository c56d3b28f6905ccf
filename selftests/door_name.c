// SPDX-License-Identifier: GPL-2.0-only
/* Doors attached to files: who may, what opening gives, what stays a file. */
#include "name_test.h"

#include <linux/fs.h>
#include <sys/sendfile.h>

PLACE_FIXTURE(name)

TEST_F(name, c010_c017_c052_c157_open_and_call)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	struct stat before, after, open_file;
	door_info_t info;
	int fd;

	ASSERT_EQ(0, stat(self->p.path, &before));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	for (int i = 0; i < 3; i++) {
		fd = open(self->p.path, modes[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(modes[i], fcntl(fd, F_GETFL) & O_ACCMODE);
		EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
		EXPECT_EQ(0, door_info(fd, &info));
		EXPECT_EQ(id_of(self->p.s.door), info.di_uniquifier);
		EXPECT_EQ(self->p.s.pid, info.di_target);
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
	EXPECT_EQ(before.st_nlink, after.st_nlink);
}

TEST_F(name, c158_two_paths)
{
	int a, b;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.other));
	a = open(self->p.path, O_RDONLY);
	b = open(self->p.other, O_RDONLY);
	EXPECT_EQ(0, ask(a, OP_NOTHING, 0));
	EXPECT_EQ(0, ask(b, OP_NOTHING, 0));
	EXPECT_EQ(id_of(a), id_of(b));
	close(a);
	close(b);
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_TRUE(is_door(self->p.other));
}

TEST_F(name, c159_no_such_path)
{
	char path[128], longer[300];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	snprintf(path, sizeof(path), "%s/missing", self->p.dir);
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, fattach(self->p.s.door, ""));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, fattach(self->p.s.door, NULL));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, fattach(self->p.s.door, longer));
	EXPECT_EQ(ENAMETOOLONG, errno);
	EXPECT_EQ(-1, fattach(self->p.s.door, (char *)8));
	EXPECT_EQ(EFAULT, errno);
	snprintf(path, sizeof(path), "%s/below", self->p.path);
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(ENOTDIR, errno);
	snprintf(path, sizeof(path), "%s/loop", self->p.dir);
	ASSERT_EQ(0, symlink(path, path));
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(ELOOP, errno);
	EXPECT_EQ(-1, fdetach(path));
	EXPECT_EQ(ELOOP, errno);
	unlink(path);
}

TEST_F(name, c159_no_door)
{
	int pipe_end[2];

	ASSERT_EQ(0, pipe(pipe_end));
	EXPECT_EQ(-1, fattach(-1, self->p.path));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fattach(999, self->p.path));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fattach(pipe_end[0], self->p.path));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(has_data(self->p.path));
	close(pipe_end[0]);
	close(pipe_end[1]);
}

TEST_F(name, c159_permissions)
{
	ASSERT_EQ(0, chmod(self->p.path, 0666));
	EXPECT_EQ(EPERM,
		  errno_as(NOBODY, fattach(self->p.s.door, self->p.path)));
	ASSERT_EQ(0, chown(self->p.path, NOBODY, -1));
	ASSERT_EQ(0, chmod(self->p.path, 0400));
	EXPECT_EQ(EACCES,
		  errno_as(NOBODY, fattach(self->p.s.door, self->p.path)));
	ASSERT_EQ(0, chmod(self->p.dir, 0700));
	EXPECT_EQ(EACCES,
		  errno_as(NOBODY, fattach(self->p.s.door, self->p.path)));
	EXPECT_EQ(EACCES, errno_as(NOBODY, fdetach(self->p.path)));
	EXPECT_TRUE(has_data(self->p.path));
	/* An owner who may write, and who holds the door but did not make it.
	 */
	ASSERT_EQ(0, chmod(self->p.dir, 0755));
	ASSERT_EQ(0, chmod(self->p.path, 0600));
	EXPECT_EQ(0, errno_as(NOBODY, fattach(self->p.s.door, self->p.path)));
	EXPECT_TRUE(is_door(self->p.path));
	EXPECT_EQ(0, errno_as(NOBODY, fdetach(self->p.path)));
}

static int set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY), ret;

	ret = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	close(fd);
	return ret;
}

/* What is in the file may not be replaced, not even by root. */
TEST_F(name, c159_append_only_and_immutable)
{
	static const int flags[] = {FS_APPEND_FL, FS_IMMUTABLE_FL};

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_flags(self->p.path, flags[i]));
		EXPECT_EQ(-1, fattach(self->p.s.door, self->p.path));
		EXPECT_EQ(EPERM, errno);
		ASSERT_EQ(0, set_flags(self->p.path, 0));
		EXPECT_TRUE(has_data(self->p.path));
	}
	EXPECT_EQ(0, fattach(self->p.s.door, self->p.path));
}

static int executes(pid_t pid, const char *path)
{
	char link_path[64], target[128] = "";

	snprintf(link_path, sizeof(link_path), "/proc/%d/exe", pid);
	return readlink(link_path, target, sizeof(target) - 1) > 0 &&
	       !strcmp(target, path);
}

/* Whatever else stands against opening it for writing. */
TEST_F(name, c159_as_for_writing)
{
	char at[80], path[96], command[160];
	pid_t pid;

	snprintf(at, sizeof(at), "%s/mount", self->p.dir);
	snprintf(path, sizeof(path), "%s/path", at);
	ASSERT_EQ(0, mkdir(at, 0755));
	ASSERT_EQ(0, mount(self->p.dir, at, NULL, MS_BIND, NULL));
	EXPECT_EQ(0, mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY,
			   NULL));
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(EROFS, errno);
	EXPECT_EQ(0, umount(at));
	rmdir(at);
	snprintf(command, sizeof(command), "cp /bin/sleep %s; chmod 755 %s",
		 self->p.path, self->p.path);
	ASSERT_EQ(0, system(command));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(self->p.path, "sleep", "100", NULL);
		_exit(1);
	}
	ASSERT_TRUE(wait_until(executes(pid, self->p.path)));
	EXPECT_EQ(-1, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(ETXTBSY, errno);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, fattach(self->p.s.door, self->p.path));
}

TEST_F(name, c159_busy)
{
	struct server t;

	ASSERT_EQ(0, server_start(&t));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(-1, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, fattach(t.door, self->p.path));
	EXPECT_EQ(EBUSY, errno);
	int fd = open(self->p.path, O_RDONLY);
	EXPECT_EQ(id_of(self->p.s.door), id_of(fd));
	close(fd);
	server_stop(&t);
	EXPECT_TRUE(is_door(self->p.path));
}

TEST_F(name, not_a_local_regular_file)
{
	static const char *const paths[] = {"/proc/self/oom_score_adj",
					    "/proc/meminfo",
					    "/proc/sys/kernel/hostname",
					    "/sys/kernel/mm/ksm/run",
					    "/sys/fs/cgroup/cgroup.procs",
					    "/dev/null",
					    "/tmp"};
	char path[64];
	int fd;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], F_OK))
			continue;
		EXPECT_EQ(-1, fattach(self->p.s.door, paths[i]));
		EXPECT_EQ(EINVAL, errno)
		TH_LOG("%s", paths[i]);
	}
	/* No path leads to this one. */
	fd = memfd_create("none", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(EINVAL, errno);
	close(fd);
	/* Nor should a pipe have a reader for a moment. */
	ASSERT_EQ(0, unlink(self->p.path));
	ASSERT_EQ(0, mkfifo(self->p.path, 0600));
	EXPECT_EQ(-1, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_open(self->p.path, O_RDONLY));
	EXPECT_EQ(ENXIO, errno);
}

TEST_F(name, c160_detached)
{
	int fd;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = open(self->p.path, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
	EXPECT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_TRUE(is_door(self->p.path));
	close(fd);
}

TEST_F(name, c161_nothing_to_detach)
{
	char path[128];

	EXPECT_EQ(-1, fdetach(self->p.path));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fdetach(NULL));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, fdetach(""));
	EXPECT_EQ(ENOENT, errno);
	snprintf(path, sizeof(path), "%s/below", self->p.path);
	EXPECT_EQ(-1, fdetach(path));
	EXPECT_EQ(ENOTDIR, errno);
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(EPERM, errno_as(NOBODY, fdetach(self->p.path)));
	EXPECT_TRUE(is_door(self->p.path));
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_EQ(-1, fdetach(self->p.path));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(name, c162_relative)
{
	ASSERT_EQ(0, chdir(self->p.dir));
	ASSERT_EQ(0, fattach(self->p.s.door, "path"));
	EXPECT_TRUE(is_door("path"));
	EXPECT_TRUE(is_door(self->p.path));
	ASSERT_EQ(0, fdetach("./path"));
	EXPECT_TRUE(has_data("path"));
}

TEST_F(name, c163_mode)
{
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	ASSERT_EQ(0, chmod(self->p.path, 0400));
	EXPECT_EQ(EACCES, errno_as(NOBODY, open(self->p.path, O_RDONLY) < 0));
	EXPECT_EQ(EACCES,
		  errno_as(NOBODY, door_open(self->p.path, O_RDONLY) < 0));
	ASSERT_EQ(0, chmod(self->p.path, 0604));
	EXPECT_EQ(0, errno_as(NOBODY, !is_door(self->p.path)));
	EXPECT_EQ(EACCES, errno_as(NOBODY, open(self->p.path, O_RDWR) < 0));
}

TEST_F(name, c166_create)
{
	int fd;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = open(self->p.path, O_RDWR | O_CREAT, 0600);
	EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
	close(fd);
	EXPECT_EQ(-1, open(self->p.path, O_RDWR | O_CREAT | O_EXCL, 0600));
	EXPECT_EQ(EEXIST, errno);
}

/* Nothing gets at the file through the door, nor into trouble by trying. */
TEST_F(name, c167_no_data)
{
	struct pollfd poll_fd = {.events = POLLIN | POLLOUT};
	int fd, in, out;
	char byte = 'x';

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = open(self->p.path, O_RDWR);
	in = open(self->p.other, O_RDONLY);
	out = open(self->p.other, O_WRONLY | O_APPEND);
	poll_fd.fd = fd;
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, fallocate(fd, 0, 0, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fsync(fd));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(fd, FICLONE, in));
	EXPECT_EQ(EBADF, errno);
	EXPECT_GT(0, copy_file_range(in, NULL, fd, NULL, 8, 0));
	EXPECT_GT(0, copy_file_range(fd, NULL, out, NULL, 8, 0));
	EXPECT_GT(0, sendfile(out, fd, NULL, 8));
	EXPECT_GT(0, sendfile(fd, in, NULL, 8));
	posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	readahead(fd, 0, sizeof(DATA));
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
	EXPECT_EQ(-1, open(self->p.path, O_RDWR | O_TRUNC));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, open(self->p.path, O_RDWR | O_DIRECT));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, chmod(self->p.path, 0755));
	EXPECT_EQ(EACCES,
		  errno_of(execl(self->p.path, self->p.path, (char *)NULL)));
	EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
	close(fd);
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_TRUE(has_data(self->p.other));
	close(in);
	close(out);
}

TEST_F(name, c168_link_and_rename)
{
	char link_path[64];

	snprintf(link_path, sizeof(link_path), "%s/link", self->p.dir);
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	ASSERT_EQ(0, link(self->p.path, link_path));
	EXPECT_TRUE(is_door(link_path));
	ASSERT_EQ(0, rename(self->p.path, self->p.other));
	EXPECT_TRUE(is_door(self->p.other));
	ASSERT_EQ(0, fdetach(link_path));
	EXPECT_TRUE(has_data(self->p.other));
	EXPECT_TRUE(has_data(link_path));
	unlink(link_path);
}

TEST_F(name, unmodified_programs)
{
	char command[300];

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	snprintf(command, sizeof(command),
		 "grep -q ^door-id: /proc/self/fdinfo/3 3<%s", self->p.path);
	EXPECT_EQ(0, system(command));
	snprintf(command, sizeof(command),
		 "cat %s 2>&1 | grep -q 'Invalid argument'", self->p.path);
	EXPECT_EQ(0, system(command));
	snprintf(command, sizeof(command), "! (: >%s) 2>/dev/null",
		 self->p.path);
	EXPECT_EQ(0, system(command));
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
}

TEST_F(name, door_open)
{
	int fd;

	EXPECT_EQ(-1, door_open(self->p.path, O_RDWR | O_TRUNC));
	EXPECT_EQ(ENXIO, errno);
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(-1, door_open(NULL, O_RDONLY));
	EXPECT_EQ(ENOENT, errno);
	unlink(self->p.other);
	EXPECT_EQ(-1, door_open(self->p.other, O_RDWR | O_CREAT));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-1, access(self->p.other, F_OK));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = door_open(self->p.path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(0, ask(fd, OP_NOTHING, 0));
	close(fd);
}

TEST_F(name, ioctls)
{
	struct door_ioc_name name = {.fd = open(self->p.path, O_RDWR)};
	int control = open("/dev/door", O_RDWR);

	/* Has to be O_PATH to attach; any descriptor will do to detach. */
	EXPECT_EQ(-1, ioctl(self->p.s.door, DOOR_IOC_ATTACH, &name));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(0, ioctl(control, DOOR_IOC_DETACH, &name));
	close(name.fd);
	name.fd = open(self->p.path, O_PATH);
	name.flags = 1;
	EXPECT_EQ(-1, ioctl(self->p.s.door, DOOR_IOC_ATTACH, &name));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(control, DOOR_IOC_DETACH, &name));
	EXPECT_EQ(EINVAL, errno);
	close(name.fd);
	name.flags = 0;
	EXPECT_EQ(-1, ioctl(self->p.s.door, DOOR_IOC_ATTACH, &name));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, ioctl(control, DOOR_IOC_DETACH, &name));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(0, isastream(self->p.s.door));
	EXPECT_EQ(-1, isastream(-1));
	EXPECT_EQ(EBADF, errno);
	close(control);
}

TEST_HARNESS_MAIN
