// SPDX-License-Identifier: GPL-2.0-only
/* What a procedure gets, and what it may do with it. */
#include "door_test.h"

#include <sys/ioctl.h>

/* Where the module puts what is small. */
#define WINDOW 16384

static const size_t sizes[] = {0,     1,     7,	    64,	    4095,   4096,
			       4097,  8191,  8192,  8193,   16383,  16384,
			       16385, 65536, 65537, 262144, 1048576};

static void note_argument(void *cookie, char *argp, size_t size,
			  door_desc_t *dp, uint_t n)
{
	(void)cookie;
	atomic_store(&shared->word[0], (long)(uintptr_t)argp);
	atomic_store(&shared->word[1], (long)size);
	atomic_store(&shared->word[2], (long)(uintptr_t)dp);
	atomic_store(&shared->word[3], n);
	door_return(NULL, 0, NULL, 0);
}

static int make_noting(void)
{
	return door_create(note_argument, NULL, 0);
}

TEST(c036_c153_empty_argument_has_no_address)
{
	door_arg_t a = {.data_ptr = (char *)DOOR_UNREF_DATA};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_noting));
	atomic_store(&shared->word[0], 5);
	ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(0, shared->word[0]);
	EXPECT_EQ(0, shared->word[1]);
	EXPECT_EQ(0, shared->word[2]);
	EXPECT_EQ(0, shared->word[3]);
	server_stop(&s);
}

TEST(c045_alignment)
{
	char data[70000];
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_noting));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		door_arg_t a = {.data_ptr = data, .data_size = sizes[i]};

		if (sizes[i] > sizeof(data))
			continue;
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(0, shared->word[0] % 16);
		EXPECT_EQ((long)sizes[i], shared->word[1]);
	}
	server_stop(&s);
}

static void scribble(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	(void)cookie;
	(void)dp;
	(void)n;
	memset(argp, 0x55, size);
	/* The argument itself is the answer. */
	door_return(argp, size, NULL, 0);
}

static int make_scribbling(void)
{
	return door_create(scribble, NULL, 0);
}

TEST(c043_c044_argument_is_the_servers)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_scribbling));
	for (size_t i = 1; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *data = malloc(sizes[i]);
		door_arg_t a = {.data_ptr = data, .data_size = sizes[i]};

		fill(data, sizes[i], 1);
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_TRUE(is_filled(data, sizes[i], 1));
		ASSERT_EQ(sizes[i], a.data_size);
		for (size_t j = 0; j < sizes[i]; j++)
			ASSERT_EQ(0x55, a.data_ptr[j]);
		munmap(a.rbuf, a.rsize);
		free(data);
	}
	server_stop(&s);
}

/* The end of the mapping that holds an address. */
static uintptr_t mapping_end(uintptr_t addr)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long from, to, end = 0;
	char line[512];

	while (f && !end && fgets(line, sizeof(line), f))
		if (sscanf(line, "%lx-%lx", &from, &to) == 2 && addr >= from &&
		    addr < to)
			end = to;
	if (f)
		fclose(f);
	return end;
}

/* word[4]: how many are open; word[5], word[6]: where their mappings end. */
static void note_descriptors(void *cookie, char *argp, size_t size,
			     door_desc_t *dp, uint_t n)
{
	int usable = 0;

	for (uint_t i = 0; i < n; i++)
		usable += close(dp[i].d_data.d_desc.d_descriptor) == 0;
	atomic_store(&shared->word[4], usable);
	atomic_store(&shared->word[5], (long)mapping_end((uintptr_t)argp));
	atomic_store(&shared->word[6], (long)mapping_end((uintptr_t)dp));
	note_argument(cookie, argp, size, dp, n);
}

static int make_noting_descriptors(void)
{
	door_server_create(create_single);
	return door_create(note_descriptors, NULL, 0);
}

/* Behind the data if there is room, elsewhere if not, and never half of each.
 */
TEST(c045_c074_where_descriptors_are)
{
	static const size_t big[] = {WINDOW + 1, 70000, (2 << 20) - 48,
				     (2 << 20) - 40, 2 << 20};
	static char data[2 << 20];
	door_desc_t desc[2];
	struct server s;

	for (int i = 0; i < 2; i++) {
		desc[i].d_attributes = DOOR_DESCRIPTOR;
		desc[i].d_data.d_desc.d_descriptor = 0;
	}
	ASSERT_EQ(0, server_with(&s, make_noting_descriptors));
	for (size_t i = 0; i < 12 + sizeof(big) / sizeof(big[0]); i++) {
		size_t size = i < 12 ? WINDOW - 56 + i * 5 : big[i - 12];
		door_arg_t a = {.data_ptr = data,
				.data_size = size,
				.desc_ptr = desc,
				.desc_num = 2};
		uintptr_t argp, dp;

		ASSERT_EQ(0, door_call(s.door, &a));
		argp = (uintptr_t)shared->word[0];
		dp = (uintptr_t)shared->word[2];
		EXPECT_EQ(2, shared->word[4]);
		EXPECT_EQ(0, dp % sizeof(uint64_t));
		EXPECT_LE(dp + sizeof(desc), (uintptr_t)shared->word[6]);
		if (dp >= argp && dp < (uintptr_t)shared->word[5])
			EXPECT_LE(argp + size, dp);
		if (size > WINDOW)
			EXPECT_EQ(argp + (size + 7) / 8 * 8, dp);
	}
	server_stop(&s);
}

/* The memory for them is the server's, who may have taken it away. */
TEST(c090_server_cannot_be_told_of_descriptors)
{
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {.data_ptr = (char *)"x", .data_size = 1};
	int d, fds;

	share();
	d = make_noting_descriptors();
	ASSERT_EQ(0, door_call(d, &a));
	ASSERT_EQ(0, munmap((void *)(uintptr_t)shared->word[0], WINDOW));
	atomic_store(&shared->word[1], 7);
	fds = count_fds();
	a = (door_arg_t){.desc_ptr = &desc, .desc_num = 1};
	EXPECT_EQ(-1, door_call(d, &a));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(7, shared->word[1]);
	EXPECT_EQ(0, door_call(d, NULL));
	EXPECT_EQ(0, shared->word[1]);
}

/* A byte and as many descriptors as asked for, or else nothing. */
static void give(void *cookie, char *argp, size_t size, door_desc_t *dp,
		 uint_t n)
{
	static door_desc_t desc[DOOR_DESC_MAX + 1];

	(void)cookie;
	(void)size;
	(void)dp;
	for (n = 0; n <= DOOR_DESC_MAX; n++)
		desc[n].d_attributes = DOOR_DESCRIPTOR;
	memcpy(&n, argp, sizeof(n));
	door_return((char *)"x", 1, desc, n);
	atomic_store(&shared->err, errno);
	door_return(NULL, 0, NULL, 0);
}

static int make_giving(void)
{
	return door_create(give, NULL, 0);
}

TEST(c069_as_many_as_possible_in_the_answer)
{
	uint_t n = DOOR_DESC_MAX;
	door_arg_t a = {.data_ptr = (char *)&n, .data_size = sizeof(n)};
	struct server s;

	limit_fds(2 * DOOR_DESC_MAX);
	ASSERT_EQ(0, server_with(&s, make_giving));
	ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(DOOR_DESC_MAX, a.desc_num);
	n++;
	a.data_ptr = (char *)&n;
	a.data_size = sizeof(n);
	a.desc_num = 0;
	ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(0, a.desc_num);
	EXPECT_EQ(E2BIG, shared->err);
	server_stop(&s);
}

/* There is room for the data of the results, but not for what follows. */
TEST(c049_client_cannot_be_told_of_descriptors)
{
	const long page = sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint_t one = 1;
	door_arg_t a = {.data_ptr = (char *)&one,
			.data_size = sizeof(one),
			.rbuf = p + page - sizeof(door_desc_t),
			.rsize = 2 * sizeof(door_desc_t)};
	struct server s;
	int fds;

	ASSERT_EQ(0, server_with(&s, make_giving));
	ASSERT_EQ(0, mprotect(p + page, page, PROT_READ));
	fds = count_fds();
	EXPECT_EQ(-1, door_call(s.door, &a));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(0, a.desc_num);
	ASSERT_EQ(0, mprotect(p + page, page, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(1, a.desc_num);
	EXPECT_EQ(fds + 1, count_fds());
	server_stop(&s);
}

static void give_when_told(void *cookie, char *argp, size_t size,
			   door_desc_t *dp, uint_t n)
{
	enter();
	while (!atomic_load(&shared->go))
		nap();
	leave();
	give(cookie, argp, size, dp, n);
}

static int make_giving_when_told(void)
{
	return door_create(give_when_told, NULL, 0);
}

/* In pages. */
static long memory_in_use(void)
{
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY);

	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = 0;
	close(fd);
	return atol(text);
}

/*
 * Asks for a descriptor when shared->go is 0. A client that is stopped is not
 * asked whether it has room for one.
 */
static int has_no_room(int d)
{
	uint_t n = 0;
	door_arg_t a = {.data_ptr = (char *)&n, .data_size = sizeof(n)};
	struct rlimit limit = {0, 0};
	long before;

	/* What the library makes once is there after this. */
	if (door_call(d, &a) || !wait_until(!atomic_load(&shared->go)))
		return 1;
	before = memory_in_use();
	setrlimit(RLIMIT_NOFILE, &limit);
	n = 1;
	a = (door_arg_t){.data_ptr = (char *)&n, .data_size = sizeof(n)};
	if (!door_call(d, &a) || errno != EMFILE)
		return 2;
	limit.rlim_cur = limit.rlim_max = 1024;
	setrlimit(RLIMIT_NOFILE, &limit);
	return memory_in_use() == before ? 0 : 3;
}

/* Room that was made for results that could not be received does not stay. */
TEST(c054_c083_no_room_for_a_descriptor)
{
	struct server s;
	int status;
	pid_t pid;

	ASSERT_EQ(0, server_with(&s, make_giving_when_told));
	atomic_store(&shared->go, 1);
	pid = fork();
	if (pid == 0)
		_exit(has_no_room(s.door));
	ASSERT_TRUE(wait_until(shared->ran == 1));
	atomic_store(&shared->go, 0);
	ASSERT_TRUE(wait_until(shared->ran == 2));
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'S'));
	kill(pid, SIGSTOP);
	ASSERT_TRUE(wait_until(state_of(pid, pid) == 'T'));
	atomic_store(&shared->go, 1);
	/* It has been answered: its thread is there for others. */
	ASSERT_TRUE(wait_until(shared->finished == 2 &&
			       threads(s.pid, 'S', 0) == threads(s.pid, 0, 0)));
	kill(pid, SIGCONT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	server_stop(&s);
}

/* Waits with a structure that can be read, but not written; then with another.
 */
static void *serve_in_vain(void *p)
{
	void *hole = mmap(NULL, sizeof(struct door_ioc_return), PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct door_ioc_return r = {0};

	ioctl(*(int *)p, DOOR_IOC_RETURN, hole);
	atomic_store(&shared->err, errno);
	ioctl(*(int *)p, DOOR_IOC_RETURN, &r);
	atomic_store(&shared->word[0], (long)r.arg_size);
	r = (struct door_ioc_return){0};
	ioctl(*(int *)p, DOOR_IOC_RETURN, &r);
	return NULL;
}

TEST(server_cannot_be_told_of_the_call)
{
	struct door_ioc_create create = {0};
	int control = open("/dev/door", O_RDWR | O_CLOEXEC), d, fds;
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {.desc_ptr = &desc, .desc_num = 1};
	pthread_t thread;

	share();
	d = ioctl(control, DOOR_IOC_CREATE, &create);
	ASSERT_LE(0, d);
	fds = count_fds();
	ASSERT_EQ(0, pthread_create(&thread, NULL, serve_in_vain, &control));
	EXPECT_EQ(-1, door_call(d, &a));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_TRUE(wait_until(shared->err));
	EXPECT_EQ(EFAULT, shared->err);
	/* What has come stays. */
	EXPECT_EQ(fds + 1, count_fds());
	a = (door_arg_t){.data_ptr = (char *)"xyz", .data_size = 3};
	EXPECT_EQ(0, door_call(d, &a));
	EXPECT_EQ(3, shared->word[0]);
}

static long pages_of(pid_t pid)
{
	char path[64];
	long pages = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%ld", &pages) != 1)
		pages = -1;
	if (f)
		fclose(f);
	return pages;
}

static int make_noting_large(void)
{
	int d = make_noting_descriptors();

	return door_setparam(d, DOOR_PARAM_DATA_MAX, 1 << 30) ? -1 : d;
}

/* A thread keeps some memory for the next argument, but not all it ever had. */
TEST(memory_of_large_arguments)
{
	const long page = sysconf(_SC_PAGESIZE);
	door_arg_t a = {.data_size = 32 << 20};
	struct server s;
	long before;

	a.data_ptr = mmap(NULL, a.data_size, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, server_with(&s, make_noting_large));
	ASSERT_EQ(0, door_call(s.door, NULL));
	before = pages_of(s.pid);
	ASSERT_LT(0, before);
	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ((long)a.data_size, shared->word[1]);
	EXPECT_GT(before + (4 << 20) / page, pages_of(s.pid));
	server_stop(&s);
}

static void insist(void *cookie, char *argp, size_t size, door_desc_t *dp,
		   uint_t n)
{
	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	atomic_store(&shared->value[0],
		     door_return((char *)"four", 4, NULL, 0));
	atomic_store(&shared->err, errno);
	while (!atomic_load(&shared->go))
		nap();
	door_return(NULL, 0, NULL, 0);
}

static int make_insisting(void)
{
	return door_create(insist, NULL, 0);
}

static void *call_without(void *p)
{
	return (void *)(intptr_t)door_call(*(int *)p, NULL);
}

TEST(c050_result_not_wanted)
{
	struct server s;
	pthread_t thread;
	void *ret = (void *)1;

	ASSERT_EQ(0, server_with(&s, make_insisting));
	ASSERT_EQ(0, pthread_create(&thread, NULL, call_without, &s.door));
	ASSERT_TRUE(wait_until(shared->err));
	EXPECT_EQ(-1, shared->value[0]);
	EXPECT_EQ(E2BIG, shared->err);
	/* Still blocked. */
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, &ret));
	atomic_store(&shared->go, 1);
	ASSERT_EQ(0, pthread_join(thread, &ret));
	EXPECT_EQ(NULL, ret);
	server_stop(&s);
}

TEST_HARNESS_MAIN
