// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doors whose allocations and accesses to user memory fail, one after the
 * other. Whatever fails, an error is one that the interface knows, nothing has
 * changed then, no descriptor is lost, and the next attempt works.
 */
#include "door_test.h"
#include "fault_test.h"

#include <sys/ioctl.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT 300

/* More descriptors than any test has. */
#define FDS 256

static char was_open[FDS];

static void note_open(void)
{
	for (int fd = 0; fd < FDS; fd++)
		was_open[fd] = is_open(fd);
}

static int count_new(void)
{
	int n = 0;

	for (int fd = 0; fd < FDS; fd++)
		n += is_open(fd) && !was_open[fd];
	return n;
}

static void close_new(void)
{
	for (int fd = 0; fd < FDS; fd++)
		if (!was_open[fd])
			close(fd);
}

/* What a client may be told when memory is short on either side. */
static int is_shortage(int err)
{
	return err == ENOMEM || err == EFAULT || err == E2BIG ||
	       err == EOVERFLOW || err == ENFILE;
}

/* In a child: the exit status says whether all of them held. */
#define must(x)                                                               \
	do {                                                                  \
		if (!(x)) {                                                   \
			fprintf(stderr, "# %s:%d: %s (errno %d)\n", __FILE__, \
				__LINE__, #x, errno);                         \
			_exit(1);                                             \
		}                                                             \
	} while (0)

static int status_of(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

FIXTURE(fault)
{
	int nothing;
};

FIXTURE_SETUP(fault)
{
	(void)self;
	ASSERT_EQ(0, faults_ready());
	share();
}

FIXTURE_TEARDOWN(fault)
{
	(void)self;
}

/* A process's first door: what the module knows of the process is made, too. */
static void create_one(int n)
{
	struct door_ioc_create c = {.procedure = 1,
				    .attributes = DOOR_ATTR_PRIVATE |
						  DOOR_ATTR_UNREF};
	int dev = open("/dev/door", O_RDWR | O_CLOEXEC);
	int fd, err, hit;

	note_open();
	must(dev >= 0);
	must(fault_arm(fault_self(), n) == 0);
	fd = ioctl(dev, DOOR_IOC_CREATE, &c);
	err = errno;
	hit = fault_disarm(fault_self());
	must(fd >= 0 || hit);
	must(fd >= 0 || err == ENOMEM || err == EFAULT || err == ENFILE);
	must(count_new() == (fd >= 0));
	if (fd < 0)
		fd = ioctl(dev, DOOR_IOC_CREATE, &c);
	must(fd >= 0);
	must(ioctl(fd, DOOR_IOC_REVOKE) == 0);
	_exit(hit ? 0 : 2);
}

TEST_F(fault, create)
{
	for (each_fault(n, hit)) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			create_one(n);
		status = status_of(pid);
		hit = WIFEXITED(status) && WEXITSTATUS(status) != 2;
		ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1);
		EXPECT_TRUE(hit || n > 3);
	}
}

/* A thread's first RETURN, and what comes of it, in a child of its own. */
static void *serve_first(void *p)
{
	int *dev = p;
	struct door_ioc_return r = {0};
	int n = dev[1];

	atomic_store(&shared->value[1], fault_self());
	fault_arm(fault_self(), n);
	while (ioctl(dev[0], DOOR_IOC_RETURN, &r)) {
		atomic_store(&shared->err, errno);
		memset(&r, 0, sizeof(r));
	}
	atomic_store(&shared->value[0], fault_disarm(fault_self()));
	memset(&r, 0, sizeof(r));
	ioctl(dev[0], DOOR_IOC_RETURN, &r);
	return NULL;
}

static void serve_one(int n)
{
	struct door_ioc_create c = {.procedure = 1};
	static char hello[] = "hello";
	struct door_ioc_call call = {.data_ptr = (uintptr_t)hello,
				     .data_size = sizeof(hello)};
	int dev[2] = {open("/dev/door", O_RDWR | O_CLOEXEC), n};
	pthread_t thread;
	int fd, ret;

	must(dev[0] >= 0);
	fd = ioctl(dev[0], DOOR_IOC_CREATE, &c);
	must(fd >= 0);
	atomic_store(&shared->err, 0);
	atomic_store(&shared->value[1], 0);
	must(pthread_create(&thread, NULL, serve_first, dev) == 0);
	must(wait_until(atomic_load(&shared->value[1]) &&
			state_of(getpid(), atomic_load(&shared->value[1])) ==
				'S'));
	ret = ioctl(fd, DOOR_IOC_CALL, &call);
	must(ret == 0 || is_shortage(errno));
	if (ret)
		ret = ioctl(fd, DOOR_IOC_CALL, &call);
	must(ret == 0);
	must(!shared->err || shared->value[0]);
	must(!shared->err || shared->err == ENOMEM || shared->err == EFAULT);
	_exit(shared->value[0] ? 0 : 2);
}

TEST_F(fault, first_return)
{
	for (each_fault(n, hit)) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			serve_one(n);
		status = status_of(pid);
		hit = WIFEXITED(status) && WEXITSTATUS(status) != 2;
		ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1)
		{
			TH_LOG("fault %d, server: errno %d", n, shared->err);
		}
		EXPECT_TRUE(hit || n > 5);
	}
}

/*
 * Gives back what it has got, or nothing if it cannot. Its thread is value[0],
 * value[1] the descriptors it has beside those it has got, value[2] how often
 * it could not answer.
 */
static void give_back(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	(void)cookie;
	atomic_store(&shared->value[0], fault_self());
	atomic_store(&shared->value[1], count_new() - (int)n);
	for (uint_t i = 0; i < n; i++)
		dp[i].d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE;
	door_return(argp, size, dp, n);
	atomic_store(&shared->err, errno);
	atomic_fetch_add(&shared->value[2], 1);
	/* Not given away; or, after EFAULT, come with a call that is lost. */
	close_new();
	door_return(NULL, 0, NULL, 0);
}

/* One thread: the next call is there when all of the last one is gone. */
static int make_giving_back(void)
{
	int d;

	door_server_create(create_single);
	d = door_create(give_back, NULL, 0);
	note_open();
	was_open[d] = 1;
	return d;
}

struct load {
	const char *what;
	size_t size;
	uint_t descs;
	size_t room; /* for results */
};

static const struct load loads[] = {
	{"nothing", 0, 0, 0},
	{"little", 100, 0, 100},
	{"more than fits", 5000, 0, 10},
	{"descriptors", 40, 3, 200},
	{"more descriptors", 9, 20, 0},
	{"much", 40000, 0, 40000},
	{"much, and descriptors", 40000, 2, 0},
};

static char room[40000], data[40000];

/* 0 if it has come back whole, 1 if empty, -1 if wrong, or the errno. */
static int call_with(int d, const struct load *l)
{
	door_desc_t desc[20];
	door_arg_t a = {data, l->size, desc, l->descs, room, l->room};
	int ret;

	for (uint_t i = 0; i < l->descs; i++) {
		desc[i].d_attributes = DOOR_DESCRIPTOR;
		/* Some are of the door itself, so that it has clients. */
		desc[i].d_data.d_desc.d_descriptor = i % 2 ? d : 0;
	}
	memset(room, 0, sizeof(room));
	if (door_call(d, &a))
		return errno;
	ret = a.data_size == l->size && a.desc_num == l->descs ? 0 : -1;
	if (!a.data_size && !a.desc_num && ret)
		ret = 1;
	if (!ret && l->size && memcmp(a.data_ptr, data, l->size))
		ret = -1;
	for (uint_t i = 0; i < a.desc_num; i++)
		close(a.desc_ptr[i].d_data.d_desc.d_descriptor);
	if (a.rbuf != room)
		munmap(a.rbuf, a.rsize);
	return ret;
}

static long mapped_pages(void)
{
	char line[128] = {0};
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (read(fd, line, sizeof(line) - 1) <= 0)
		line[0] = 0;
	close(fd);
	return atol(line);
}

/* One load, each chance of one of the two threads. Returns how many it had. */
static int walk(struct __test_metadata *_metadata, struct server *s,
		const struct load *l, bool server)
{
	int chances = 0;

	ASSERT_EQ(0, call_with(s->door, l));
	for (each_fault(n, hit)) {
		pid_t tid = server ? shared->value[0] : fault_self();
		int failed = shared->value[2], ret;
		long pages = mapped_pages();

		ASSERT_EQ(0, fault_arm(tid, n));
		ret = call_with(s->door, l);
		hit = fault_disarm(tid);
		if (ret == 1)
			ret = shared->value[2] > failed ? 0 : -1;
		EXPECT_TRUE(!ret || (hit && is_shortage(ret)))
		{
			TH_LOG("%s, %s's fault %d: %d", l->what,
			       server ? "server" : "client", n, ret);
		}
		/* The results were there, only that could not be said. */
		EXPECT_EQ(ret == EFAULT && count_new() ? l->descs : 0,
			  count_new());
		/* If they were not, no mapping for them is, either. */
		if (ret && l->descs && !count_new())
			EXPECT_EQ(pages, mapped_pages());
		close_new();
		ASSERT_EQ(0, call_with(s->door, l))
		{
			TH_LOG("after %s, fault %d", l->what, n);
		}
		EXPECT_EQ(0, shared->value[1]);
		chances = n - 1;
	}
	return chances;
}

TEST_F(fault, call)
{
	const size_t n = sizeof(loads) / sizeof(loads[0]);
	struct server s;
	int chances = 0;

	fill(data, sizeof(data), 3);
	ASSERT_EQ(0, server_with(&s, make_giving_back));
	note_open();
	for (size_t i = 0; i < n; i++) {
		chances += walk(_metadata, &s, &loads[i], false);
		chances += walk(_metadata, &s, &loads[i], true);
	}
	TH_LOG("%d faults", chances);
	/* That many at least: the copies of the structures alone. */
	EXPECT_GT(chances, 40);
	server_stop(&s);
}

static void on_signal(int sig)
{
	(void)sig;
}

struct interrupted {
	int door;
	int nth;
	int ret;
	int err;
	int hit;
	atomic_int tid;
	atomic_int done;
};

static void *call_and_wait(void *p)
{
	struct interrupted *c = p;
	struct request r = {.op = OP_WAIT, .value = 1};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	fault_arm(fault_self(), c->nth);
	atomic_store(&c->tid, fault_self());
	c->ret = door_call(c->door, &a);
	c->err = errno;
	c->hit = fault_disarm(fault_self());
	atomic_store(&c->done, 1);
	return NULL;
}

/* What keeps an interrupted call for its client cannot be had. */
TEST_F(fault, interrupted_call)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct server s;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	ASSERT_EQ(0, server_start(&s));
	for (each_fault(n, hit)) {
		struct interrupted c = {.door = s.door, .nth = n};
		int ran = shared->ran;
		pthread_t thread;

		atomic_store(&shared->go, 0);
		ASSERT_EQ(0, pthread_create(&thread, NULL, call_and_wait, &c));
		/* Either it waits for the procedure or it has failed. */
		ASSERT_TRUE(wait_until(atomic_load(&c.done) ||
				       (shared->ran > ran &&
					state_of(getpid(), c.tid) == 'S')));
		pthread_kill(thread, SIGUSR1);
		pthread_join(thread, NULL);
		EXPECT_TRUE(shared->ran > ran ? c.err == EINTR
					      : is_shortage(c.err))
		{
			TH_LOG("fault %d: errno %d", n, c.err);
		}
		EXPECT_EQ(-1, c.ret);
		hit = c.hit;
		atomic_store(&shared->go, 1);
		ASSERT_TRUE(wait_until(!atomic_load(&shared->inside)));
		ASSERT_EQ(0, ask(s.door, OP_NOTHING, 0));
		EXPECT_TRUE(hit || n > 2);
	}
	server_stop(&s);
}

TEST_HARNESS_MAIN
