// SPDX-License-Identifier: GPL-2.0-only
/*
 * Servers and clients that die at any moment, for a while. Invariants: nobody
 * sleeps for ever, every answer is that of the question, every error is one
 * that a death explains, and afterwards a call works.
 *
 * DOOR_STRESS_SECONDS says how long (10).
 */
#include "door_test.h"

#define CLIENTS 6
#define THREADS 3

struct score {
	atomic_long answered;
	atomic_long died;
	atomic_long wrong;
	atomic_long last_wrong;
	atomic_long progress[CLIENTS];
};

static struct score *score;

static unsigned int next_random(unsigned int *seed)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed >> 8;
}

/* Echo; now and then it leaves in some other way. */
static void moody(void *cookie, char *argp, size_t size, door_desc_t *dp,
		  uint_t n)
{
	static __thread unsigned int seed;

	(void)cookie;
	if (!seed)
		seed = (unsigned int)syscall(SYS_gettid);
	for (uint_t i = 0; i < n; i++)
		close(dp[i].d_data.d_desc.d_descriptor);
	switch (next_random(&seed) % 64) {
	case 0:
		return;
	case 1:
		pthread_exit(NULL);
	case 2:
		syscall(SYS_exit, 0);
		break;
	case 3:
		sched_yield();
	}
	door_return(argp, size, NULL, 0);
}

static int make_moody(void)
{
	return door_create(moody, NULL, DOOR_UNREF_MULTI);
}

static void on_signal(int sig)
{
	(void)sig;
}

static void one_call(int d, unsigned int *seed, char *buf)
{
	static const size_t size_of[] = {0, 16, 300, 9000, 20000, 100000};
	size_t size = size_of[next_random(seed) % 6];
	int mark = (int)(next_random(seed) % 250), bad;
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {buf, size, NULL, 0, NULL, 0};

	if (next_random(seed) % 8 == 0) {
		desc.d_data.d_desc.d_descriptor = d;
		a.desc_ptr = &desc;
		a.desc_num = 1;
	}
	memset(buf, mark, size);
	if (door_call(d, &a)) {
		bad = errno != EINTR && errno != EBADF;
		if (bad)
			atomic_store(&score->last_wrong, errno);
		atomic_fetch_add(bad ? &score->wrong : &score->died, 1);
		return;
	}
	bad = a.data_size != size;
	for (size_t i = 0; !bad && i < size; i += 499)
		bad = a.data_ptr[i] != (char)mark;
	if (bad)
		atomic_store(&score->last_wrong, -(long)size);
	atomic_fetch_add(bad ? &score->wrong : &score->answered, 1);
	if (a.rsize)
		munmap(a.rbuf, a.rsize);
}

struct client {
	int door;
	int nr;
	unsigned int seed;
};

static void *call_for_ever(void *p)
{
	struct client *c = p;
	char *buf = malloc(100000);

	for (;;) {
		one_call(c->door, &c->seed, buf);
		atomic_fetch_add(&score->progress[c->nr], 1);
	}
	return NULL;
}

/* Threads that call, and one that sends them signals. */
static pid_t start_client(int d, int nr, unsigned int seed)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct client c[THREADS];
	pthread_t thread[THREADS];
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &sa, NULL);
	for (int i = 0; i < THREADS; i++) {
		c[i] = (struct client){d, nr, seed + i};
		pthread_create(&thread[i], NULL, call_for_ever, &c[i]);
	}
	for (;;) {
		pthread_kill(thread[next_random(&seed) % THREADS], SIGUSR1);
		nap();
	}
}

static int stress_seconds(void)
{
	const char *s = getenv("DOOR_STRESS_SECONDS");

	return s ? atoi(s) : 10;
}

FIXTURE(stress)
{
	int nothing;
};

FIXTURE_SETUP(stress)
{
}

FIXTURE_TEARDOWN(stress)
{
}

TEST_F_TIMEOUT(stress, deaths_at_any_moment, 170)
{
	long end, before;
	unsigned int seed = 4711;
	pid_t pid[CLIENTS];
	struct server s;
	int status = 0;

	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_EQ(0, server_with(&s, make_moody));
	for (int i = 0; i < CLIENTS; i++)
		pid[i] = start_client(s.door, i, seed + 100 * i);
	end = now_ms() + stress_seconds() * 1000;
	while (now_ms() < end) {
		int i = (int)(next_random(&seed) % (CLIENTS + 1));

		nap();
		ASSERT_EQ(0, waitpid(s.pid, &status, WNOHANG))
		{
			TH_LOG("the server has died: %x", status);
		}
		if (i == CLIENTS && next_random(&seed) % 16 == 0) {
			/* A new server; the clients of the old are done. */
			server_stop(&s);
			ASSERT_EQ(0, server_with(&s, make_moody));
			for (i = 0; i < CLIENTS; i++) {
				kill(pid[i], SIGKILL);
				ASSERT_EQ(pid[i], waitpid(pid[i], NULL, 0));
				pid[i] = start_client(s.door, i, seed + i);
			}
		} else if (i < CLIENTS && next_random(&seed) % 8 == 0) {
			kill(pid[i],
			     next_random(&seed) % 2 ? SIGKILL : SIGTERM);
			ASSERT_EQ(pid[i], waitpid(pid[i], NULL, 0));
			pid[i] = start_client(s.door, i, seed);
		} else if (i < CLIENTS) {
			kill(pid[i], SIGSTOP);
			kill(pid[i], SIGCONT);
		}
	}
	/* Everybody still gets on. */
	for (int i = 0; i < CLIENTS; i++) {
		before = score->progress[i];
		EXPECT_TRUE(wait_until(score->progress[i] > before));
	}
	for (int i = 0; i < CLIENTS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	EXPECT_EQ(0, score->wrong)
	{
		TH_LOG("last: %ld", (long)score->last_wrong);
	}
	EXPECT_LT(0, score->answered);
	TH_LOG("%ld answered, %ld interrupted", (long)score->answered,
	       (long)score->died);
	server_stop(&s);
}

/* Many clients, one server: no reply is lost, doubled or mixed up. */
TEST_F_TIMEOUT(stress, c173_many_clients, 170)
{
	struct server s;
	int status, n = 16;

	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < n; i++) {
		if (fork() == 0) {
			for (int j = 0; j < 300; j++) {
				char got[64];
				struct request r = {OP_FILL, i * 7 + j, 60};
				door_arg_t a = {(char *)&r, sizeof(r),	NULL, 0,
						got,	    sizeof(got)};

				if (door_call(s.door, &a) ||
				    a.data_size != 60 ||
				    !is_filled(got, 60, i * 7 + j))
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < n; i++) {
		ASSERT_LT(0, waitpid(-1, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(n * 300, shared->ran);
	server_stop(&s);
}

TEST_HARNESS_MAIN
