// SPDX-License-Identifier: GPL-2.0-only
/* Server threads: pools, binding, growth, nested calls. */
#include "door_test.h"

#define N 10

static atomic_int limit;

/* At most @limit threads, each of which takes the time to be counted. */
static void *park(void *p)
{
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	atomic_fetch_add(&shared->value[0], 1);
	door_return(NULL, 0, NULL, 0);
	return p;
}

static void limited_create(door_info_t *info)
{
	pthread_t thread;

	(void)info;
	atomic_fetch_add(&shared->created, 1);
	if (atomic_fetch_sub(&limit, 1) > 0)
		pthread_create(&thread, NULL, park, NULL);
}

static int make_two(void)
{
	atomic_store(&limit, 2);
	door_server_create(limited_create);
	return make_obeying();
}

static void run_callers(struct __test_metadata *_metadata, int d, int n,
			int inside)
{
	struct caller c[N];

	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, caller_start(&c[i], d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == inside));
	for (int i = 0; i < n; i++)
		ASSERT_TRUE(wait_until(caller_sleeps(&c[i])));
	EXPECT_EQ(inside, shared->inside);
	atomic_store(&shared->go, 1);
	for (int i = 0; i < n; i++) {
		ASSERT_EQ(0, caller_join(&c[i]));
		EXPECT_EQ(0, c[i].ret);
	}
	EXPECT_EQ(n, shared->ran);
	EXPECT_EQ(inside, shared->most);
}

TEST(c093_grows_with_the_load)
{
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	run_callers(_metadata, s.door, N, N);
	server_stop(&s);
}

TEST(c094_fixed_pool)
{
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_two));
	run_callers(_metadata, s.door, 5, 2);
	server_stop(&s);
}

static int ask_where(int d, struct where *w)
{
	struct request r = {.op = OP_WHERE};
	door_arg_t a = {(char *)&r, sizeof(r), NULL, 0, (char *)w, sizeof(*w)};

	return door_call(d, &a);
}

TEST(c095_last_in_first_out)
{
	struct where first, w;
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	run_callers(_metadata, s.door, 5, 5);
	/* All have parked when none is inside and all sleep. */
	ASSERT_TRUE(wait_until(shared->finished == 5));
	ASSERT_TRUE(wait_until(threads(s.pid, 'S', 0) == threads(s.pid, 0, 0)));
	ASSERT_EQ(0, ask_where(s.door, &first));
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, ask_where(s.door, &w));
		if (w.tid != first.tid)
			first = w;
	}
	for (int i = 0; i < 50; i++) {
		ASSERT_EQ(0, ask_where(s.door, &w));
		EXPECT_EQ(first.tid, w.tid);
	}
	server_stop(&s);
}

/* value[N] of request N: as which it was served. */
static void in_turn(void *cookie, char *argp, size_t size, door_desc_t *dp,
		    uint_t n)
{
	struct request r;

	(void)cookie;
	(void)size;
	(void)dp;
	(void)n;
	memcpy(&r, argp, sizeof(r));
	enter();
	atomic_store(&shared->value[r.value], shared->ran);
	while (r.op == OP_WAIT && !atomic_load(&shared->go))
		nap();
	leave();
	door_return(NULL, 0, NULL, 0);
}

TEST(c094_c137_first_come_first_served)
{
	struct caller c[5];
	int d, other;

	share();
	door_server_create(create_single);
	d = door_create(in_turn, NULL, 0);
	other = door_create(in_turn, NULL, 0);
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, caller_start(&c[i], i == 2 ? other : d,
					  i ? OP_NOTHING : OP_WAIT, i));
		ASSERT_TRUE(i || wait_until(shared->inside == 1));
		ASSERT_TRUE(wait_until(caller_sleeps(&c[i])));
	}
	/* The same threads serve both doors; one of them goes. */
	ASSERT_EQ(0, door_revoke(other));
	ASSERT_EQ(0, caller_join(&c[2]));
	EXPECT_EQ(EBADF, c[2].err);
	atomic_store(&shared->go, 1);
	for (int i = 0; i < 5; i++) {
		if (i == 2)
			continue;
		ASSERT_EQ(0, caller_join(&c[i]));
		EXPECT_EQ(0, c[i].ret);
		EXPECT_EQ(i < 2 ? i + 1 : i, shared->value[i]);
	}
}

static atomic_int callback_tid, callback_ran;
static door_info_t callback_info;

static void noting_create(door_info_t *info)
{
	atomic_store(&callback_tid, (int)syscall(SYS_gettid));
	atomic_store(&callback_ran, shared->ran);
	if (info)
		callback_info = *info;
	atomic_fetch_add(&shared->created, 1);
}

TEST(c096_c097_depletion)
{
	pthread_t thread;
	struct where w;
	int d;

	share();
	door_server_create(noting_create);
	d = door_create(obey, NULL, 0);
	EXPECT_EQ(1, shared->created);
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, NULL));
	ASSERT_EQ(0, ask_where(d, &w));
	EXPECT_EQ(2, shared->created);
	/* On the thread that serves, before the procedure. */
	EXPECT_EQ(w.tid, callback_tid);
	EXPECT_EQ(0, callback_ran);
	ASSERT_EQ(0, ask_where(d, &w));
	EXPECT_EQ(3, shared->created);
	EXPECT_EQ(0, callback_info.di_uniquifier);
}

static int private_door = -1;
static atomic_int bind_result;

static void *bind_and_park(void *p)
{
	if (p)
		atomic_store(&bind_result, door_bind(private_door));
	door_return(NULL, 0, NULL, 0);
	return NULL;
}

TEST(c097_c099_private_and_bound)
{
	pthread_t thread;
	struct where w;

	share();
	door_server_create(noting_create);
	private_door = door_create(obey, NULL, DOOR_PRIVATE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_and_park, (void *)1));
	for (int i = 0; i < 20; i++)
		ASSERT_EQ(0, ask_where(private_door, &w));
	EXPECT_EQ(0, bind_result);
	EXPECT_TRUE(callback_info.di_attributes & DOOR_DEPLETION_CB);
	EXPECT_TRUE(callback_info.di_attributes & DOOR_PRIVATE);
	EXPECT_EQ((uintptr_t)obey, callback_info.di_proc);
}

static void on_signal(int sig)
{
	(void)sig;
}

TEST(c098_private_and_not_bound)
{
	struct sigaction sa = {.sa_handler = on_signal};
	pthread_t thread;
	struct caller c;

	share();
	sigaction(SIGUSR1, &sa, NULL);
	door_server_create(noting_create);
	private_door = door_create(obey, NULL, DOOR_PRIVATE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_and_park, NULL));
	ASSERT_EQ(0, caller_start(&c, private_door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	ASSERT_EQ(0, pthread_kill(c.thread, SIGUSR1));
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(EINTR, c.err);
	EXPECT_EQ(0, shared->ran);
}

TEST(c100_private_and_default)
{
	struct caller c[4];
	int d;

	share();
	d = door_create(obey, NULL, DOOR_PRIVATE);
	EXPECT_EQ(0, ask(d, OP_NOTHING, 0));
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, caller_start(&c[i], d, OP_WAIT, 1));
	ASSERT_TRUE(wait_until(shared->inside == 4));
	atomic_store(&shared->go, 1);
	for (int i = 0; i < 4; i++)
		ASSERT_EQ(0, caller_join(&c[i]));
}

static int other_door = -1;

static void *bind_twice(void *p)
{
	(void)p;
	atomic_store(&shared->value[1], door_bind(private_door));
	atomic_store(&shared->value[2], door_bind(other_door));
	door_return(NULL, 0, NULL, 0);
	return NULL;
}

TEST(c101_c104_bound_thread_serves_one_door)
{
	pthread_t thread;
	struct caller c;

	share();
	door_server_create(noting_create);
	private_door = door_create(obey, NULL, DOOR_PRIVATE);
	other_door = door_create(obey, NULL, DOOR_PRIVATE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, bind_twice, NULL));
	EXPECT_EQ(0, ask(other_door, OP_NOTHING, 0));
	EXPECT_EQ(0, shared->value[1] | shared->value[2]);
	ASSERT_EQ(0, caller_start(&c, private_door, OP_NOTHING, 0));
	ASSERT_TRUE(wait_until(caller_sleeps(&c)));
	EXPECT_EQ(1, shared->ran);
	ASSERT_EQ(0, door_revoke(private_door));
	ASSERT_EQ(0, caller_join(&c));
	EXPECT_EQ(EBADF, c.err);
}

TEST(c102_c103_binding_errors)
{
	struct server s;

	ASSERT_EQ(0, server_start(&s));
	EXPECT_EQ(-1, door_bind(s.door));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_bind(door_create(obey, NULL, 0)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, door_bind(0));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(-1, door_unbind());
	EXPECT_EQ(EBADF, errno);
	server_stop(&s);
}

static void query(void *cookie, char *argp, size_t size, door_desc_t *dp,
		  uint_t n)
{
	door_info_t info;
	int ret = door_info(DOOR_QUERY, &info);

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	atomic_store(&shared->err, ret ? errno : 0);
	atomic_store(&shared->word[0], ret ? 0 : (long)info.di_uniquifier);
	atomic_store(&shared->value[3], door_unbind());
	door_return(NULL, 0, NULL, 0);
}

TEST(c025_c026_c103_query_and_unbind)
{
	door_info_t info;
	int d, open_door;

	share();
	d = door_create(query, NULL, DOOR_PRIVATE);
	open_door = door_create(query, NULL, 0);
	ASSERT_EQ(0, door_call(open_door, NULL));
	EXPECT_EQ(EBADF, shared->err);
	EXPECT_EQ(-1, shared->value[3]);
	ASSERT_EQ(0, door_call(d, NULL));
	ASSERT_EQ(0, door_info(d, &info));
	EXPECT_EQ(0, shared->err);
	EXPECT_EQ((long)info.di_uniquifier, shared->word[0]);
	EXPECT_EQ(0, shared->value[3]);
}

TEST(c110_main_thread_serves)
{
	int pair[2], d;
	pid_t pid;

	share();
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (pid == 0) {
		door_server_create(noting_create);
		d = door_create(obey, NULL, 0);
		send_fd(pair[1], d);
		door_return(NULL, 0, NULL, 0);
		_exit(1);
	}
	d = recv_fd(pair[0]);
	for (int i = 0; i < 10; i++)
		EXPECT_EQ(0, ask(d, OP_NOTHING, 0));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int deep_door = -1;

/* Calls itself, or the door it was given, until the count is 0. */
static void deeper(void *cookie, char *argp, size_t size, door_desc_t *dp,
		   uint_t n)
{
	int left = 0, back = -1;
	door_arg_t a = {(char *)&left, sizeof(left), NULL, 0,
			(char *)&back, sizeof(back)};

	(void)cookie;
	if (size == sizeof(left))
		memcpy(&left, argp, sizeof(left));
	if (n)
		deep_door = dp[0].d_data.d_desc.d_descriptor;
	if (left-- > 0)
		door_call(deep_door, &a);
	else
		back = 0;
	back++;
	door_return((char *)&back, sizeof(back), NULL, 0);
}

TEST(c170_c172_depth)
{
	int left = 50, back = 0;
	door_arg_t a = {(char *)&left, sizeof(left), NULL, 0,
			(char *)&back, sizeof(back)};

	share();
	deep_door = door_create(deeper, NULL, 0);
	ASSERT_EQ(0, door_call(deep_door, &a));
	EXPECT_EQ(51, back);
}

static int make_deep(void)
{
	return door_create(deeper, NULL, 0);
}

TEST(c169_callback)
{
	int left = 20, back = 0;
	door_desc_t d = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {(char *)&left, sizeof(left), &d, 1,
			(char *)&back, sizeof(back)};
	struct server s;

	ASSERT_EQ(0, server_with(&s, make_deep));
	deep_door = s.door;
	d.d_data.d_desc.d_descriptor = door_create(deeper, NULL, 0);
	ASSERT_EQ(0, door_call(s.door, &a));
	EXPECT_EQ(21, back);
	server_stop(&s);
}

TEST(c171_self_call_in_a_pool_of_one)
{
	struct sigaction sa = {.sa_handler = on_signal};
	pthread_t thread;
	int left = 1, back = -1;
	door_arg_t a = {(char *)&left, sizeof(left), NULL, 0,
			(char *)&back, sizeof(back)};

	share();
	sigaction(SIGUSR1, &sa, NULL);
	door_server_create(noting_create);
	deep_door = door_create(deeper, NULL, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, park, NULL));
	/* The procedure's own call waits for a thread; a signal frees it. */
	struct caller c = {.door = deep_door, .arg = a};
	ASSERT_EQ(0, pthread_create(&c.thread, NULL, caller_run, &c));
	ASSERT_TRUE(wait_until(callback_tid));
	ASSERT_TRUE(wait_until(state_of(getpid(), callback_tid) == 'S' &&
			       caller_sleeps(&c)));
	while (pthread_tryjoin_np(c.thread, NULL)) {
		syscall(SYS_tgkill, getpid(), callback_tid, SIGUSR1);
		nap();
	}
	EXPECT_EQ(0, c.ret);
	EXPECT_EQ(0, back);
}

#define STACK_SIZE ((size_t)1 << 20)

/* Where the stack of the calling thread is, and how large. */
static void see_stack(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	pthread_attr_t attr;
	size_t length = 0;
	void *stack = NULL;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstack(&attr, &stack, &length);
	pthread_attr_destroy(&attr);
	/* Nearly all of it is left, and we are on it. */
	if ((char *)&attr > (char *)stack + length / 2 &&
	    (char *)&attr < (char *)stack + length)
		atomic_store(&shared->word[0], (long)length);
	door_return(NULL, 0, NULL, 0);
}

TEST(c109_stack_of_the_threads_maker)
{
	pthread_attr_t attr;
	pthread_t thread;
	int d;

	share();
	door_server_create(noting_create);
	d = door_create(see_stack, NULL, 0);
	ASSERT_LE(0, d);
	pthread_attr_init(&attr);
	ASSERT_EQ(0, pthread_attr_setstacksize(&attr, STACK_SIZE));
	ASSERT_EQ(0, pthread_create(&thread, &attr, park, NULL));
	ASSERT_EQ(0, door_call(d, NULL));
	EXPECT_EQ((long)STACK_SIZE, shared->word[0]);
}

TEST_HARNESS_MAIN
