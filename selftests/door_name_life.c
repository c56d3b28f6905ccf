// SPDX-License-Identifier: GPL-2.0-only
/* When names end, who notices, and everything at once. */
#include "name_test.h"

PLACE_FIXTURE(life)

TEST_F(life, c164_server_killed)
{
	int fd;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.other));
	fd = open(self->p.path, O_RDWR);
	ASSERT_EQ(0, ask(fd, OP_NOTHING, 0));
	kill(self->p.s.pid, SIGKILL);
	waitpid(self->p.s.pid, NULL, 0);
	EXPECT_TRUE(wait_until(has_data(self->p.path)));
	EXPECT_TRUE(has_data(self->p.other));
	EXPECT_EQ(-1, ask(fd, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fdetach(self->p.path));
	EXPECT_EQ(EINVAL, errno);
	/* It cannot be given a name again. */
	EXPECT_EQ(-1, fattach(fd, self->p.path));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(has_data(self->p.path));
	close(fd);
}

TEST_F(life, server_executes)
{
	int fd;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = open(self->p.path, O_RDONLY);
	EXPECT_EQ(-1, ask(fd, OP_EXEC, 0));
	EXPECT_EQ(EINTR, errno);
	EXPECT_TRUE(wait_until(has_data(self->p.path)));
	EXPECT_EQ(-1, ask(fd, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	close(fd);
}

TEST_F(life, revoked)
{
	struct pollfd p = {0};

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	p.fd = open(self->p.path, O_RDWR);
	ASSERT_EQ(0, poll(&p, 1, 0));
	ASSERT_EQ(0, ask(p.fd, OP_REVOKE, 0));
	EXPECT_TRUE(has_data(self->p.path));
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLHUP, p.revents);
	EXPECT_EQ(-1, ask(p.fd, OP_NOTHING, 0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, fattach(p.fd, self->p.path));
	EXPECT_EQ(EBADF, errno);
	close(p.fd);
}

/* Nobody has a descriptor: the name alone keeps the door. */
TEST_F(life, c156_only_the_name)
{
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	close(self->p.s.door);
	self->p.s.door = -1;
	EXPECT_TRUE(is_door(self->p.path));
}

TEST_F(life, c165_restart)
{
	struct server t;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	kill(self->p.s.pid, SIGKILL);
	ASSERT_EQ(0, server_start(&t));
	ASSERT_EQ(0, unlink(self->p.path));
	ASSERT_EQ(0, put_data(self->p.path));
	ASSERT_EQ(0, fattach(t.door, self->p.path));
	EXPECT_TRUE(is_door(self->p.path));
	server_stop(&t);
	EXPECT_TRUE(wait_until(has_data(self->p.path)));
}

TEST_F(life, c165_removed_while_attached)
{
	char removed[64];
	int fd;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	fd = open(self->p.path, O_PATH);
	snprintf(removed, sizeof(removed), "/proc/self/fd/%d", fd);
	ASSERT_EQ(0, unlink(self->p.path));
	EXPECT_TRUE(is_door(removed));
	ASSERT_EQ(0, put_data(self->p.path));
	EXPECT_TRUE(has_data(self->p.path));
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_TRUE(is_door(self->p.path));
	/* The door has not two names. */
	EXPECT_TRUE(has_data(removed));
	close(fd);
}

TEST_F_TIMEOUT(life, many_names, 300)
{
	char path[80];
	int i;

	for (i = 0; i < 1025; i++) {
		snprintf(path, sizeof(path), "%s/%d", self->p.dir, i);
		close(open(path, O_CREAT | O_RDWR, 0600));
		if (fattach(self->p.s.door, path))
			break;
	}
	EXPECT_EQ(1024, i);
	EXPECT_EQ(EMLINK, errno);
	EXPECT_EQ(-1, door_open(path, O_RDONLY));
	/* Those of a killed server all end. */
	kill(self->p.s.pid, SIGKILL);
	waitpid(self->p.s.pid, NULL, 0);
	for (i = 0; i < 1025; i++) {
		snprintf(path, sizeof(path), "%s/%d", self->p.dir, i);
		if (i % 128 == 0)
			EXPECT_TRUE(wait_until(door_open(path, O_RDONLY) < 0));
		unlink(path);
	}
}

/* Counts of readers and writers, which the VFS keeps by mode, come out even. */
TEST_F(life, open_counts)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	int fd = open(self->p.path, O_RDONLY), door;

	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_WRLCK));
	ASSERT_EQ(0, fcntl(fd, F_SETLEASE, F_UNLCK));
	close(fd);
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
		door = open(self->p.path, modes[i]);
		ASSERT_EQ(0, fdetach(self->p.path));
		fd = open(self->p.path, O_RDONLY);
		/* A writer is one as long as it is open. */
		if (modes[i] != O_RDONLY) {
			EXPECT_EQ(-1, fcntl(fd, F_SETLEASE, F_RDLCK));
			EXPECT_EQ(EAGAIN, errno);
		}
		close(door);
		EXPECT_EQ(0, fcntl(fd, F_SETLEASE, F_WRLCK));
		close(fd);
	}
}

static int make_mount(const char *at, char *path, size_t size)
{
	snprintf(path, size, "%s/file", at);
	if (mkdir(at, 0755) || mount("none", at, "tmpfs", 0, NULL))
		return -1;
	return put_data(path);
}

TEST_F(life, keeps_the_file_system)
{
	char at[80], path[96];
	int fd;

	snprintf(at, sizeof(at), "%s/mount", self->p.dir);
	ASSERT_EQ(0, make_mount(at, path, sizeof(path)));
	ASSERT_EQ(0, fattach(self->p.s.door, path));
	EXPECT_EQ(-1, umount(at));
	EXPECT_EQ(EBUSY, errno);
	/* But for writing only while it is open for that. */
	fd = open(path, O_RDWR);
	EXPECT_EQ(-1, mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(EBUSY, errno);
	close(fd);
	EXPECT_EQ(0, mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_TRUE(is_door(path));
	EXPECT_EQ(0, fdetach(path));
	EXPECT_EQ(-1, fattach(self->p.s.door, path));
	EXPECT_EQ(EROFS, errno);
	EXPECT_EQ(0, umount(at));
	rmdir(at);
	ASSERT_EQ(0, make_mount(at, path, sizeof(path)));
	ASSERT_EQ(0, fattach(self->p.s.door, path));
	kill(self->p.s.pid, SIGKILL);
	waitpid(self->p.s.pid, NULL, 0);
	EXPECT_EQ(0, umount(at));
	rmdir(at);
}

static int elsewhere(const struct place *p, const char *at)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/path", at);
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mkdir(at, 0755) || mount(p->dir, at, NULL, MS_BIND, NULL))
		return 100;
	if (!is_door(path))
		return 101;
	if (fdetach(path) || !has_data(path))
		return 102;
	if (fattach(p->s.door, path))
		return 103;
	return 0;
}

TEST_F(life, other_mount_namespace)
{
	char at[80];
	int status;
	pid_t pid;

	snprintf(at, sizeof(at), "%s/mount", self->p.dir);
	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	pid = fork();
	if (pid == 0)
		_exit(elsewhere(&self->p, at));
	waitpid(pid, &status, 0);
	EXPECT_EQ(0, WEXITSTATUS(status));
	/* Attached there, through a mount that has gone: the file is the same.
	 */
	EXPECT_TRUE(is_door(self->p.path));
	rmdir(at);
}

/* Does what is shown of a descriptor of ours have such a line? */
static bool shows(int fd, const char *what, const char *path)
{
	char command[200];

	snprintf(command, sizeof(command),
		 "grep -q '^door-%s:.*%s$' /proc/%d/fdinfo/%d", what, path,
		 getpid(), fd);
	return system(command) == 0;
}

TEST_F(life, listed)
{
	int client;

	ASSERT_EQ(0, fattach(self->p.s.door, self->p.path));
	EXPECT_TRUE(shows(self->p.s.door, "name", self->p.path));
	/* To the owner. */
	client = open(self->p.path, O_RDONLY);
	ASSERT_LE(0, client);
	EXPECT_TRUE(shows(client, "id", ""));
	EXPECT_FALSE(shows(client, "name", ""));
	close(client);
	ASSERT_EQ(0, fdetach(self->p.path));
	EXPECT_FALSE(shows(self->p.s.door, "name", self->p.path));
}

static void count_unrefs(void *cookie, char *argp, size_t size, door_desc_t *dp,
			 uint_t n)
{
	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	if (argp == DOOR_UNREF_DATA)
		atomic_fetch_add(&shared->unrefs, 1);
	door_return(NULL, 0, NULL, 0);
}

static int make_unref(void)
{
	return door_create(count_unrefs, NULL, DOOR_UNREF);
}

static int make_multi(void)
{
	return door_create(count_unrefs, NULL, DOOR_UNREF_MULTI);
}

/* Long enough for a notice that should not come to come. */
static void settle(int d)
{
	for (int i = 0; i < 50; i++) {
		door_call(d, NULL);
		nap();
	}
}

TEST_F(life, c144_c145_unreferenced)
{
	struct server t;

	for (int multi = 0; multi < 2; multi++) {
		atomic_store(&shared->unrefs, 0);
		ASSERT_EQ(0, server_with(&t, multi ? make_multi : make_unref));
		ASSERT_EQ(0, fattach(t.door, self->p.path));
		/* The name is no client, nor is attaching. */
		settle(t.door);
		EXPECT_EQ(0, shared->unrefs);
		for (int i = 1; i <= 5; i++) {
			close(open(self->p.path, O_RDONLY));
			EXPECT_TRUE(
				wait_until(shared->unrefs == (multi ? i : 1)));
		}
		ASSERT_EQ(0, fdetach(self->p.path));
		settle(t.door);
		EXPECT_EQ(multi ? 5 : 1, shared->unrefs);
		server_stop(&t);
	}
}

TEST_F(life, c146_only_the_last)
{
	struct server t;
	int fd[3];

	ASSERT_EQ(0, server_with(&t, make_multi));
	ASSERT_EQ(0, fattach(t.door, self->p.path));
	for (int i = 0; i < 3; i++)
		fd[i] = open(self->p.path, i);
	close(fd[0]);
	close(fd[1]);
	ASSERT_EQ(0, fdetach(self->p.path));
	settle(t.door);
	EXPECT_EQ(0, shared->unrefs);
	close(fd[2]);
	EXPECT_TRUE(wait_until(shared->unrefs == 1));
	settle(t.door);
	EXPECT_EQ(1, shared->unrefs);
	server_stop(&t);
}

struct hammer {
	const struct place *p;
	int door;
	atomic_int stop;
	atomic_int doors;
	atomic_int files;
	atomic_int attached;
	atomic_int wrong;
};

/* What is opened is a door that answers or the file, nothing in between. */
static void *open_it(void *arg)
{
	struct hammer *h = (struct hammer *)arg;

	for (int i = 0; !atomic_load(&h->stop); i++) {
		int fd = open(h->p->path, i % 2 ? O_RDWR : O_RDONLY);

		if (fd < 0)
			atomic_fetch_add(&h->wrong, 1);
		else if (ask(fd, OP_NOTHING, 0) == 0)
			atomic_fetch_add(&h->doors, 1);
		else if (reads_data(fd))
			atomic_fetch_add(&h->files, 1);
		/* A door whose server was killed. */
		else if (!h->door && !ioctl(fd, DOOR_IOC_ABANDON))
			atomic_fetch_add(&h->doors, 1);
		else
			atomic_fetch_add(&h->wrong, 1);
		close(fd);
	}
	return NULL;
}

static void *attach_it(void *arg)
{
	struct hammer *h = (struct hammer *)arg;

	while (!atomic_load(&h->stop)) {
		if (fattach(h->p->s.door, h->p->path) == 0)
			atomic_fetch_add(&h->attached, 1);
		else if (errno != EBUSY)
			atomic_fetch_add(&h->wrong, 1);
		if (fdetach(h->p->path) && errno != EINVAL)
			atomic_fetch_add(&h->wrong, 1);
	}
	return NULL;
}

TEST_F(life, hammer)
{
	struct hammer h = {.p = &self->p, .door = 1};
	pthread_t thread[5];

	for (int i = 0; i < 5; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL,
					    i < 3 ? open_it : attach_it, &h));
	EXPECT_TRUE(
		wait_until(h.doors > 300 && h.files > 300 && h.attached > 300));
	atomic_store(&h.stop, 1);
	for (int i = 0; i < 5; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, h.wrong);
	EXPECT_TRUE(has_data(self->p.path));
}

/* As above, with servers that come and are killed in turn. */
TEST_F_TIMEOUT(life, hammer_and_kill, 120)
{
	struct hammer h = {.p = &self->p};
	pthread_t thread[2];
	struct server t;

	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, open_it, &h));
	for (int i = 0; i < 30; i++) {
		ASSERT_EQ(0, server_start(&t));
		ASSERT_EQ(0, fattach(t.door, self->p.path));
		if (i % 2)
			nap();
		server_stop(&t);
	}
	EXPECT_TRUE(wait_until(h.files > 0));
	atomic_store(&h.stop, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	EXPECT_EQ(0, h.wrong);
	EXPECT_TRUE(wait_until(has_data(self->p.path)));
}

TEST_HARNESS_MAIN
