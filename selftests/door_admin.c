// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names as the administrator meets them: what holds a file system is found and
 * can be taken away; programs that read whole trees go on; users of files
 * inside the kernel get an error.
 */
#include "name_test.h"
#include "stats_test.h"

#include <linux/loop.h>
#include <sys/stat.h>
#include <sys/swap.h>

/* Not for programs of 32 bits. */
#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load (-1)
#endif

PLACE_FIXTURE(admin)

/* The tool of this build, with arguments. Return: its exit status. */
static int door_tool(const char *args, const char *out)
{
	char exe[200], command[600];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int status;

	exe[n > 0 ? n : 0] = 0;
	*strrchr(exe, '/') = 0;
	snprintf(command, sizeof(command), "%s/../bin/door %s >%s 2>&1", exe,
		 args, out);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* Says the list that this process has this name, apart from any descriptor? */
static int is_listed(struct place *p, const char *path, pid_t pid)
{
	char line[600], wanted[100];
	int found = 0, owner;
	FILE *f;

	if (door_tool("ls", p->other))
		return -1;
	snprintf(wanted, sizeof(wanted), " name  door-name:\t%s\n", path);
	f = fopen(p->other, "r");
	while (f && fgets(line, sizeof(line), f))
		found += sscanf(line, "%d", &owner) == 1 && owner == pid &&
			 strstr(line, wanted) &&
			 !strcmp(strstr(line, wanted), wanted);
	if (f)
		fclose(f);
	return found;
}

TEST_F(admin, names_are_found)
{
	struct place *p = &self->p;
	struct server s;

	EXPECT_EQ(0, is_listed(p, p->path, p->s.pid));
	ASSERT_EQ(0, fattach(p->s.door, p->path));
	EXPECT_EQ(1, is_listed(p, p->path, p->s.pid));
	/* One whose door nobody has open but its server. */
	ASSERT_EQ(0, fdetach(p->path));
	ASSERT_EQ(0, server_start(&s));
	ASSERT_EQ(0, fattach(s.door, p->path));
	EXPECT_EQ(1, is_listed(p, p->path, s.pid));
	server_stop(&s);
	EXPECT_TRUE(wait_until(is_listed(p, p->path, s.pid) == 0));
}

/* More than one message of the dump. */
TEST_F_TIMEOUT(admin, many_names, 120)
{
	struct place *p = &self->p;
	char path[100], line[600];
	int n = 0;
	FILE *f;

	for (int i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "%s/n%d", p->dir, i);
		ASSERT_EQ(0, put_data(path));
		ASSERT_EQ(0, fattach(p->s.door, path));
	}
	EXPECT_EQ(0, door_tool("ls", p->other));
	snprintf(path, sizeof(path), " name  door-name:\t%s/n", p->dir);
	f = fopen(p->other, "r");
	while (f && fgets(line, sizeof(line), f))
		n += !!strstr(line, path);
	fclose(f);
	EXPECT_EQ(150, n);
	for (int i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "%s/n%d", p->dir, i);
		unlink(path);
	}
}

static int ask_names(void)
{
	int nl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct nlattr *a, *end;
	uint16_t family = 0;
	char buf[8192];

	a = stats_ask(nl, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, DOOR_NL_NAME, buf,
		      sizeof(buf), &end);
	for (; a && a < end; a = AT_NEXT(a))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, AT_DATA(a), sizeof(family));
	a = stats_ask(nl, family, DOOR_NL_CMD_NAMES_GET, NULL, buf, sizeof(buf),
		      &end);
	close(nl);
	errno = EPERM;
	return a ? 0 : -1;
}

/* Where others have their files is told to the administrator only. */
TEST_F(admin, not_for_everybody)
{
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_EQ(0, ask_names());
	EXPECT_EQ(EPERM, errno_as(NOBODY, ask_names()));
}

/* Another user's name on another user's file holds a file system. */
TEST_F(admin, busy_file_system)
{
	struct place *p = &self->p;
	char mnt[80], file[100], args[120];

	snprintf(mnt, sizeof(mnt), "%s.mnt", p->dir);
	snprintf(file, sizeof(file), "%s/door", mnt);
	snprintf(args, sizeof(args), "detach %s", file);
	ASSERT_EQ(0, mkdir(mnt, 0777));
	ASSERT_EQ(0, mount("none", mnt, "tmpfs", 0, NULL));
	ASSERT_EQ(0, put_data(file));
	ASSERT_EQ(0, chown(file, NOBODY, NOBODY));
	ASSERT_EQ(0, errno_as(NOBODY, fattach(p->s.door, file)));
	EXPECT_EQ(-1, umount(mnt));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(1, is_listed(p, file, p->s.pid));
	EXPECT_NE(0, errno_as(NOBODY - 1,
			      (errno = EPERM, door_tool(args, "/dev/null"))));
	EXPECT_TRUE(is_door(file));
	EXPECT_EQ(0, door_tool(args, "/dev/null"));
	EXPECT_TRUE(has_data(file));
	EXPECT_EQ(1, door_tool(args, "/dev/null"));
	/* The look-ups above are through. */
	EXPECT_TRUE(wait_until(!umount(mnt)));
	rmdir(mnt);
}

/* Lazily, the file system goes with the name. */
TEST_F(admin, lazy_unmount)
{
	struct place *p = &self->p;
	char mnt[80], file[100];

	snprintf(mnt, sizeof(mnt), "%s.mnt", p->dir);
	snprintf(file, sizeof(file), "%s/door", mnt);
	ASSERT_EQ(0, mkdir(mnt, 0777));
	ASSERT_EQ(0, mount("none", mnt, "tmpfs", 0, NULL));
	ASSERT_EQ(0, put_data(file));
	ASSERT_EQ(0, fattach(p->s.door, file));
	EXPECT_EQ(0, umount2(mnt, MNT_DETACH));
	EXPECT_EQ(0, rmdir(mnt));
	/* Still there for its clients, and named by what is left of its path.
	 */
	EXPECT_EQ(0, ask(p->s.door, OP_NOTHING, 0));
	EXPECT_EQ(1, is_listed(p, "/door", p->s.pid));
}

/* Says that one file cannot be read, and goes on with the others. */
TEST_F(admin, whole_trees)
{
	static const char *const programs[] = {
		"grep -rc what %s",
		"cp -a %s %s.copy && false; cat %s.copy/other; ls %s.copy",
		"tar -c -C %s . | tar -t",
	};
	struct place *p = &self->p;
	char command[600], line[200];

	ASSERT_EQ(0, fattach(p->s.door, p->path));
	for (int i = 0; i < 3; i++) {
		int others = 0;
		FILE *f;

		/* Not all of them take as many arguments. */
		snprintf(command, sizeof(command), programs[i], p->dir, p->dir,
			 p->dir, p->dir);
		strncat(command, " 2>/dev/null",
			sizeof(command) - strlen(command) - 1);
		f = popen(command, "r");
		while (f && fgets(line, sizeof(line), f))
			others += !!strstr(line, i == 1 ? "what" : "other");
		EXPECT_NE(0, others);
		pclose(f);
	}
	EXPECT_TRUE(is_door(p->path));
	snprintf(command, sizeof(command), "rm -r %s.copy", p->dir);
	EXPECT_EQ(0, system(command));
}

/* An overlay reads the data of what lies below it, whatever name that has. */
TEST_F(admin, below_an_overlay)
{
	struct place *p = &self->p;
	char mnt[80], command[400];

	snprintf(mnt, sizeof(mnt), "%s.mnt", p->dir);
	ASSERT_EQ(0, mkdir(mnt, 0777));
	ASSERT_EQ(0, mount("none", mnt, "tmpfs", 0, NULL));
	ASSERT_EQ(0, chdir(mnt));
	ASSERT_EQ(0, mkdir("lower", 0777));
	ASSERT_EQ(0, put_data("lower/door"));
	snprintf(command, sizeof(command),
		 "mkdir upper work top && mount -t overlay overlay -o "
		 "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work top",
		 mnt, mnt, mnt);
	ASSERT_EQ(0, system(command));
	ASSERT_EQ(0, fattach(p->s.door, "lower/door"));
	EXPECT_TRUE(is_door("lower/door"));
	EXPECT_TRUE(has_data("top/door"));
	ASSERT_EQ(0, fdetach("lower/door"));
	EXPECT_EQ(0, umount("top"));
	ASSERT_EQ(0, chdir("/"));
	/* The look-ups above are through. */
	EXPECT_TRUE(wait_until(!umount(mnt)));
	rmdir(mnt);
}

/* Users of files inside the kernel: an error for each, and nothing else. */
TEST_F(admin, kernel_users)
{
	struct place *p = &self->p;
	int fd, loop, control;

	ASSERT_EQ(0, fattach(p->s.door, p->path));
	EXPECT_EQ(-1, swapon(p->path, 0));
	EXPECT_EQ(-1, acct(p->path));
	for (int mode = O_RDONLY; mode <= O_ACCMODE; mode++) {
		fd = open(p->path, mode);
		ASSERT_LE(0, fd);
		EXPECT_EQ(-1, syscall(SYS_finit_module, fd, "", 0));
		EXPECT_EQ(-1, syscall(SYS_kexec_file_load, fd, fd, 1, "", 0));
		syscall(SYS_readahead, fd, 0, 4096);
		EXPECT_EQ(MAP_FAILED,
			  mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
		control = open("/dev/loop-control", O_RDWR);
		if (control >= 0) {
			char path[40];

			snprintf(path, sizeof(path), "/dev/loop%d",
				 ioctl(control, LOOP_CTL_GET_FREE));
			loop = open(path, O_RDWR);
			if (loop >= 0 && !ioctl(loop, LOOP_SET_FD, fd)) {
				char block[512];

				EXPECT_GT(1, read(loop, block, 512));
				ioctl(loop, LOOP_CLR_FD);
			}
			close(loop);
			close(control);
		}
		close(fd);
	}
	EXPECT_TRUE(is_door(p->path));
	ASSERT_EQ(0, fdetach(p->path));
	EXPECT_TRUE(has_data(p->path));
}

TEST_HARNESS_MAIN
