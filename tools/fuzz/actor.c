// SPDX-License-Identifier: GPL-2.0-only
/* Actors: processes of a round, and what all of them need of the machine. */
#include "fuzz.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void sleep_ms(unsigned int ms)
{
	poll(NULL, 0, ms);
}

void drop_to_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		_exit(3);
	/* What was dropped must not make /proc and core dumps foreign. */
	prctl(PR_SET_DUMPABLE, 1);
}

/* A process that does @fn and ends; @who tells its random numbers from others'.
 */
pid_t actor_start(struct round *r, unsigned int who, actor_fn fn, void *arg)
{
	pid_t pid = fork();
	struct rng rng;

	if (pid)
		return pid;
	rng = rng_of(r->seed, who);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fn(r, &rng, arg);
	_exit(0);
}

static void interrupted(int sig)
{
	(void)sig;
}

/* chaos_signals() interrupts its system calls, and no more. */
void actor_interruptible(int flags)
{
	struct sigaction sa = {.sa_handler = interrupted, .sa_flags = flags};

	sigaction(SIGUSR1, &sa, NULL);
}

/* True if the process has ended by then. */
bool actor_wait(pid_t pid, unsigned int ms)
{
	long long end = now_ms() + ms;

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() >= end)
			return false;
		sleep_ms(5);
	}
	return true;
}

/* Processes take their time to begin: until @count is at least @least. */
void wait_for_count(const struct round *r, const _Atomic uint64_t *count,
		    uint64_t least)
{
	long long end = now_ms() + 20000 * r->slow;

	while (*count < least && now_ms() < end && !r->sh->failed)
		sleep_ms(5);
}

bool write_to(const char *path, const char *fmt, ...)
{
	char buf[256];
	va_list ap;
	int fd, n;
	bool ok;

	va_start(ap, fmt);
	n = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, buf, n) == n;
	close(fd);
	return ok;
}

long long read_number(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char buf[64] = "";

	if (fd < 0)
		return -1;
	if (read(fd, buf, sizeof(buf) - 1) <= 0)
		buf[0] = '\0';
	close(fd);
	return atoll(buf);
}

/* A control group below the round's; false if there is none to be had. */
bool group_make(char *path, size_t size, const struct round *r,
		const char *name)
{
	snprintf(path, size, "%s/%s", r->group, name);
	return !mkdir(path, 0755) || errno == EEXIST;
}
