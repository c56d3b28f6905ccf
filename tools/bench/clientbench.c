// SPDX-License-Identifier: GPL-2.0-only
/*
 * clientbench: how many empty calls one server process answers, for several
 * numbers of clients that do nothing but call.
 *
 * clientbench [-n CALLS] [-c CLIENTS,...] [-t THREADS] [MECHANISM...]
 *
 * MECHANISM is door or unix (a socketpair() and a server thread for each
 * client). CALLS is how many all clients make together. One line a measurement:
 *   clients MECHANISM CLIENTS ns/call NS calls/s N threads T
 * T is how many threads the server has at the end, its first one not counted.
 * NS is instructions where a nanosecond is one.
 */
#include <dirent.h>
#include <door.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 1024
/* Calls of each client before the clock runs: by then every thread has served.
 */
#define WARM_UP 50

struct mechanism {
	const char *name;
	void (*open)(int clients);
	void (*serve)(int clients);
	void (*ask)(int client);
};

static uint64_t *ends; /* shared: when each client had its last answer */
static int pairs[CLIENTS_MAX][2];
static int door = -1, threads_wanted;

static void die(const char *what)
{
	fprintf(stderr, "clientbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static void procedure(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	door_return(NULL, 0, NULL, 0);
}

static int start_thread(door_info_t *info, void *(*start)(void *), void *arg,
			void *cookie)
{
	pthread_t thread;

	(void)info;
	(void)cookie;
	return pthread_create(&thread, NULL, start, arg) ? -1 : 1;
}

static void door_open_for(int clients)
{
	const uint_t attributes = DOOR_REFUSE_DESC | DOOR_NO_CANCEL;

	(void)clients;
	if (threads_wanted)
		door = door_xcreate(procedure, NULL,
				    attributes | DOOR_NO_DEPLETION_CB,
				    start_thread, NULL, NULL, threads_wanted);
	else
		door = door_create(procedure, NULL, attributes);
	if (door < 0)
		die("door_create");
}

/* The library's threads do. */
static void door_serve(int clients)
{
	(void)clients;
}

static void door_ask(int client)
{
	(void)client;
	if (door_call(door, NULL))
		die("door_call");
}

static void unix_open_for(int clients)
{
	for (int i = 0; i < clients; i++)
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pairs[i]))
			die("socketpair");
}

static void *echo(void *arg)
{
	int fd = *(int *)arg;
	char c;

	while (read(fd, &c, 1) == 1)
		if (write(fd, &c, 1) != 1)
			die("write");
	return NULL;
}

static void unix_serve(int clients)
{
	pthread_t thread;

	for (int i = 0; i < clients; i++)
		if ((errno = pthread_create(&thread, NULL, echo, &pairs[i][1])))
			die("pthread_create");
}

static void unix_ask(int client)
{
	char c = 0;

	if (write(pairs[client][0], &c, 1) != 1 ||
	    read(pairs[client][0], &c, 1) != 1)
		die("unix");
}

static const struct mechanism mechanisms[] = {
	{"door", door_open_for, door_serve, door_ask},
	{"unix", unix_open_for, unix_serve, unix_ask},
};

/* Tells that it has come here and waits until @gate has no writer any more. */
static void meet(int here, int gate)
{
	char c = 0;

	if (write(here, &c, 1) != 1 || read(gate, &c, 1) != 0)
		die("pipe");
}

/* Ends only after all are done: what an end costs is not to be measured. */
static void client(const struct mechanism *m, int me, int calls, int here,
		   int start, int stop)
{
	for (int i = 0; i < WARM_UP; i++)
		m->ask(me);
	meet(here, start);
	for (int i = 0; i < calls; i++)
		m->ask(me);
	ends[me] = now();
	meet(here, stop);
}

static void wait_for(int clients, int here)
{
	char c;

	while (clients--)
		if (read(here, &c, 1) != 1)
			die("read");
}

static int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	if (!dir)
		die("/proc");
	while (readdir(dir))
		n++;
	closedir(dir);
	/* Without ".", ".." and the thread that asks. */
	return n - 3;
}

static void measure(const struct mechanism *m, int clients, int calls)
{
	int here[2], start[2], stop[2], status, failed = 0;
	uint64_t begin, end = 0;

	if (pipe(here) || pipe(start) || pipe(stop))
		die("pipe");
	m->open(clients);
	for (int i = 0; i < clients; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(here[0]);
			close(start[1]);
			close(stop[1]);
			client(m, i, calls / clients, here[1], start[0],
			       stop[0]);
			_exit(0);
		}
	}
	m->serve(clients);
	close(here[1]);
	wait_for(clients, here[0]);
	begin = now();
	close(start[1]);
	wait_for(clients, here[0]);
	close(stop[1]);
	for (int i = 0; i < clients; i++)
		failed |= wait(&status) < 0 || status;
	if (failed)
		exit(1);
	for (int i = 0; i < clients; i++)
		end = ends[i] > end ? ends[i] : end;
	calls = calls / clients * clients;
	printf("clients %s %d ns/call %.1f calls/s %.0f threads %d\n", m->name,
	       clients, (double)(end - begin) / calls,
	       calls * 1e9 / (double)(end - begin), threads());
	fflush(stdout);
}

/* Each server is a process of its own: it begins without threads. */
static void run(const struct mechanism *m, const char *counts, int calls)
{
	char *copy = strdup(counts), *s;
	int status;
	pid_t pid;

	for (s = strtok(copy, ","); s; s = strtok(NULL, ",")) {
		int clients = atoi(s);

		if (clients < 1 || clients > CLIENTS_MAX || clients > calls)
			exit(2);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0) {
			measure(m, clients, calls);
			exit(0);
		}
		if (waitpid(pid, &status, 0) < 0 || status)
			exit(1);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	const char *counts = "1,2,8,64";
	int calls = 6400, opt;

	while ((opt = getopt(argc, argv, "n:c:t:")) != -1) {
		if (opt == 'n')
			calls = atoi(optarg);
		else if (opt == 'c')
			counts = optarg;
		else if (opt == 't')
			threads_wanted = atoi(optarg);
		else
			return 2;
	}
	ends = mmap(NULL, CLIENTS_MAX * sizeof(*ends), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ends == MAP_FAILED)
		die("mmap");
	for (int i = 0; i < 2; i++) {
		int wanted = optind == argc;

		for (int j = optind; j < argc; j++)
			wanted |= !strcmp(argv[j], mechanisms[i].name);
		if (wanted)
			run(&mechanisms[i], counts, calls);
	}
	return 0;
}
