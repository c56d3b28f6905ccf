// SPDX-License-Identifier: GPL-2.0-only
/*
 * doorbench: what a request and its answer cost through a door, a pipe, an
 * AF_UNIX and a TCP connection, between two processes on one CPU, for arguments
 * and for results of several sizes.
 *
 * doorbench [-n ROUNDS] [-s SIZE,...] [MECHANISM...]
 *
 * MECHANISM is door, pipe, unix or tcp, by default all; each is measured with
 * the size as the argument (empty result) and as the result (empty argument).
 * One line a measurement:
 *   rtt MECHANISM arg|res SIZE ns/op NS vcsw/op SWITCHES
 * NS is instructions where a nanosecond is one.
 */
#include <door.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <signal.h>

#define LARGEST (16UL << 20)

/* What the client says first: how much follows, how much it wants back. */
struct head {
	uint64_t arg;
	uint64_t res;
};

struct mechanism {
	const char *name;
	void (*open)(void);
	void (*serve)(void);
	void (*ask)(size_t arg, size_t res);
};

static char *buffer, *answer;
static int to_server[2], to_client[2];
static long *theirs; /* shared: the server's context switches */
static int door = -1;

static void die(const char *what)
{
	fprintf(stderr, "doorbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static long switches(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return r.ru_nvcsw + r.ru_nivcsw;
}

static void get(int fd, void *to, size_t len)
{
	for (ssize_t n; len; len -= n, to = (char *)to + n) {
		n = read(fd, to, len);
		if (n == 0)
			exit(0);
		if (n < 0)
			die("read");
	}
}

static void put(int fd, const void *from, size_t len)
{
	for (ssize_t n; len; len -= n, from = (const char *)from + n) {
		n = write(fd, from, len);
		if (n < 0)
			die("write");
	}
}

/* Byte streams: the head, the argument, then the result or one byte. */

static void stream_ask(size_t arg, size_t res)
{
	struct head *head = (struct head *)buffer;

	*head = (struct head){arg, res};
	put(to_server[1], buffer, sizeof(*head) + arg);
	get(to_client[0], buffer, res ? res : 1);
}

static void stream_serve(void)
{
	struct head head;

	for (;;) {
		get(to_server[0], &head, sizeof(head));
		get(to_server[0], answer, head.arg);
		*theirs = switches();
		put(to_client[1], answer, head.res ? head.res : 1);
	}
}

static void pipe_open(void)
{
	if (pipe(to_server) || pipe(to_client))
		die("pipe");
}

static void both_ways(int client, int server)
{
	to_server[1] = to_client[0] = client;
	to_server[0] = to_client[1] = server;
}

static void unix_open(void)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		die("socketpair");
	both_ways(pair[0], pair[1]);
}

static void tcp_open(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0), server, one = 1;
	socklen_t len = sizeof(addr);

	if (bind(listener, (struct sockaddr *)&addr, len) ||
	    listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(client, (struct sockaddr *)&addr, len))
		die("tcp");
	server = accept(listener, NULL, NULL);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	close(listener);
	both_ways(client, server);
}

/*
 * The door. Its descriptor reaches the client by fork(): the client is the
 * child here, because only its maker serves a door.
 */
static void procedure(void *cookie, char *argp, size_t size, door_desc_t *dp,
		      uint_t n)
{
	struct rusage r;
	size_t want = 0;

	(void)cookie;
	(void)dp;
	(void)n;
	if (size == sizeof(want))
		memcpy(&want, argp, sizeof(want));
	if (want == SIZE_MAX) {
		getrusage(RUSAGE_THREAD, &r);
		*theirs = r.ru_nvcsw + r.ru_nivcsw;
		want = 0;
	}
	door_return(answer, want, NULL, 0);
}

static void open_door(void)
{
	door = door_create(procedure, NULL, DOOR_REFUSE_DESC);
	if (door < 0)
		die("door_create");
	if (door_setparam(door, DOOR_PARAM_DATA_MAX, LARGEST))
		die("door_setparam");
}

static void door_serve(void)
{
	for (;;)
		pause();
}

static void door_ask(size_t arg, size_t res)
{
	door_arg_t a = {.data_ptr = buffer,
			.data_size = arg,
			.rbuf = answer,
			.rsize = LARGEST};

	if (res) {
		memcpy(buffer, &res, sizeof(res));
		a.data_size = sizeof(res);
	}
	if (door_call(door, &a))
		die("door_call");
	if (res != SIZE_MAX && a.data_size != res)
		die("short result");
}

static const struct mechanism mechanisms[] = {
	{"door", open_door, door_serve, door_ask},
	{"pipe", pipe_open, stream_serve, stream_ask},
	{"unix", unix_open, stream_serve, stream_ask},
	{"tcp", tcp_open, stream_serve, stream_ask},
};

static long their_switches(const struct mechanism *m)
{
	if (m->ask == door_ask)
		door_ask(0, SIZE_MAX);
	return *theirs;
}

static void measure(const struct mechanism *m, const char *what, size_t size,
		    size_t arg, size_t res, int rounds)
{
	long before, server_before;
	uint64_t start, end;
	int i;

	/* Large sizes are about bytes; a few rounds say it all. */
	if (size > 65536)
		rounds = size > 1 << 20 ? 3 : 20;
	for (i = 0; i < 3 + rounds / 10; i++)
		m->ask(arg, res);
	server_before = their_switches(m);
	before = switches();
	start = now();
	for (i = 0; i < rounds; i++)
		m->ask(arg, res);
	end = now();
	before = switches() - before;
	server_before = their_switches(m) - server_before;
	printf("rtt %s %s %zu ns/op %.1f vcsw/op %.2f\n", m->name, what, size,
	       (double)(end - start) / rounds,
	       (double)(before + server_before) / rounds);
	fflush(stdout);
}

static void client(const struct mechanism *m, const char *sizes, int rounds)
{
	char *copy = strdup(sizes), *s;

	for (s = strtok(copy, ","); s; s = strtok(NULL, ",")) {
		size_t size = strtoul(s, NULL, 0);

		measure(m, "arg", size, size, 0, rounds);
		if (size)
			measure(m, "res", size, 0, size, rounds);
	}
	free(copy);
}

/* The server is a process of its own in either case, and ends with the client.
 */
static void run(const struct mechanism *m, const char *sizes, int rounds)
{
	int status;
	pid_t pid;

	m->open();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (m->ask == stream_ask) {
			close(to_server[1]);
			if (to_client[0] != to_server[1])
				close(to_client[0]);
			m->serve();
		}
		client(m, sizes, rounds);
		exit(0);
	}
	if (m->ask == stream_ask) {
		close(to_server[0]);
		if (to_client[1] != to_server[0])
			close(to_client[1]);
		client(m, sizes, rounds);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) < 0 || (m->ask == door_ask && status))
		exit(1);
}

int main(int argc, char **argv)
{
	const char *sizes = "0,64,4096,65536,1048576,16777216";
	int rounds = 1000, opt, i;
	cpu_set_t set;

	while ((opt = getopt(argc, argv, "n:s:")) != -1) {
		if (opt == 'n')
			rounds = atoi(optarg);
		else if (opt == 's')
			sizes = optarg;
		else
			return 2;
	}
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	buffer = malloc(sizeof(struct head) + LARGEST);
	answer = malloc(LARGEST);
	theirs = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	memset(buffer, 1, LARGEST);
	memset(answer, 2, LARGEST);
	for (const struct mechanism *m = mechanisms; m < mechanisms + 4; m++) {
		int wanted = optind == argc;

		for (i = optind; i < argc; i++)
			wanted |= !strcmp(argv[i], m->name);
		if (wanted)
			run(m, sizes, rounds);
	}
	return 0;
}
