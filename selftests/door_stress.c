// SPDX-License-Identifier: GPL-2.0-only
/*
 * Servers and clients that die at any moment, for a while. Invariants: nobody
 * sleeps for ever, every answer is that of the question, every error is one
 * that a death explains, and afterwards a call works.
 *
 * DOOR_STRESS_SECONDS says how long (10).
 */
#include "door_test.h"

#include <stdbool.h>

#define CLIENTS 6
#define THREADS 3
#define SIZE 100000

struct score {
	atomic_long answered;
	atomic_long signals;	 /* calls that one has interrupted */
	atomic_long interrupted; /* without one */
	atomic_long left;	 /* by their procedure, without an answer */
	atomic_long refused;
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
		atomic_fetch_add(&score->left, 1);
		return;
	case 1:
		atomic_fetch_add(&score->left, 1);
		pthread_exit(NULL);
	case 2:
		atomic_fetch_add(&score->left, 1);
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

/* The calling thread has handled a signal. */
static __thread volatile sig_atomic_t signalled;
/* Its last call was interrupted without one. */
static __thread bool unexplained;

static void on_signal(int sig)
{
	(void)sig;
	signalled = 1;
}

/*
 * @buf is for argument and result. Now and then the result gets a mapping: not
 * always, as most of the time would go into making and removing it.
 */
static void one_call(int d, unsigned int *seed, char *buf)
{
	static const size_t size_of[] = {0,   16,   16,	  300,	 300,
					 300, 4000, 9000, 20000, SIZE};
	size_t size = size_of[next_random(seed) % 10];
	int mark = (int)(next_random(seed) % 250), bad;
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR};
	door_arg_t a = {buf, size, NULL, 0, buf + SIZE, SIZE};

	if (next_random(seed) % 8 == 0) {
		desc.d_data.d_desc.d_descriptor = d;
		a.desc_ptr = &desc;
		a.desc_num = 1;
	}
	if (next_random(seed) % 8 == 0)
		a.rsize = 0;
	memset(buf, mark, size);
	signalled = 0;
	if (door_call(d, &a)) {
		if (errno == EINTR) {
			unexplained = !signalled;
			atomic_fetch_add(unexplained ? &score->interrupted
						     : &score->signals,
					 1);
		} else if (errno == EBADF) {
			/* The server has gone, maybe from that one, too. */
			atomic_fetch_sub(&score->interrupted, unexplained);
			atomic_fetch_add(&score->refused, 1);
			for (;;)
				pause();
		} else {
			atomic_store(&score->last_wrong, errno);
			atomic_fetch_add(&score->wrong, 1);
		}
		return;
	}
	unexplained = false;
	bad = a.data_size != size;
	for (size_t i = 0; !bad && i < size; i += 499)
		bad = a.data_ptr[i] != (char)mark;
	if (bad)
		atomic_store(&score->last_wrong, -(long)size);
	atomic_fetch_add(bad ? &score->wrong : &score->answered, 1);
	if (a.rbuf != buf + SIZE)
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
	char *buf = malloc(2 * SIZE);

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
		for (int i = 0; i < 5; i++)
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

static void expect_score(struct __test_metadata *_metadata)
{
	TH_LOG("%ld answered, %ld interrupted by signals, %ld otherwise "
	       "(%ld left), %ld refused",
	       (long)score->answered, (long)score->signals,
	       (long)score->interrupted, (long)score->left,
	       (long)score->refused);
	/* Each by the end of the thread that had it. */
	EXPECT_LE(score->interrupted, score->left);
	EXPECT_LT(0, score->answered);
	EXPECT_EQ(0, score->wrong)
	{
		TH_LOG("last: %ld", (long)score->last_wrong);
	}
}

TEST_F_TIMEOUT(stress, deaths_at_any_moment, 170)
{
	long end, before;
	unsigned int seed = 4711;
	pid_t pid[CLIENTS];
	struct server s;
	int status = 0, restarts = 0;

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
		if (i == CLIENTS && next_random(&seed) % 32 == 0) {
			/* A new server; the clients of the old are done. */
			restarts++;
			server_stop(&s);
			ASSERT_TRUE(wait_until(score->refused ==
					       restarts * CLIENTS * THREADS));
			ASSERT_EQ(0, server_with(&s, make_moody));
			for (i = 0; i < CLIENTS; i++) {
				kill(pid[i], SIGKILL);
				ASSERT_EQ(pid[i], waitpid(pid[i], NULL, 0));
				pid[i] = start_client(s.door, i, seed + i);
			}
		} else if (i < CLIENTS && next_random(&seed) % 16 == 0) {
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
	expect_score(_metadata);
	server_stop(&s);
}

/* 16 processes of 4 threads; 300 calls each are some 10 s in an emulator. */
#define MANY 16
#define MANY_THREADS 4
#define MANY_CALLS 300

static int many_door;

static void *call_many(void *p)
{
	int id = (int)(intptr_t)p;

	for (int j = 0; j < MANY_CALLS; j++) {
		char got[64];
		struct request r = {OP_FILL, id * 7 + j, 60};
		door_arg_t a = {(char *)&r, sizeof(r), NULL,
				0,	    got,       sizeof(got)};

		if (door_call(many_door, &a) || a.data_size != 60 ||
		    !is_filled(got, 60, id * 7 + j))
			_exit(1);
	}
	return NULL;
}

/* Does its calls, and starts other programs meanwhile. */
static void one_of_many(int nr)
{
	pthread_t thread[MANY_THREADS];

	for (intptr_t i = 0; i < MANY_THREADS; i++)
		if (pthread_create(&thread[i], NULL, call_many,
				   (void *)(nr * MANY_THREADS + i)))
			_exit(2);
	if (nr % 4 == 0) {
		pid_t pid = fork();

		if (pid == 0) {
			execl("/bin/true", "true", NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	for (int i = 0; i < MANY_THREADS; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

/* Many clients, one server: no reply is lost, doubled or mixed up. */
TEST_F_TIMEOUT(stress, c173_many_clients, 170)
{
	struct server s;
	int status;

	ASSERT_EQ(0, server_start(&s));
	many_door = s.door;
	for (int i = 0; i < MANY; i++)
		if (fork() == 0)
			one_of_many(i);
	for (int i = 0; i < MANY; i++) {
		ASSERT_LT(0, waitpid(-1, &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(MANY * MANY_THREADS * MANY_CALLS, shared->ran);
	server_stop(&s);
}

TEST_HARNESS_MAIN
