// SPDX-License-Identifier: GPL-2.0-only
/* Descriptors, both ways. */
#include "door_test.h"

#include <mqueue.h>

/* The procedure keeps what it gets in shared->value, and answers as told. */
enum give {
	GIVE_PAGE,
	GIVE_NONE,
	GIVE_FILE,
	GIVE_RELEASE,
	GIVE_TWO,
	GIVE_BAD,
	GIVE_BACK
};

/* A file that does something each time a descriptor is closed. */
static int make_queue(void)
{
	int queue = mq_open("/door_desc", O_CREAT | O_RDWR, 0600, NULL);

	mq_unlink("/door_desc");
	return queue;
}

static door_desc_t entry(int fd, uint_t attributes)
{
	door_desc_t d;

	memset(&d, 0, sizeof(d));
	d.d_attributes = attributes;
	d.d_data.d_desc.d_descriptor = fd;
	return d;
}

static void try_return(door_desc_t *descs, uint_t n)
{
	int ret = door_return((char *)"x", 1, descs, n);

	atomic_store(&shared->err, ret < 0 ? errno : 0);
	atomic_store(&shared->value[6], is_open(shared->value[5]));
	while (!atomic_load(&shared->go))
		nap();
	door_return(NULL, 0, NULL, 0);
}

static void give(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	enum give what = GIVE_NONE;
	static char page[4072];
	door_desc_t out[2];
	char byte = 0;
	int fd;

	(void)cookie;
	atomic_fetch_add(&shared->ran, 1);
	if (size == sizeof(what))
		memcpy(&what, argp, sizeof(what));
	atomic_store(&shared->value[0], (int)n);
	for (uint_t i = 0; i < n && i < 2; i++) {
		fd = dp[i].d_data.d_desc.d_descriptor;
		atomic_store(&shared->value[1 + i], fd);
		atomic_store(&shared->word[i], dp[i].d_attributes);
		atomic_store(&shared->word[2 + i], dp[i].d_data.d_desc.d_id);
		if (read(fd, &byte, 1) == 1)
			atomic_store(&shared->value[3], byte);
	}
	if (what == GIVE_BACK) {
		out[0] = entry(dp[0].d_data.d_desc.d_descriptor,
			       DOOR_DESCRIPTOR | DOOR_RELEASE);
		door_return(NULL, 0, out, 1);
	}
	if (what == GIVE_NONE)
		door_return(NULL, 0, NULL, 0);
	fd = what == GIVE_RELEASE ? memfd_create("given", 0)
				  : open("/proc/self/exe", O_RDONLY);
	atomic_store(&shared->value[5], fd);
	out[0] = entry(fd, DOOR_DESCRIPTOR);
	out[1] = entry(what == GIVE_BAD ? -1 : fd, DOOR_DESCRIPTOR);
	if (what == GIVE_PAGE)
		door_return(page, sizeof(page), out, 1);
	if (what == GIVE_RELEASE) {
		atomic_store(&shared->value[4], make_queue());
		out[0].d_attributes |= DOOR_RELEASE;
		out[1] =
			entry(shared->value[4], DOOR_DESCRIPTOR | DOOR_RELEASE);
	}
	try_return(out, what == GIVE_FILE ? 1 : 2);
}

static int make_giving(void)
{
	return door_create(give, NULL, 0);
}

FIXTURE(desc)
{
	struct server s;
	int file;
};

FIXTURE_SETUP(desc)
{
	ASSERT_EQ(0, server_with(&self->s, make_giving));
	self->file = memfd_create("desc", 0);
	ASSERT_EQ(10, write(self->file, "0123456789", 10));
	lseek(self->file, 3, SEEK_SET);
}

FIXTURE_TEARDOWN(desc)
{
	server_stop(&self->s);
}

static int pass(int d, door_desc_t *descs, uint_t n)
{
	door_arg_t a = {.desc_ptr = descs, .desc_num = n};

	return door_call(d, &a);
}

static int fetch(int d, enum give what, door_arg_t *a)
{
	a->data_ptr = (char *)&what;
	a->data_size = sizeof(what);
	return door_call(d, a);
}

TEST_F(desc, c070_c073_c074_c090_c092_pass_a_file)
{
	door_desc_t d = entry(self->file, DOOR_DESCRIPTOR);
	char byte;

	ASSERT_EQ(0, pass(self->s.door, &d, 1));
	EXPECT_EQ(1, shared->value[0]);
	EXPECT_EQ(DOOR_DESCRIPTOR, shared->word[0]);
	/* 92 */
	EXPECT_EQ(0, shared->word[2]);
	EXPECT_EQ('3', shared->value[3]);
	/* The same open file: the server has moved on. */
	EXPECT_EQ(1, read(self->file, &byte, 1));
	EXPECT_EQ('4', byte);
	/* 90: nothing is closed behind the server's back; the next is another.
	 */
	ASSERT_EQ(0, pass(self->s.door, &d, 1));
	int first = shared->value[1];
	ASSERT_EQ(0, pass(self->s.door, &d, 1));
	EXPECT_NE(first, shared->value[1]);
}

TEST_F(desc, c071_release)
{
	const int queue = make_queue();
	door_desc_t d[2] = {entry(queue, DOOR_DESCRIPTOR | DOOR_RELEASE),
			    entry(self->file, DOOR_DESCRIPTOR | DOOR_RELEASE)};

	ASSERT_EQ(0, pass(self->s.door, d, 2));
	EXPECT_FALSE(is_open(queue));
	EXPECT_FALSE(is_open(self->file));
	EXPECT_EQ('3', shared->value[3]);
}

static int open_in(pid_t pid, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	return access(path, F_OK) == 0;
}

TEST_F(desc, c071_release_in_the_answer)
{
	door_arg_t a = {0};

	ASSERT_EQ(0, fetch(self->s.door, GIVE_FILE, &a));
	EXPECT_TRUE(open_in(self->s.pid, shared->value[5]));
	ASSERT_EQ(0, fetch(self->s.door, GIVE_RELEASE, &a));
	EXPECT_EQ(2, a.desc_num);
	EXPECT_FALSE(open_in(self->s.pid, shared->value[4]));
	EXPECT_FALSE(open_in(self->s.pid, shared->value[5]));
}

TEST_F(desc, c072_c075_c087_receive)
{
	char rbuf[64] __attribute__((aligned(8)));
	door_arg_t a = {.rbuf = rbuf, .rsize = sizeof(rbuf)};
	door_desc_t *d;

	ASSERT_EQ(0, fetch(self->s.door, GIVE_FILE, &a));
	EXPECT_TRUE(a.data_ptr == rbuf);
	EXPECT_EQ(1, a.data_size);
	ASSERT_EQ(1, a.desc_num);
	d = a.desc_ptr;
	EXPECT_TRUE((char *)d == rbuf + sizeof(*d));
	EXPECT_EQ(DOOR_DESCRIPTOR, d->d_attributes);
	EXPECT_EQ(FD_CLOEXEC, fcntl(d->d_data.d_desc.d_descriptor, F_GETFD));
	EXPECT_EQ(1, read(d->d_data.d_desc.d_descriptor, rbuf, 1));
}

TEST_F(desc, c055_rounding_over_a_page)
{
	door_arg_t a = {0};

	ASSERT_EQ(0, fetch(self->s.door, GIVE_PAGE, &a));
	ASSERT_EQ(4072, a.data_size);
	ASSERT_EQ(1, a.desc_num);
	EXPECT_TRUE((char *)a.desc_ptr == a.rbuf + 4080);
	EXPECT_TRUE(is_open(a.desc_ptr->d_data.d_desc.d_descriptor));
	EXPECT_EQ(8192, a.rsize);
	EXPECT_EQ(0, munmap(a.rbuf, a.rsize));
}

TEST_F(desc, c076_c077_doors)
{
	enum give what = GIVE_BACK;
	door_desc_t d = entry(self->s.door, DOOR_DESCRIPTOR);
	door_arg_t a = {.data_ptr = (char *)&what,
			.data_size = sizeof(what),
			.desc_ptr = &d,
			.desc_num = 1};
	door_info_t info;
	int mine = door_create(obey, NULL, 0);

	/* The server's own door: local there, and back again. */
	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_EQ(DOOR_DESCRIPTOR | DOOR_LOCAL, shared->word[0]);
	ASSERT_EQ(0, door_info(self->s.door, &info));
	EXPECT_EQ((long)info.di_uniquifier, shared->word[2]);
	ASSERT_EQ(1, a.desc_num);
	EXPECT_EQ(DOOR_DESCRIPTOR, a.desc_ptr->d_attributes);
	EXPECT_EQ(info.di_uniquifier, a.desc_ptr->d_data.d_desc.d_id);
	EXPECT_EQ(0,
		  ask(a.desc_ptr->d_data.d_desc.d_descriptor, OP_NOTHING, 0));
	/* Mine: foreign there, local when it comes back. */
	d = entry(mine, DOOR_DESCRIPTOR);
	a = (door_arg_t){.data_ptr = (char *)&what,
			 .data_size = sizeof(what),
			 .desc_ptr = &d,
			 .desc_num = 1};
	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_EQ(DOOR_DESCRIPTOR, shared->word[0]);
	EXPECT_EQ(DOOR_DESCRIPTOR | DOOR_LOCAL, a.desc_ptr->d_attributes);
}

/* As it was received, or on a stack: what is there besides means nothing. */
TEST_F(desc, what_else_is_in_an_entry)
{
	static const uint_t others[] = {DOOR_LOCAL, 0x20000, 0x80000000};
	door_desc_t d;

	for (int i = 0; i < 3; i++) {
		memset(&d, 0xcc, sizeof(d));
		d.d_attributes = DOOR_DESCRIPTOR | others[i];
		d.d_data.d_desc.d_descriptor = self->file;
		EXPECT_EQ(0, pass(self->s.door, &d, 1));
		EXPECT_EQ(DOOR_DESCRIPTOR, shared->word[0]);
		EXPECT_EQ(0, shared->word[2]);
	}
}

TEST_F(desc, c078_c079_malformed)
{
	int a = dup(self->file), b = dup(self->file);
	door_desc_t d[3] = {entry(a, DOOR_DESCRIPTOR | DOOR_RELEASE),
			    entry(999, DOOR_DESCRIPTOR | DOOR_RELEASE),
			    entry(b, DOOR_DESCRIPTOR | DOOR_RELEASE)};
	door_desc_t plain = entry(self->file, 0);

	EXPECT_EQ(-1, pass(self->s.door, &plain, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(is_open(self->file));
	EXPECT_EQ(-1, pass(self->s.door, d, 3));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_FALSE(is_open(a));
	EXPECT_FALSE(is_open(b));
	EXPECT_EQ(0, shared->ran);
	EXPECT_EQ(-1, pass(self->s.door, (door_desc_t *)16, 1));
	EXPECT_EQ(EFAULT, errno);
}

TEST_F(desc, c089_twice)
{
	door_desc_t d[2] = {entry(self->file, DOOR_DESCRIPTOR),
			    entry(self->file, DOOR_DESCRIPTOR)};

	ASSERT_EQ(0, pass(self->s.door, d, 2));
	EXPECT_NE(shared->value[1], shared->value[2]);
	d[0].d_attributes |= DOOR_RELEASE;
	d[1].d_attributes |= DOOR_RELEASE;
	EXPECT_EQ(-1, pass(self->s.door, d, 2));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_FALSE(is_open(self->file));
}

static int make_refusing(void)
{
	return door_create(give, NULL, DOOR_REFUSE_DESC);
}

TEST(c080_c088_refused)
{
	int file = memfd_create("x", 0);
	door_desc_t d = entry(file, DOOR_DESCRIPTOR | DOOR_RELEASE);
	door_arg_t a = {0};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_refusing));
	EXPECT_EQ(-1, pass(s.door, &d, 1));
	EXPECT_EQ(ENOTSUP, errno);
	EXPECT_TRUE(is_open(file));
	/* It is about requests only. */
	ASSERT_EQ(0, fetch(s.door, GIVE_FILE, &a));
	EXPECT_EQ(1, a.desc_num);
	server_stop(&s);
}

static int make_tight(void)
{
	int d = door_create(give, NULL, 0);

	door_setparam(d, DOOR_PARAM_DESC_MAX, 1);
	door_setparam(d, DOOR_PARAM_DATA_MAX, 100);
	return d;
}

TEST(c068_c069_c081_nothing_consumed)
{
	static door_desc_t many[1025];
	char data[101];
	int file = memfd_create("x", 0);
	door_desc_t one = entry(file, DOOR_DESCRIPTOR);
	struct server s, free_server;
	door_arg_t a = {.data_ptr = data,
			.data_size = sizeof(data),
			.desc_ptr = many,
			.desc_num = 1};

	for (int i = 0; i < 1025; i++)
		many[i] = entry(file, DOOR_DESCRIPTOR | DOOR_RELEASE);
	ASSERT_EQ(0, server_with(&s, make_tight));
	ASSERT_EQ(0, server_with(&free_server, make_giving));
	EXPECT_EQ(0, pass(s.door, &one, 1));
	EXPECT_EQ(-1, pass(s.door, many, 2));
	EXPECT_EQ(ENFILE, errno);
	EXPECT_EQ(-1, door_call(s.door, &a));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_EQ(-1, pass(free_server.door, many, 1025));
	EXPECT_EQ(E2BIG, errno);
	kill(s.pid, SIGKILL);
	waitpid(s.pid, NULL, 0);
	EXPECT_EQ(-1, pass(s.door, many, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_TRUE(is_open(file));
	server_stop(&free_server);
}

static int make_roomy(void)
{
	limit_fds(2048);
	return make_giving();
}

TEST(c069_as_many_as_possible)
{
	static door_desc_t many[1024];
	int file = memfd_create("x", 0);
	struct server s;

	for (int i = 0; i < 1024; i++)
		many[i] = entry(file, DOOR_DESCRIPTOR);
	ASSERT_EQ(0, server_with(&s, make_roomy));
	ASSERT_EQ(0, pass(s.door, many, 1024));
	EXPECT_EQ(1024, shared->value[0]);
	server_stop(&s);
}

static int make_full(void)
{
	int d = make_giving(), fd;

	door_call(d, NULL);
	fd = dup(d);
	close(fd);
	limit_fds(fd);
	return d;
}

TEST(c082_server_has_no_room)
{
	int file = memfd_create("x", 0);
	door_desc_t d = entry(file, DOOR_DESCRIPTOR | DOOR_RELEASE);
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_full));
	atomic_store(&shared->ran, 0);
	EXPECT_EQ(-1, pass(s.door, &d, 1));
	EXPECT_EQ(EMFILE, errno);
	EXPECT_FALSE(is_open(file));
	EXPECT_EQ(0, shared->ran);
	EXPECT_EQ(0, door_call(s.door, NULL));
	server_stop(&s);
}

struct fetching {
	int door;
	enum give what;
	door_arg_t arg;
	int ret;
};

static void *fetch_run(void *p)
{
	struct fetching *f = p;

	f->ret = fetch(f->door, f->what, &f->arg);
	return NULL;
}

static void refused_answer(struct __test_metadata *_metadata, int door,
			   enum give what, int err, int room)
{
	struct fetching f = {.door = door, .what = what};
	pthread_t thread;
	int fds, next;

	next = dup(door);
	close(next);
	if (room >= 0)
		limit_fds(next + room);
	fds = count_fds();
	ASSERT_EQ(0, pthread_create(&thread, NULL, fetch_run, &f));
	ASSERT_TRUE(wait_until(shared->err));
	EXPECT_EQ(err, shared->err);
	/* The server's descriptor is still its own. */
	EXPECT_TRUE(wait_until(shared->value[6] == 1));
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, NULL));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, f.ret);
	EXPECT_EQ(0, f.arg.desc_num);
	EXPECT_EQ(0, f.arg.data_size);
	EXPECT_EQ(fds, count_fds());
}

TEST_F(desc, c083_c084_client_has_no_room)
{
	refused_answer(_metadata, self->s.door, GIVE_RELEASE, EMFILE, 0);
}

TEST_F(desc, c085_client_has_room_for_one)
{
	refused_answer(_metadata, self->s.door, GIVE_TWO, EMFILE, 1);
}

TEST_F(desc, c085_client_has_just_that_room)
{
	door_arg_t a = {0};
	int next = dup(self->s.door);

	close(next);
	limit_fds(next + 1);
	ASSERT_EQ(0, fetch(self->s.door, GIVE_FILE, &a));
	EXPECT_EQ(1, a.desc_num);
}

TEST_F(desc, c086_bad_entry_in_the_answer)
{
	refused_answer(_metadata, self->s.door, GIVE_BAD, EINVAL, -1);
}

TEST_F(desc, c091_any_kind)
{
	int pair[2], fds[6];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	fds[0] = pair[0];
	fds[1] = open("/proc/self", O_PATH);
	fds[2] = (int)syscall(SYS_eventfd2, 0, O_NONBLOCK);
	fds[3] = memfd_create("x", 0);
	fds[4] = (int)syscall(SYS_pidfd_open, getpid(), 0);
	ASSERT_EQ(0, pipe(pair));
	fds[5] = pair[1];
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 6; i++) {
		enum give what = GIVE_BACK;
		door_desc_t d = entry(fds[i], DOOR_DESCRIPTOR);
		door_arg_t a = {.data_ptr = (char *)&what,
				.data_size = sizeof(what),
				.desc_ptr = &d,
				.desc_num = 1};

		ASSERT_EQ(0, door_call(self->s.door, &a));
		ASSERT_EQ(1, a.desc_num);
		EXPECT_TRUE(is_open(a.desc_ptr->d_data.d_desc.d_descriptor));
	}
}

TEST_HARNESS_MAIN
