// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation, attributes and door_info(). A number in a test's name is that of a
 * line in the list of what a doors library has to do.
 */
#include "door_test.h"

#include <sys/ioctl.h>
#include <sys/time.h>

static atomic_int created_null, created_info;
static door_info_t last_info;

static void counting_create(door_info_t *info)
{
	if (info)
		last_info = *info;
	atomic_fetch_add(info ? &created_info : &created_null, 1);
}

TEST(c001_create)
{
	share();
	ASSERT_LE(0, door_create(obey, NULL, 0));
}

TEST(c002_close_on_exec)
{
	int d;

	share();
	d = door_create(obey, NULL, 0);
	EXPECT_EQ(FD_CLOEXEC, fcntl(d, F_GETFD));
}

TEST(c003_to_c007_unknown_attributes)
{
	static const uint_t bad[] = {0x800,
				     DOOR_UNREF | DOOR_UNREF_MULTI,
				     DOOR_NO_DEPLETION_CB,
				     DOOR_PRIVCREATE,
				     DOOR_LOCAL,
				     DOOR_REVOKED,
				     DOOR_IS_UNREF,
				     0x80000000};
	int fds = count_fds();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		EXPECT_EQ(-1, door_create(obey, NULL, bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(-1, door_create(NULL, NULL, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(fds, count_fds());
}

TEST(c008_no_descriptor_left)
{
	int d;

	share();
	/* The library's own descriptor exists. */
	d = door_create(obey, NULL, 0);
	ASSERT_LE(0, d);
	ASSERT_EQ(0, limit_fds(d + 1));
	door_server_create(counting_create);
	EXPECT_EQ(-1, door_create(obey, NULL, DOOR_PRIVATE));
	EXPECT_EQ(EMFILE, errno);
	EXPECT_EQ(0, created_info);
}

TEST(c009_vfork_child)
{
	static int ret, err;
	pid_t pid;

	share();
	ASSERT_LE(0, door_create(obey, NULL, 0));
	pid = vfork();
	if (pid == 0) {
		ret = door_create(obey, NULL, 0);
		err = errno;
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_EQ(-1, ret);
	EXPECT_EQ(ENOTSUP, err);
	EXPECT_LE(0, door_create(obey, NULL, 0));
}

static void count_signal(int sig)
{
	(void)sig;
	atomic_fetch_add(&shared->value[0], 1);
}

/* Whenever they come: the first door of a process is not to fail of that. */
TEST(signals_meanwhile)
{
	struct sigaction sa = {.sa_handler = count_signal};
	struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
	struct door_ioc_create create = {0};
	long end = now_ms() + 2000;
	int control, d, failed = 0;

	share();
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	while (now_ms() < end && !failed) {
		control = open("/dev/door", O_RDWR);
		d = ioctl(control, DOOR_IOC_CREATE, &create);
		if (control >= 0 && d < 0)
			failed = errno;
		close(d);
		close(control);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	EXPECT_EQ(0, failed);
	EXPECT_LT(100, shared->value[0]);
}

TEST(c010_ids_differ_and_last)
{
	door_info_t a, b, c;
	struct server s;
	int d;

	ASSERT_EQ(0, server_start(&s));
	d = door_create(obey, NULL, 0);
	ASSERT_EQ(0, door_info(s.door, &a));
	ASSERT_EQ(0, door_info(d, &b));
	ASSERT_EQ(0, door_info(dup(s.door), &c));
	EXPECT_NE(a.di_uniquifier, b.di_uniquifier);
	EXPECT_EQ(a.di_uniquifier, c.di_uniquifier);
	server_stop(&s);
}

TEST(c011_ids_are_not_reused)
{
	door_info_t a, b;
	int d;

	share();
	d = door_create(obey, NULL, 0);
	ASSERT_EQ(0, door_info(d, &a));
	ASSERT_EQ(0, door_revoke(d));
	d = door_create(obey, NULL, 0);
	ASSERT_EQ(0, door_info(d, &b));
	EXPECT_LT(a.di_uniquifier, b.di_uniquifier);
}

TEST(c012_create_function_once)
{
	share();
	door_server_create(counting_create);
	ASSERT_LE(0, door_create(obey, NULL, 0));
	ASSERT_LE(0, door_create(obey, NULL, 0));
	EXPECT_EQ(1, created_null);
	EXPECT_EQ(0, created_info);
}

TEST(c013_create_function_private)
{
	int i, d;

	share();
	door_server_create(counting_create);
	for (i = 1; i <= 2; i++) {
		d = door_create(obey, &i, DOOR_PRIVATE);
		ASSERT_LE(0, d);
		EXPECT_EQ(i, created_info);
		EXPECT_EQ((uintptr_t)obey, last_info.di_proc);
		EXPECT_EQ((uintptr_t)&i, last_info.di_data);
		EXPECT_EQ(getpid(), last_info.di_target);
		EXPECT_TRUE(last_info.di_attributes & DOOR_PRIVATE);
	}
	EXPECT_EQ(0, created_null);
}

/* What a function for private doors was given, for its threads to look at. */
static door_info_t *kept[2];
static atomic_int keeping;

static void keeping_create(door_info_t *info)
{
	int n = info ? atomic_fetch_add(&keeping, 1) : 2;
	pthread_t thread;

	if (n < 2)
		kept[n] = info;
	if (n == 0)
		pthread_create(&thread, NULL, serve_alone, NULL);
}

/* Whatever was on the stack below is gone. */
static __attribute__((noinline)) void use_stack(void)
{
	volatile char page[16384];

	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = 0x5a;
}

static void bind_then_serve(void *cookie, char *argp, size_t size,
			    door_desc_t *dp, uint_t n)
{
	door_bind(*(int *)cookie);
	obey(cookie, argp, size, dp, n);
}

/* A thread may read it when the function has long returned. */
TEST(c013_c097_info_stays)
{
	static int d;
	int shared_door;

	share();
	door_server_create(keeping_create);
	d = door_create(obey, &d, DOOR_PRIVATE);
	ASSERT_LE(0, d);
	use_stack();
	ASSERT_EQ(1, keeping);
	EXPECT_EQ((uintptr_t)obey, kept[0]->di_proc);
	EXPECT_EQ((uintptr_t)&d, kept[0]->di_data);
	EXPECT_EQ(getpid(), kept[0]->di_target);
	/* The thread is bound in a call, and is the last that the door has. */
	shared_door = door_create(bind_then_serve, &d, 0);
	ASSERT_EQ(0, ask(shared_door, OP_NOTHING, 0));
	ASSERT_EQ(0, ask(d, OP_NOTHING, 0));
	use_stack();
	ASSERT_EQ(2, keeping);
	EXPECT_EQ((uintptr_t)obey, kept[1]->di_proc);
	EXPECT_EQ((uintptr_t)&d, kept[1]->di_data);
	EXPECT_EQ(DOOR_PRIVATE | DOOR_LOCAL | DOOR_DEPLETION_CB,
		  kept[1]->di_attributes);
}

TEST(c014_server_create_returns_previous)
{
	door_server_func_t *old = door_server_create(counting_create);

	EXPECT_TRUE(old != NULL);
	EXPECT_TRUE(door_server_create(old) == counting_create);
	EXPECT_TRUE(door_server_create(NULL) == old);
	EXPECT_TRUE(door_server_create(old) == old);
}

TEST(c015_forked_child_serves)
{
	struct server s;
	int d;

	share();
	/* The parent has a door and a thread; the child starts afresh. */
	d = door_create(obey, NULL, 0);
	ASSERT_EQ(0, ask(d, OP_NOTHING, 0));
	ASSERT_EQ(0, server_start(&s));
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(0, ask(d, OP_NOTHING, 0));
	server_stop(&s);
}

TEST(c016_info_of_own_door)
{
	door_info_t info;
	int cookie, d;

	share();
	memset(&info, 0xcc, sizeof(info));
	d = door_create(obey, &cookie, 0);
	ASSERT_EQ(0, door_info(d, &info));
	EXPECT_EQ(getpid(), info.di_target);
	EXPECT_EQ((uintptr_t)obey, info.di_proc);
	EXPECT_EQ((uintptr_t)&cookie, info.di_data);
	EXPECT_EQ(DOOR_LOCAL, info.di_attributes & ~DOOR_IS_UNREF);
	EXPECT_EQ(0, info.di_resv[0] | info.di_resv[3]);
}

TEST(c017_c029_info_of_another_door)
{
	door_info_t info;
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	ASSERT_EQ(0, door_info(s.door, &info));
	EXPECT_EQ(s.pid, info.di_target);
	EXPECT_EQ(0, info.di_attributes & DOOR_LOCAL);
	/* Addresses of another process are nobody's business. */
	EXPECT_EQ(0, info.di_proc);
	EXPECT_EQ(0, info.di_data);
	server_stop(&s);
}

TEST(c018_attributes_are_reported)
{
	static const uint_t attrs[] = {DOOR_UNREF, DOOR_UNREF_MULTI,
				       DOOR_PRIVATE, DOOR_REFUSE_DESC,
				       DOOR_NO_CANCEL};
	door_info_t info;
	int d;

	share();
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++) {
		d = door_create(obey, NULL, attrs[i]);
		ASSERT_LE(0, d);
		ASSERT_EQ(0, door_info(d, &info));
		EXPECT_EQ(attrs[i] | DOOR_LOCAL,
			  info.di_attributes & ~DOOR_IS_UNREF);
	}
}

TEST(c020_info_of_no_door)
{
	door_info_t info;

	EXPECT_EQ(-1, door_info(-1, &info));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_info(1000, &info));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_info(open("/dev/null", O_RDWR), &info));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_info(open("/proc/self/exe", O_RDONLY), &info));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_info(socket(AF_UNIX, SOCK_STREAM, 0), &info));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_info(DOOR_QUERY, &info));
	EXPECT_EQ(EBADF, errno);
}

TEST(c021_info_bad_pointer)
{
	int d;

	share();
	d = door_create(obey, NULL, 0);
	EXPECT_EQ(-1, door_info(d, (door_info_t *)16));
	EXPECT_EQ(EFAULT, errno);
}

static int revoked_door(void)
{
	int d = door_create(obey, NULL, 0), keep = dup(d);

	door_revoke(d);
	return keep;
}

TEST(c022_info_of_revoked_door)
{
	door_info_t info;
	struct server s;

	ASSERT_EQ(0, server_with(&s, revoked_door));
	ASSERT_EQ(0, door_info(s.door, &info));
	EXPECT_EQ(s.pid, info.di_target);
	EXPECT_TRUE(info.di_attributes & DOOR_REVOKED);
	server_stop(&s);
}

TEST(c023_info_after_server_exit)
{
	door_info_t info;
	struct server s;
	int d;

	ASSERT_EQ(0, server_start(&s));
	d = dup(s.door);
	server_stop(&s);
	ASSERT_EQ(0, door_info(d, &info));
	EXPECT_EQ(-1, info.di_target);
	EXPECT_TRUE(info.di_attributes & DOOR_REVOKED);
}

TEST(c024_info_after_server_exec)
{
	door_info_t info;
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	EXPECT_EQ(-1, ask(s.door, OP_EXEC, 0));
	EXPECT_EQ(EINTR, errno);
	ASSERT_EQ(0, door_info(s.door, &info));
	EXPECT_EQ(-1, info.di_target);
	EXPECT_TRUE(info.di_attributes & DOOR_REVOKED);
	EXPECT_EQ(0, kill(s.pid, 0));
	server_stop(&s);
}

TEST(c028_info_in_forked_child)
{
	door_info_t info;
	int d, status;
	pid_t pid;

	share();
	d = door_create(obey, NULL, 0);
	pid = fork();
	if (pid == 0) {
		_exit(door_info(d, &info) || info.di_target != getppid() ||
		      (info.di_attributes & DOOR_LOCAL));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
