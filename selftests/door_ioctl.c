// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands as a program uses them that is no library of ours: structures of
 * another size and direction, addresses that are the kernel's, and what the
 * module leaves in memory that it hands out.
 */
#include "door_test.h"

#include <grp.h>
#include <sys/ioctl.h>
#include <sys/time.h>

/* What the window of a server thread has; see DOOR_IOC_RETURN. */
#define WINDOW 16384

struct command {
	unsigned long cmd;
	size_t size0; /* the least */
	int of_door;
};

#define C(name, size0)                    \
	{                                 \
		DOOR_IOC_##name, size0, 0 \
	}
#define D(name, size0)                    \
	{                                 \
		DOOR_IOC_##name, size0, 1 \
	}

static const struct command commands[] = {
	C(CAPS, 8),	  C(CREATE, 24),      C(RETURN, 104),
	C(BIND, 16),	  C(CRED, 56),	      C(ABORTED, 16),
	C(DETACH, 8),	  C(SOCK_LISTEN, 32), C(SOCK_CONNECT, 32),
	C(SOCK_PAIR, 32), C(SOCK_INFO, 32),   D(CALL, 48),
	D(INFO, 40),	  D(GETPARAM, 16),    D(SETPARAM, 16),
	D(ATTACH, 8),
};

#define END (commands + sizeof(commands) / sizeof(*commands))

static unsigned long resized(unsigned long cmd, unsigned int dir, size_t size)
{
	return _IOC(dir, DOOR_IOC_MAGIC, _IOC_NR(cmd), size);
}

FIXTURE(cmd)
{
	int control;
	int door;
	unsigned char arg[512];
	struct door_ioc_return r;
};

FIXTURE_SETUP(cmd)
{
	struct door_ioc_create create = {0};

	share();
	self->control = open("/dev/door", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->control);
	self->door = ioctl(self->control, DOOR_IOC_CREATE, &create);
	ASSERT_LE(0, self->door);
	memset(self->arg, 0, sizeof(self->arg));
}

FIXTURE_TEARDOWN(cmd)
{
}

#define FD(c) ((c)->of_door ? self->door : self->control)

static int is_all(const void *p, size_t n, int byte)
{
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)p)[i] != byte)
			return 0;
	return 1;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* What is not refused may wait for something: it does not for long. */
static void do_not_wait(void)
{
	struct itimerval often = {{0, 200000}, {0, 200000}};
	struct sigaction sa = {.sa_handler = on_alarm};

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
}

TEST_F(cmd, unknown)
{
	static const unsigned int numbers[] = {0x10, 0x3f, 0x44, 0x7f, 0xff};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		for (int fd = 0; fd < 2; fd++) {
			EXPECT_EQ(-1, ioctl(fd ? self->door : self->control,
					    _IOR(DOOR_IOC_MAGIC, numbers[i],
						 struct door_ioc_caps),
					    self->arg));
			EXPECT_EQ(ENOTTY, errno);
		}
	}
	EXPECT_EQ(-1, ioctl(self->control, _IOR('D', 0, struct door_ioc_caps),
			    self->arg));
	EXPECT_EQ(ENOTTY, errno);
}

/* A structure that is only read is not written, or the reverse. */
TEST_F(cmd, other_direction)
{
	unsigned int dir;

	do_not_wait();
	for (const struct command *c = commands; c < END; c++) {
		for (dir = 0; dir < 4; dir++) {
			if (dir == _IOC_DIR(c->cmd))
				continue;
			memset(self->arg, 0x5a, sizeof(self->arg));
			EXPECT_EQ(-1, ioctl(FD(c), resized(c->cmd, dir, 120),
					    self->arg));
			EXPECT_EQ(ENOTTY, errno)
			{
				TH_LOG("%#lx", c->cmd);
			}
			EXPECT_TRUE(is_all(self->arg, sizeof(self->arg), 0x5a));
		}
	}
}

TEST_F(cmd, too_short)
{
	do_not_wait();
	for (const struct command *c = commands; c < END; c++) {
		memset(self->arg, 0, sizeof(self->arg));
		EXPECT_EQ(-1,
			  ioctl(FD(c),
				resized(c->cmd, _IOC_DIR(c->cmd), c->size0 - 1),
				self->arg));
		EXPECT_EQ(EINVAL, errno)
		{
			TH_LOG("%#lx", c->cmd);
		}
	}
}

/* Of a later release: what is not known here has to be 0. */
TEST_F(cmd, too_long)
{
	do_not_wait();
	for (const struct command *c = commands; c < END; c++) {
		memset(self->arg, 0x5a, sizeof(self->arg));
		EXPECT_EQ(-1, ioctl(FD(c),
				    resized(c->cmd, _IOC_DIR(c->cmd),
					    sizeof(self->arg)),
				    self->arg));
		EXPECT_EQ(E2BIG, errno)
		{
			TH_LOG("%#lx", c->cmd);
		}
		EXPECT_TRUE(is_all(self->arg, sizeof(self->arg), 0x5a));
	}
}

TEST_F(cmd, longer_and_zero)
{
	struct door_ioc_param *p = (struct door_ioc_param *)self->arg;

	p->param = DOOR_IOC_PARAM_DATA_MAX;
	ASSERT_EQ(0, ioctl(self->door,
			   resized(DOOR_IOC_GETPARAM, _IOC_READ | _IOC_WRITE,
				   sizeof(self->arg)),
			   self->arg));
	EXPECT_EQ(UINT64_MAX, p->value);
	EXPECT_TRUE(is_all(p + 1, sizeof(self->arg) - sizeof(*p), 0));
}

/* Where the kernel has all memory, if its place is not random. */
static const uint64_t kernels[] = {
	0xffff888000001000ULL,
	0xff11000000001000ULL, /* with page tables of five levels */
};

static void call_fails(struct __test_metadata *_metadata, int d,
		       struct door_ioc_call call)
{
	EXPECT_EQ(-1, ioctl(d, DOOR_IOC_CALL, &call));
	EXPECT_EQ(EFAULT, errno)
	{
		TH_LOG("%#llx or %#llx", (unsigned long long)call.data_ptr,
		       (unsigned long long)call.rbuf);
	}
}

TEST(addresses_of_the_kernel)
{
	static const size_t sizes[] = {64, 12000, 40000};
	struct door_ioc_call call;
	struct request r;
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 6; i++) {
		r = (struct request){.op = OP_FILL, .size = sizes[i / 2]};
		call = (struct door_ioc_call){
			.data_ptr = (uintptr_t)&r,
			.data_size = sizeof(r),
			.rbuf = kernels[i % 2],
			.rsize = 65536,
		};
		call_fails(_metadata, s.door, call);
		call = (struct door_ioc_call){
			.data_ptr = kernels[i % 2],
			.data_size = sizes[i / 2],
		};
		call_fails(_metadata, s.door, call);
	}
	server_stop(&s);
}

/* What others have freed has something in it. */
static void soil_memory(void)
{
	size_t size = 64 << 20;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return;
	memset(p, 0xa5, size);
	munmap(p, size);
}

static void look_at_window(void *cookie, char *argp, size_t size,
			   door_desc_t *dp, uint_t n)
{
	int clean = is_all(argp + size, WINDOW - size, 0);

	(void)cookie;
	(void)dp;
	(void)n;
	door_return((char *)&clean, sizeof(clean), NULL, 0);
}

static int make_looking(void)
{
	return door_create(look_at_window, NULL, 0);
}

TEST(window_is_clean)
{
	struct server s;
	door_arg_t a;
	int clean;

	for (int i = 0; i < 8; i++) {
		soil_memory();
		ASSERT_EQ(0, server_with(&s, make_looking));
		a = (door_arg_t){.data_ptr = (char *)"x",
				 .data_size = 1,
				 .rbuf = (char *)&clean,
				 .rsize = sizeof(clean)};
		clean = -1;
		EXPECT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(1, clean);
		server_stop(&s);
	}
}

/* Later arguments of the server's callers are not the child's to read. */
static void fork_and_look(void *cookie, char *argp, size_t size,
			  door_desc_t *dp, uint_t n)
{
	int pair[2], status = -1;
	pid_t pid;

	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	if (pipe(pair))
		_exit(1);
	pid = fork();
	if (pid == 0)
		_exit(write(pair[1], argp, 1) == 1 ? 1 : errno);
	waitpid(pid, &status, 0);
	status = WEXITSTATUS(status);
	door_return((char *)&status, sizeof(status), NULL, 0);
}

static int make_forking(void)
{
	return door_create(fork_and_look, NULL, 0);
}

TEST(window_is_not_the_childs)
{
	int status = -1;
	door_arg_t a = {.data_ptr = (char *)"x",
			.data_size = 1,
			.rbuf = (char *)&status,
			.rsize = sizeof(status)};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_forking));
	EXPECT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(EFAULT, status);
	server_stop(&s);
}

/* Pages that are pinned in the whole machine, give or take a few hundred. */
static long pinned(void)
{
	char line[128];
	long n = 0, value;
	FILE *f = fopen("/proc/vmstat", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "nr_foll_pin_acquired %ld", &value) == 1)
			n += value;
		if (sscanf(line, "nr_foll_pin_released %ld", &value) == 1)
			n -= value;
	}
	if (f)
		fclose(f);
	return n;
}

TEST(pins_do_not_stay)
{
	static char data[1 << 18];
	struct request r = {.op = OP_FILL, .size = sizeof(data)};
	long before = pinned();
	struct server s;
	door_arg_t a;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 100; i++) {
		memcpy(data, &r, sizeof(r));
		a = (door_arg_t){.data_ptr = data,
				 .data_size = sizeof(data),
				 .rbuf = data,
				 .rsize = sizeof(data)};
		ASSERT_EQ(0, door_call(s.door, &a));
		ASSERT_EQ(sizeof(data), a.data_size);
	}
	/* 6 400 each way */
	EXPECT_TRUE(wait_until(pinned() - before < 2000));
	server_stop(&s);
}

/* Waits for a call, which is in @self->r then. */
static int next_call(FIXTURE_DATA(cmd) * self)
{
	memset(&self->r, 0, sizeof(self->r));
	return ioctl(self->control, DOOR_IOC_RETURN, &self->r);
}

static void *map_control(FIXTURE_DATA(cmd) * self)
{
	return mmap(NULL, WINDOW, PROT_READ | PROT_WRITE, MAP_SHARED,
		    self->control, 0);
}

TEST_F(cmd, the_device_cannot_be_mapped)
{
	struct caller c;

	EXPECT_EQ(MAP_FAILED, map_control(self));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, caller_start(&c, self->door, OP_NOTHING, 0));
	ASSERT_EQ(0, next_call(self));
	EXPECT_EQ(MAP_FAILED, map_control(self));
	EXPECT_EQ(ENODEV, errno);
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_LEAVE));
	EXPECT_EQ(0, caller_join(&c));
}

TEST_F(cmd, credentials_of_which_call)
{
	struct door_ioc_cred cred = {0};
	struct caller c;

	ASSERT_EQ(0, caller_start(&c, self->door, OP_NOTHING, 0));
	ASSERT_EQ(0, next_call(self));
	EXPECT_EQ(0, ioctl(self->control, DOOR_IOC_CRED, &cred));
	EXPECT_NE(0U, self->r.call);
	cred = (struct door_ioc_cred){.call = self->r.call};
	EXPECT_EQ(0, ioctl(self->control, DOOR_IOC_CRED, &cred));
	for (int i = -1; i < 2; i += 2) {
		cred = (struct door_ioc_cred){.call = self->r.call + i};
		if (!cred.call)
			continue;
		EXPECT_EQ(-1, ioctl(self->control, DOOR_IOC_CRED, &cred));
		EXPECT_EQ(EINVAL, errno);
	}
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_LEAVE));
	EXPECT_EQ(0, caller_join(&c));
}

#define ROOM 4096 /* for groups */

TEST_F(cmd, no_more_groups_than_there_are)
{
	static const gid_t groups[] = {7, 8, 9};
	static uint32_t got[ROOM];
	struct door_ioc_cred cred = {
		.groups_ptr = (uintptr_t)got,
		.groups_num = ROOM,
	};
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(3, groups))
			_exit(1);
		_exit(ioctl(self->door, DOOR_IOC_CALL, NULL) != -1 ||
		      errno != EINTR);
	}
	ASSERT_EQ(0, next_call(self));
	memset(got, 0x5a, sizeof(got));
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_CRED, &cred));
	EXPECT_EQ(3, cred.groups_num);
	EXPECT_EQ(0, memcmp(got, groups, sizeof(groups)));
	EXPECT_TRUE(is_all(got + 3, sizeof(got) - sizeof(groups), 0x5a));
	/* And no more than there is room for. */
	cred = (struct door_ioc_cred){
		.groups_ptr = (uintptr_t)got,
		.groups_num = 2,
	};
	memset(got, 0x5a, sizeof(got));
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_CRED, &cred));
	EXPECT_EQ(3, cred.groups_num);
	EXPECT_EQ(0, memcmp(got, groups, 2 * sizeof(*groups)));
	EXPECT_TRUE(is_all(got + 2, sizeof(got) - 2 * sizeof(*groups), 0x5a));
	ASSERT_EQ(0, ioctl(self->control, DOOR_IOC_LEAVE));
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
}

/* Results that cannot be told leave no descriptors behind. */
static int descriptors_into_nowhere(int d)
{
	void *wall =
		mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct door_ioc_call call = {.rbuf = (uintptr_t)wall, .rsize = 4096};
	int before = count_fds();

	if (ioctl(d, DOOR_IOC_CALL, &call) != -1 || errno != EFAULT)
		return 1;
	return count_fds() == before ? 0 : 2;
}

TEST_F(cmd, no_place_for_descriptors)
{
	struct door_ioc_desc desc[] = {
		{.attributes = DOOR_DESC_DESCRIPTOR, .fd = 0},
		{.attributes = DOOR_DESC_DESCRIPTOR, .fd = self->door},
	};
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(descriptors_into_nowhere(self->door));
	ASSERT_EQ(0, next_call(self));
	self->r = (struct door_ioc_return){
		.desc_ptr = (uintptr_t)desc,
		.desc_num = 2,
	};
	do_not_wait();
	EXPECT_EQ(-1, ioctl(self->control, DOOR_IOC_RETURN, &self->r));
	EXPECT_EQ(EINTR, errno);
	do
		errno = 0;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR);
	EXPECT_EQ(0, status);
}

/* The library asks before, too. */
TEST_F(cmd, only_private_doors_are_bound)
{
	struct door_ioc_info info;
	struct door_ioc_bind bind = {0};

	ASSERT_EQ(0, ioctl(self->door, DOOR_IOC_INFO, &info));
	bind.id = info.id;
	EXPECT_EQ(-1, ioctl(self->control, DOOR_IOC_BIND, &bind));
	EXPECT_EQ(EINVAL, errno);
	bind.id = info.id + 1000;
	EXPECT_EQ(-1, ioctl(self->control, DOOR_IOC_BIND, &bind));
	EXPECT_EQ(EINVAL, errno);
}

TEST_HARNESS_MAIN
