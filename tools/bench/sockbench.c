// SPDX-License-Identifier: GPL-2.0-only
/*
 * sockbench: what a request and its answer cost over a pipe, an AF_UNIX and a
 * TCP connection between two processes on one CPU. It knows nothing of doors:
 * under "door run" the same program measures sockets over doors, and only then
 * asks /dev/door what became of them.
 *
 * One line a measurement:
 *   rtt  TRANSPORT STATE SIZE   ns/op NS   vcsw/op SWITCHES
 *   send TRANSPORT STATE SIZE   ns/byte NS vcsw/op SWITCHES
 * STATE is "plain" or "door"; NS is instructions where a nanosecond is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/door.h>

#define BUFFER 65536

/* One end of a connection: a socket twice, or two pipes. */
struct end {
	int in, out;
};

static char buffer[BUFFER];
static int rounds = 1000;
static long *theirs; /* shared: the child's context switches */

static void die(const char *what)
{
	fprintf(stderr, "sockbench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static void send_all(const struct end *e, size_t size)
{
	size_t done = 0;
	ssize_t n;

	for (; done < size; done += n) {
		n = write(e->out, buffer + done, size - done);
		if (n <= 0)
			die("write");
	}
}

static void receive_all(const struct end *e, size_t size)
{
	size_t done = 0;
	ssize_t n;

	for (; done < size; done += n) {
		n = read(e->in, buffer + done, size - done);
		if (n <= 0)
			die("read");
	}
}

/* A listener for @transport, whose name goes to @addr. */
static int listener(const char *transport, struct sockaddr_storage *addr,
		    socklen_t *len)
{
	int fd;

	memset(addr, 0, sizeof(*addr));
	if (!strcmp(transport, "tcp")) {
		struct sockaddr_in *sin = (struct sockaddr_in *)addr;

		sin->sin_family = AF_INET;
		sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		*len = sizeof(*sin);
	} else {
		addr->ss_family = AF_UNIX; /* the kernel picks a name */
		*len = sizeof(sa_family_t);
	}
	fd = socket(addr->ss_family, SOCK_STREAM, 0);
	if (fd < 0 || bind(fd, (void *)addr, *len) || listen(fd, 16))
		die("listener");
	*len = sizeof(*addr);
	if (getsockname(fd, (void *)addr, len))
		die("getsockname");
	return fd;
}

static void no_delay(int fd, const char *transport)
{
	int on = 1;

	if (!strcmp(transport, "tcp") &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		die("TCP_NODELAY");
}

/* Forks a child at the other end; returns its pid in the parent, 0 in it. */
static pid_t connect_child(const char *transport, struct end *e)
{
	struct sockaddr_storage addr;
	int l, there[2], back[2];
	socklen_t len;
	pid_t pid;

	if (!strcmp(transport, "pipe")) {
		if (pipe(there) || pipe(back))
			die("pipe");
		pid = fork();
		*e = pid ? (struct end){back[0], there[1]}
			 : (struct end){there[0], back[1]};
		close(pid ? back[1] : back[0]);
		close(pid ? there[0] : there[1]);
		return pid;
	}
	l = listener(transport, &addr, &len);
	pid = fork();
	if (pid) {
		e->in = e->out = accept(l, NULL, NULL);
	} else {
		e->in = e->out = socket(addr.ss_family, SOCK_STREAM, 0);
		if (connect(e->in, (void *)&addr, len))
			die("connect");
	}
	if (e->in < 0)
		die("accept");
	no_delay(e->in, transport);
	close(l);
	return pid;
}

static const char *state_of(const struct end *e)
{
	struct door_ioc_sock sock = {.fd = e->in, .fd2 = -1};
	int door = open("/dev/door", O_RDWR | O_CLOEXEC);
	int err = door < 0 || ioctl(door, DOOR_IOC_SOCK_INFO, &sock);

	if (door >= 0)
		close(door);
	return !err && sock.state == DOOR_SOCK_JOINED ? "door" : "plain";
}

static void echo(const struct end *e, size_t size, int n)
{
	while (n--) {
		receive_all(e, size);
		send_all(e, size);
	}
}

static void ask(const struct end *e, size_t size, int n)
{
	while (n--) {
		send_all(e, size);
		receive_all(e, size);
	}
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nvcsw;
}

static void finish(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		die("child");
}

static void print_row(const char *what, const char *transport,
		      const struct end *e, size_t size, const char *unit,
		      double ns, double vcsw)
{
	printf("%-4s %-4s %-5s %6zu  %-7s %10.3f  vcsw/op %.2f\n", what,
	       transport, state_of(e), size, unit, ns, vcsw);
}

static void close_end(const struct end *e)
{
	close(e->in);
	if (e->out != e->in)
		close(e->out);
}

static void round_trips(const char *transport, size_t size)
{
	int warm = rounds / 10;
	uint64_t start, end;
	struct end e;
	long mine;
	pid_t pid;

	pid = connect_child(transport, &e);
	if (!pid) {
		echo(&e, size, warm);
		mine = switches();
		echo(&e, size, rounds);
		*theirs = switches() - mine;
		exit(0);
	}
	ask(&e, size, warm);
	mine = switches();
	start = now();
	ask(&e, size, rounds);
	end = now();
	mine = switches() - mine;
	finish(pid);
	print_row("rtt", transport, &e, size, "ns/op",
		  (double)(end - start) / rounds,
		  (double)(mine + *theirs) / rounds);
	close_end(&e);
}

/* One way, BUFFER bytes a write; the reader says when it has all. */
static void one_way(const char *transport)
{
	int n = rounds / 4, warm = n / 10 + 1;
	uint64_t start, end;
	struct end e;
	long mine;
	pid_t pid;

	pid = connect_child(transport, &e);
	if (!pid) {
		for (int i = 0; i < warm; i++)
			receive_all(&e, BUFFER);
		send_all(&e, 1);
		mine = switches();
		for (int i = 0; i < n; i++)
			receive_all(&e, BUFFER);
		*theirs = switches() - mine;
		send_all(&e, 1);
		exit(0);
	}
	for (int i = 0; i < warm; i++)
		send_all(&e, BUFFER);
	receive_all(&e, 1);
	mine = switches();
	start = now();
	for (int i = 0; i < n; i++)
		send_all(&e, BUFFER);
	receive_all(&e, 1);
	end = now();
	mine = switches() - mine;
	finish(pid);
	print_row("send", transport, &e, BUFFER, "ns/byte",
		  (double)(end - start) / n / BUFFER,
		  (double)(mine + *theirs) / n);
	close_end(&e);
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option == 'n')
			rounds = atoi(optarg);
		if (option != 'n' || rounds < 10) {
			fputs("usage: sockbench [-n ROUNDS] TRANSPORT...\n"
			      "TRANSPORT: pipe, unix or tcp\n",
			      stderr);
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	pin();
	theirs = mmap(NULL, sizeof(*theirs), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (theirs == MAP_FAILED)
		die("mmap");
	for (; optind < argc; optind++) {
		const char *transport = argv[optind];

		round_trips(transport, 1);
		round_trips(transport, 1024);
		round_trips(transport, 16384);
		one_way(transport);
	}
	return 0;
}
