// SPDX-License-Identifier: GPL-2.0-only
/* Calls: arguments, results and where they are. */
#include "door_test.h"

#include <dirent.h>

static const size_t sizes[] = {0,     1,     7,	    64,	    4095,   4096,
			       4097,  8191,  8192,  8193,   16383,  16384,
			       16385, 65536, 65537, 262144, 1048576};

FIXTURE(call)
{
	struct server s;
	long page;
};

FIXTURE_SETUP(call)
{
	ASSERT_EQ(0, server_start(&self->s));
	self->page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(call)
{
	server_stop(&self->s);
}

/* Asks for @size bytes; the result is where door_call() put it. */
static int ask_fill(int d, door_arg_t *a, struct request *r, size_t size,
		    int seed)
{
	*r = (struct request){.op = OP_FILL, .value = seed, .size = size};
	a->data_ptr = (char *)r;
	a->data_size = sizeof(*r);
	a->desc_ptr = NULL;
	a->desc_num = 0;
	return door_call(d, a);
}

TEST_F(call, c030_null_arguments)
{
	/* obey() echoes an empty argument: nothing. */
	EXPECT_EQ(0, door_call(self->s.door, NULL));
	EXPECT_EQ(1, shared->ran);
}

TEST_F(call, c031_result_in_rbuf)
{
	char rbuf[64], data[32] = {0};
	struct request *r = (struct request *)data;
	door_arg_t a = {data, sizeof(data), NULL, 0, rbuf, sizeof(rbuf)};

	memset(rbuf, 0xcc, sizeof(rbuf));
	memcpy(data + sizeof(*r), "hello", 5);
	r->op = OP_ECHO;
	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_TRUE(a.data_ptr == rbuf);
	EXPECT_EQ(sizeof(data) - sizeof(*r), a.data_size);
	EXPECT_TRUE(a.rbuf == rbuf);
	EXPECT_EQ(sizeof(rbuf), a.rsize);
	EXPECT_EQ(0, memcmp(rbuf, "hello", 5));
	/* Nothing beyond the result. */
	for (size_t i = a.data_size; i < sizeof(rbuf); i++)
		ASSERT_EQ((char)0xcc, rbuf[i]);
	EXPECT_EQ(NULL, a.desc_ptr);
	EXPECT_EQ(0, a.desc_num);
}

TEST_F(call, c032_result_in_mapping)
{
	door_arg_t a = {0};
	struct request r;

	ASSERT_EQ(0, ask_fill(self->s.door, &a, &r, 80, 3));
	ASSERT_TRUE(a.rbuf != NULL);
	EXPECT_EQ(a.rbuf, a.data_ptr);
	EXPECT_EQ(80, a.data_size);
	EXPECT_EQ(self->page, a.rsize);
	EXPECT_TRUE(is_filled(a.rbuf, 80, 3));
	EXPECT_EQ(0, munmap(a.rbuf, a.rsize));
}

TEST_F(call, c033_c034_one_byte_too_many)
{
	char rbuf[128];
	door_arg_t a = {.rbuf = rbuf, .rsize = 100};
	struct request r;

	memset(rbuf, 0xcc, sizeof(rbuf));
	ASSERT_EQ(0, ask_fill(self->s.door, &a, &r, 101, 4));
	EXPECT_TRUE(a.rbuf != rbuf);
	EXPECT_TRUE(is_filled(a.rbuf, 101, 4));
	for (size_t i = 0; i < sizeof(rbuf); i++)
		ASSERT_EQ((char)0xcc, rbuf[i]);
	EXPECT_EQ(0, munmap(a.rbuf, a.rsize));

	a = (door_arg_t){.rbuf = rbuf, .rsize = 100};
	ASSERT_EQ(0, ask_fill(self->s.door, &a, &r, 100, 5));
	EXPECT_TRUE(a.rbuf == rbuf);
	EXPECT_EQ(100, a.rsize);
	EXPECT_TRUE(is_filled(rbuf, 100, 5));
	EXPECT_EQ((char)0xcc, rbuf[100]);
}

TEST_F(call, c035_empty_result)
{
	struct request r = {.op = OP_NOTHING};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_EQ(NULL, a.rbuf);
	EXPECT_EQ(0, a.rsize);
	EXPECT_EQ(0, a.data_size);
	EXPECT_EQ((char *)&r, a.data_ptr);
}

TEST_F(call, c037_aliased)
{
	char buf[64];
	struct request *r = (struct request *)buf;
	door_arg_t a = {buf, sizeof(buf), NULL, 0, buf, sizeof(buf)};

	memset(buf, 7, sizeof(buf));
	r->op = OP_ECHO;
	ASSERT_EQ(0, door_call(self->s.door, &a));
	EXPECT_EQ(sizeof(buf) - sizeof(*r), a.data_size);
	for (size_t i = 0; i < a.data_size; i++)
		ASSERT_EQ(7, buf[i]);
}

static long vm_size(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (fscanf(f, "%ld", &pages) != 1)
		pages = -1;
	fclose(f);
	return pages;
}

TEST_F_TIMEOUT(call, c038_mappings_do_not_pile_up, 120)
{
	struct request r;
	long before = 0;

	for (int i = 0; i < 2000; i++) {
		door_arg_t a = {0};

		ASSERT_EQ(0, ask_fill(self->s.door, &a, &r, 10000, i));
		ASSERT_EQ(0, munmap(a.rbuf, a.rsize));
		if (i == 10)
			before = vm_size();
	}
	EXPECT_EQ(before, vm_size());
}

TEST_F_TIMEOUT(call, c039_huge_results, 120)
{
	static const size_t huge[] = {1 << 20, 64 << 20, 256 << 20};
	struct request r;

	for (int i = 0; i < 3; i++) {
		door_arg_t a = {0};
		size_t n = huge[i];

		ASSERT_EQ(0, ask_fill(self->s.door, &a, &r, n, i));
		ASSERT_EQ(n, a.data_size);
		ASSERT_EQ(n, a.rsize);
		/* All of the small one, the edges of the others. */
		EXPECT_TRUE(is_filled(a.data_ptr, 1 << 20, i));
		for (size_t j = n - 5000; j < n; j++)
			ASSERT_EQ(pattern(i, j), (unsigned char)a.data_ptr[j]);
		ASSERT_EQ(0, munmap(a.rbuf, a.rsize));
	}
}

static int make_limited(void)
{
	int d = make_obeying();

	door_setparam(d, DOOR_PARAM_DATA_MAX, 1024);
	return d;
}

TEST(c040_results_are_not_limited)
{
	door_arg_t a = {0};
	struct request r;
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_limited));
	ASSERT_EQ(0, ask_fill(s.door, &a, &r, 512 * 1024, 9));
	EXPECT_TRUE(is_filled(a.data_ptr, 512 * 1024, 9));
	server_stop(&s);
}

/* The argument's sum comes back; then results of the same size. */
static void try_size(struct __test_metadata *_metadata, int d, size_t size,
		     size_t shift)
{
	size_t total = sizeof(struct request) + size;
	unsigned char *data = malloc(total + shift + 1);
	unsigned char *rbuf = malloc(size + shift + 9);
	struct request r = {.op = OP_SUM};
	door_arg_t a = {(char *)data + shift, total,   NULL, 0,
			(char *)rbuf + shift, size + 8};
	uint64_t sum = 0, got;

	memcpy(data + shift, &r, sizeof(r));
	fill(data + shift + sizeof(r), size, 11);
	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + pattern(11, i);
	ASSERT_EQ(0, door_call(d, &a))
	{
		TH_LOG("argument of %zu: errno %d", size, errno);
	}
	ASSERT_EQ(sizeof(got), a.data_size);
	memcpy(&got, a.data_ptr, sizeof(got));
	EXPECT_EQ(sum, got);

	memset(rbuf, 0xcc, size + shift + 9);
	a.rbuf = (char *)rbuf + shift;
	a.rsize = size;
	ASSERT_EQ(0, ask_fill(d, &a, &r, size, 12))
	{
		TH_LOG("result of %zu: errno %d", size, errno);
	}
	EXPECT_EQ(size, a.data_size);
	EXPECT_TRUE(is_filled(rbuf + shift, size, 12));
	for (size_t i = 0; i < shift; i++)
		EXPECT_EQ(0xcc, rbuf[i]);
	for (size_t i = size + shift; i < size + shift + 9; i++)
		EXPECT_EQ(0xcc, rbuf[i]);
	free(data);
	free(rbuf);
}

TEST_F_TIMEOUT(call, c041_sizes, 60)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		try_size(_metadata, self->s.door, sizes[i], 0);
}

TEST_F_TIMEOUT(call, c042_unaligned, 60)
{
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]) - 1; i++)
		try_size(_metadata, self->s.door, sizes[i], 1 + i % 7);
}

/* In 32 bit it is the library that reads the structure, as plain memory. */
#if UINTPTR_MAX == UINT64_MAX
TEST_F(call, c046_params_unmapped)
{
	EXPECT_EQ(-1, door_call(self->s.door, (door_arg_t *)16));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, shared->ran);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}
#endif

TEST_F(call, c047_data_ptr_unmapped)
{
	static const size_t bad[] = {8, 4096, 1 << 20};
	char *hole = mmap(NULL, 2 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	for (int i = 0; i < 3; i++) {
		door_arg_t a = {.data_ptr = hole, .data_size = bad[i]};

		EXPECT_EQ(-1, door_call(self->s.door, &a));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_EQ(hole, a.data_ptr);
		EXPECT_EQ(bad[i], a.data_size);
	}
	/* The second page of two. */
	mprotect(hole, self->page, PROT_READ | PROT_WRITE);
	for (size_t size = 2; size <= 8192; size += 8190) {
		door_arg_t a = {.data_ptr = hole + self->page - 1,
				.data_size = size};

		EXPECT_EQ(-1, door_call(self->s.door, &a));
		EXPECT_EQ(EFAULT, errno);
	}
	EXPECT_EQ(0, shared->ran);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
}

TEST_F(call, argument_not_present_yet)
{
	size_t size = 12000;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	/* Untouched memory is zeros: OP_ECHO. */
	for (size = 100; size <= 12000; size += 11900) {
		door_arg_t a = {.data_ptr = p, .data_size = size};

		EXPECT_EQ(0, door_call(self->s.door, &a));
		EXPECT_EQ(size - sizeof(struct request), a.data_size);
		madvise(p, 12000, MADV_DONTNEED);
	}
}

TEST_F(call, c048_c049_rbuf_read_only)
{
	char *rbuf = mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	struct request r;

	for (size_t size = 8; size <= 1 << 20; size *= 8) {
		door_arg_t a = {.rbuf = rbuf, .rsize = 1 << 20};

		EXPECT_EQ(-1, ask_fill(self->s.door, &a, &r, size, 0));
		EXPECT_EQ(EFAULT, errno);
		EXPECT_TRUE(a.rbuf == rbuf);
		EXPECT_EQ(sizeof(r), a.data_size);
		EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	}
}

TEST_F(call, c051_no_door)
{
	door_arg_t a = {0};

	EXPECT_EQ(-1, door_call(-1, &a));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_call(open("/dev/null", O_RDWR), &a));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_call(open("/dev/door", O_RDWR), &a));
	EXPECT_EQ(EBADF, errno);
	close(self->s.door);
	EXPECT_EQ(-1, door_call(self->s.door, &a));
	EXPECT_EQ(EBADF, errno);
	self->s.door = -1;
}

/* A million take an hour in an emulator; a leak shows in ten thousand. */
#define MANY_CALLS 10000

struct usage {
	int fds, threads;
	long pages, slab_kb;
};

static int count_entries(pid_t pid, const char *what)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, what);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static void measure(pid_t pid, struct usage *u)
{
	char path[64];

	u->fds = count_entries(pid, "fd");
	u->threads = count_entries(pid, "task");
	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	u->pages = number_in(path, "%ld");
	u->slab_kb = number_in("/proc/meminfo", "SUnreclaim: %ld");
}

TEST_F_TIMEOUT(call, c053_many_calls_leak_nothing, 100)
{
	struct usage before[2], after[2];
	door_info_t info, again;
	int rounds = 0;

	/* What is allocated once is there after these. */
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, door_call(self->s.door, NULL));
	ASSERT_EQ(0, door_info(self->s.door, &info));
	/* A call may add a thread if that of the last one does not wait yet. */
	do {
		measure(getpid(), &before[0]);
		measure(self->s.pid, &before[1]);
		for (int i = 0; i < MANY_CALLS; i++)
			ASSERT_EQ(0, door_call(self->s.door, NULL));
		measure(getpid(), &after[0]);
		measure(self->s.pid, &after[1]);
	} while (before[1].threads != after[1].threads && ++rounds < 5);
	EXPECT_EQ(1000 + MANY_CALLS * (rounds + 1), shared->ran);
	for (int i = 0; i < 2; i++) {
		EXPECT_LT(0, before[i].pages);
		EXPECT_EQ(before[i].fds, after[i].fds);
		EXPECT_EQ(before[i].threads, after[i].threads);
		EXPECT_EQ(before[i].pages, after[i].pages);
	}
	ASSERT_EQ(0, door_info(self->s.door, &again));
	EXPECT_EQ(info.di_uniquifier, again.di_uniquifier);
	/* 64 bytes a call would be 625. */
	EXPECT_LT(0, before[0].slab_kb);
	EXPECT_GT(500, after[0].slab_kb - before[0].slab_kb);
}

TEST_F(call, c054_no_room_for_mapping)
{
	struct rlimit old, r;
	door_arg_t a = {0};
	struct request req;

	getrlimit(RLIMIT_AS, &old);
	r = old;
	r.rlim_cur = vm_size() * self->page + (1 << 20);
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &r));
	EXPECT_EQ(-1, ask_fill(self->s.door, &a, &req, 32 << 20, 1));
	EXPECT_EQ(EOVERFLOW, errno);
	EXPECT_EQ(NULL, a.rbuf);
	setrlimit(RLIMIT_AS, &old);
	EXPECT_EQ(0, ask(self->s.door, OP_NOTHING, 0));
	a = (door_arg_t){0};
	EXPECT_EQ(0, ask_fill(self->s.door, &a, &req, 32 << 20, 1));
}

/* No thread that is just being started maps or unmaps anything. */
static int make_cramped(void)
{
	struct rlimit r;
	int d = make_obeying_alone();

	ask(d, OP_NOTHING, 0);
	getrlimit(RLIMIT_AS, &r);
	r.rlim_cur = vm_size() * sysconf(_SC_PAGESIZE) + (4 << 20);
	setrlimit(RLIMIT_AS, &r);
	return door_setparam(d, DOOR_PARAM_DATA_MAX, 1 << 30) ? -1 : d;
}

TEST(c067_more_than_the_server_takes)
{
	door_arg_t a = {.data_size = 64 << 20};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_cramped));
	atomic_store(&shared->ran, 0);
	a.data_ptr = mmap(NULL, a.data_size, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT_EQ(-1, door_call(s.door, &a));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(0, shared->ran);
	EXPECT_EQ(0, ask(s.door, OP_NOTHING, 0));
	EXPECT_EQ(1, shared->ran);
	server_stop(&s);
}

TEST_F(call, more_than_any_call_takes)
{
	door_arg_t a = {.data_ptr = (char *)&a, .data_size = SIZE_MAX};

	EXPECT_EQ(-1, door_call(self->s.door, &a));
	EXPECT_EQ(E2BIG, errno);
	EXPECT_EQ(0, shared->ran);
}

TEST_F_TIMEOUT(call, c111_stack_does_not_grow, 300)
{
	struct where seen[8], w;
	int threads = 0, t;

	for (int i = 0; i < MANY_CALLS; i++) {
		struct request r = {.op = OP_WHERE};
		door_arg_t a = {(char *)&r, sizeof(r),	NULL,
				0,	    (char *)&w, sizeof(w)};

		ASSERT_EQ(0, door_call(self->s.door, &a));
		for (t = 0; t < threads && seen[t].tid != w.tid; t++)
			;
		if (t == threads) {
			/* Another one whenever the spare is slow to come. */
			ASSERT_GT(8, threads);
			seen[threads++] = w;
		}
		ASSERT_EQ(seen[t].local, w.local);
		ASSERT_EQ(seen[t].argp, w.argp);
	}
}

TEST_HARNESS_MAIN
