/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of doors share: a server process whose procedure does as it is
 * told, memory that both processes see, waits with a deadline, calls in a
 * thread of their own.
 */
#ifndef DOOR_TEST_H
#define DOOR_TEST_H

#include <door.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
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
#include <linux/door.h>

#include "kselftest_harness.h"
#include "parameter_test.h"
#include "task_test.h"

#define DEADLINE_MS (20000 * slow())

/* Seen by all processes of a test. */
struct shared {
	atomic_int ran;	     /* invocations of the procedure so far */
	atomic_int inside;   /* of these, running */
	atomic_int most;     /* the most that were running at once */
	atomic_int go;	     /* lets OP_WAIT end */
	atomic_int finished; /* procedures that came to their door_return() */
	atomic_int created;  /* calls of a creation function */
	atomic_int unrefs;   /* unreferenced invocations */
	atomic_int err;	     /* errno of what the server tried */
	atomic_int value[8];
	atomic_long word[8];
};

static struct shared *shared;

static inline void share(void)
{
	shared = (struct shared *)mmap(NULL, sizeof(*shared),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void nap(void)
{
	struct timespec t = {0, 1000000};

	nanosleep(&t, NULL);
}

/* Waits until @cond holds; the expression is false if it never did. */
#define wait_until(cond)                                       \
	({                                                     \
		long end_ = now_ms() + DEADLINE_MS;            \
		int held_;                                     \
		while (!(held_ = !!(cond)) && now_ms() < end_) \
			nap();                                 \
		held_;                                         \
	})

/* From its sleep in a call, and back to it. */
static inline int stop_and_continue(pid_t pid)
{
	if (!wait_until(state_of(pid, pid) == 'S'))
		return -1;
	kill(pid, SIGSTOP);
	if (!wait_until(state_of(pid, pid) == 'T'))
		return -1;
	kill(pid, SIGCONT);
	return wait_until(state_of(pid, pid) == 'S') ? 0 : -1;
}

static inline int is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static inline int count_fds(void)
{
	int n = 0, fd;

	for (fd = 0; fd < 4096; fd++)
		n += is_open(fd);
	return n;
}

/* What the procedure is asked for. */
enum op {
	OP_ECHO,    /* the rest of the argument */
	OP_NOTHING, /* an empty answer */
	OP_FILL,    /* @size bytes of pattern(@value) */
	OP_WAIT,    /* until shared->go is @value, then as OP_NOTHING */
	OP_PLAIN,   /* return without door_return() */
	OP_THREAD_EXIT,
	OP_PROCESS_EXIT,
	OP_RAW_EXIT, /* of the thread, past libc */
	OP_EXEC,
	OP_REVOKE,
	OP_SUM,		      /* answers a uint64_t, the sum of the rest */
	OP_WHERE,	      /* address of a local, thread id, argp */
	OP_FAIL_THEN_NOTHING, /* a @size byte answer; should that fail, none */
	OP_FORK,	      /* a child that tries to answer, then an answer */
};

struct request {
	enum op op;
	int value;
	uint64_t size;
};

struct where {
	uint64_t local;
	uint64_t argp;
	int tid, pad;
};

static inline unsigned char pattern(int seed, size_t i)
{
	return (unsigned char)(seed + i * 7 + (i >> 8) * 3 + (i >> 16));
}

static inline void fill(void *p, size_t n, int seed)
{
	for (size_t i = 0; i < n; i++)
		((unsigned char *)p)[i] = pattern(seed, i);
}

static inline int is_filled(const void *p, size_t n, int seed)
{
	for (size_t i = 0; i < n; i++)
		if (((const unsigned char *)p)[i] != pattern(seed, i))
			return 0;
	return 1;
}

static int served_door = -1;

static inline void enter(void)
{
	int n = atomic_fetch_add(&shared->inside, 1) + 1;
	int most = atomic_load(&shared->most);

	while (n > most &&
	       !atomic_compare_exchange_weak(&shared->most, &most, n))
		;
	atomic_fetch_add(&shared->ran, 1);
}

static inline void leave(void)
{
	atomic_fetch_sub(&shared->inside, 1);
	atomic_fetch_add(&shared->finished, 1);
}

static inline void answer_filled(const struct request *r)
{
	char *big = (char *)malloc(r->size + 1);
	int ret;

	fill(big, r->size, r->value);
	leave();
	ret = door_return(big, r->size, NULL, 0);
	atomic_store(&shared->err, ret < 0 ? errno : 0);
	free(big);
	atomic_fetch_add(&shared->value[0], 1);
	door_return(NULL, 0, NULL, 0);
}

static inline void fork_and_answer(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		/* Waits for calls of doors of its own, for ever. */
		alarm(1);
		door_return((char *)"child", 5, NULL, 0);
		_exit(1);
	}
	atomic_store(&shared->value[1], pid);
	waitpid(pid, NULL, 0);
	leave();
	door_return((char *)"parent", 6, NULL, 0);
}

static inline void sum_up(const unsigned char *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + p[i];
	leave();
	door_return((char *)&sum, sizeof(sum), NULL, 0);
}

/* The procedure of most tests. Large arguments may lead themselves. */
static inline void obey(void *cookie, char *argp, size_t size, door_desc_t *dp,
			uint_t n)
{
	struct request r = {.op = OP_ECHO};
	char *rest = argp;
	struct where where;

	(void)cookie;
	(void)dp;
	(void)n;
	enter();
	if (size >= sizeof(r)) {
		memcpy(&r, argp, sizeof(r));
		rest += sizeof(r);
		size -= sizeof(r);
	}
	switch (r.op) {
	case OP_ECHO:
		leave();
		door_return(rest, size, NULL, 0);
		break;
	case OP_FILL:
	case OP_FAIL_THEN_NOTHING:
		answer_filled(&r);
		break;
	case OP_WAIT:
		while (atomic_load(&shared->go) < r.value)
			nap();
		break;
	case OP_PLAIN:
		leave();
		return;
	case OP_THREAD_EXIT:
		leave();
		pthread_exit(NULL);
	case OP_PROCESS_EXIT:
		_exit(0);
	case OP_RAW_EXIT:
		leave();
		syscall(SYS_exit, 0);
		break;
	case OP_EXEC:
		execl("/bin/sleep", "sleep", "30", NULL);
		_exit(1);
	case OP_REVOKE:
		door_revoke(served_door);
		leave();
		door_return(rest, size, NULL, 0);
		break;
	case OP_SUM:
		sum_up((unsigned char *)rest, size);
		break;
	case OP_WHERE:
		where.local = (uint64_t)(uintptr_t)&r;
		where.argp = (uint64_t)(uintptr_t)argp;
		where.tid = (int)syscall(SYS_gettid);
		leave();
		door_return((char *)&where, sizeof(where), NULL, 0);
		break;
	case OP_FORK:
		fork_and_answer();
		break;
	case OP_NOTHING:
		break;
	}
	leave();
	door_return(NULL, 0, NULL, 0);
}

/* Calls with @op and nothing else. */
static inline int ask(int d, enum op op, int value)
{
	struct request r = {.op = op, .value = value};
	door_arg_t a = {.data_ptr = (char *)&r, .data_size = sizeof(r)};

	return door_call(d, &a);
}

/* The same in a process of its own, whose exit status is the errno; its pid. */
static inline pid_t ask_process(int d, enum op op, int value)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(ask(d, op, value) ? errno : 0);
	}
	return pid;
}

static inline void send_fd(int sock, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	sendmsg(sock, &msg, 0);
}

static inline int recv_fd(int sock)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	if (!c)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* A process with a door, which reached us through a socket. */
struct server {
	pid_t pid;
	int door;
	int sock;
};

/* @setup runs in the new process and returns the door. */
static inline int server_with(struct server *s, int (*setup)(void))
{
	int pair[2];

	if (!shared)
		share();
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	s->pid = fork();
	if (s->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		served_door = setup();
		if (served_door < 0)
			_exit(1);
		send_fd(pair[1], served_door);
		/* Goes away with the test. */
		while (read(pair[1], &(char){0}, 1) > 0)
			;
		_exit(0);
	}
	close(pair[1]);
	s->sock = pair[0];
	s->door = recv_fd(pair[0]);
	return s->door < 0 ? -1 : 0;
}

static inline int make_obeying(void)
{
	return door_create(obey, NULL, 0);
}

static inline void *serve_alone(void *p)
{
	/* Or whoever is killed in a call takes it with him, for good. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	door_return(NULL, 0, NULL, 0);
	return p;
}

/* For door_server_create(): one thread, and never another one. */
static inline void create_single(door_info_t *info)
{
	static atomic_int created;
	pthread_t thread;

	(void)info;
	if (atomic_exchange(&created, 1) == 0)
		pthread_create(&thread, NULL, serve_alone, NULL);
}

static inline int make_obeying_alone(void)
{
	door_server_create(create_single);
	return make_obeying();
}

static inline int server_start(struct server *s)
{
	return server_with(s, make_obeying);
}

static inline void server_stop(struct server *s)
{
	int status;

	/* One that has ended too soon explains whatever else has failed. */
	if (waitpid(s->pid, &status, WNOHANG) == s->pid)
		fprintf(stderr, "# the server has ended: %#x\n", status);
	else if (!kill(s->pid, SIGKILL))
		waitpid(s->pid, NULL, 0);
	close(s->sock);
	if (s->door >= 0)
		close(s->door);
}

/* A call in a thread of its own. */
struct caller {
	pthread_t thread;
	int door;
	door_arg_t arg;
	struct request request;
	atomic_int tid;
	int ret, err;
};

static inline void *caller_run(void *p)
{
	struct caller *c = (struct caller *)p;

	atomic_store(&c->tid, (int)syscall(SYS_gettid));
	c->ret = door_call(c->door, &c->arg);
	c->err = c->ret < 0 ? errno : 0;
	return NULL;
}

static inline int caller_start(struct caller *c, int d, enum op op, int value)
{
	c->door = d;
	c->request = (struct request){.op = op, .value = value};
	c->arg = (door_arg_t){.data_ptr = (char *)&c->request,
			      .data_size = sizeof(c->request)};
	atomic_store(&c->tid, 0);
	return pthread_create(&c->thread, NULL, caller_run, c);
}

/* 0 if it has ended within the deadline. */
static inline int caller_join(struct caller *c)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += DEADLINE_MS / 1000;
	return pthread_timedjoin_np(c->thread, NULL, &t);
}

/* Asleep in the system call, as far as anybody can tell. */
static inline int caller_sleeps(struct caller *c)
{
	return atomic_load(&c->tid) &&
	       state_of(getpid(), atomic_load(&c->tid)) == 'S';
}

static inline int limit_fds(int n)
{
	struct rlimit r;

	getrlimit(RLIMIT_NOFILE, &r);
	r.rlim_cur = n;
	return setrlimit(RLIMIT_NOFILE, &r);
}

#endif /* DOOR_TEST_H */
