// SPDX-License-Identifier: GPL-2.0-only
/* Runs the command, carries its output to the host, and says how it ended. */
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 1000
#define SIGN_MS 1000

static void write_all(int fd, const char *buf, ssize_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, buf, n);

		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (w > 0) {
			buf += w;
			n -= w;
		}
	}
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* When every task's stack goes to the log, or 0. */
static long dump;

/* The host counts its time limit anew, and so do we. */
static void sign_of_life(void)
{
	static long last;

	if (now_ms() - last < SIGN_MS)
		return;
	last = now_ms();
	say("output");
	if (dump)
		dump = last + vm.limit * 1000L;
}

/* Returns false at the end of the stream. */
static bool pump(int from, int to)
{
	char buf[65536];
	ssize_t n = read(from, buf, sizeof(buf));

	if (n > 0) {
		write_all(to, buf, n);
		sign_of_life();
	}
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* One record of /dev/kmsg per read; only the text after the prefix is wanted.
 */
static void pump_kmsg(void)
{
	char rec[8192];
	ssize_t n;

	while ((n = read(vm.kmsg, rec, sizeof(rec) - 1)) > 0 ||
	       (n < 0 && errno == EPIPE)) {
		char *text, *end;

		if (n < 0)
			continue;
		rec[n] = '\0';
		text = strchr(rec, ';');
		end = strchr(rec, '\n');
		if (text && end)
			write_all(vm.kmsg_port, text + 1, end - text);
	}
}

static pid_t start(int out, int err)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	if (vm.tty) {
		int fd = open("/dev/ttyS0", O_RDWR);

		ioctl(fd, TIOCSCTTY, 0);
		dup2(fd, 0);
		out = err = fd;
	} else {
		dup2(open("/dev/null", O_RDONLY), 0);
	}
	dup2(out, 1);
	dup2(err, 2);
	if (chdir(vm.cwd ? vm.cwd : "/") < 0 && chdir("/") < 0)
		_exit(126);
	execvpe(vm.argv[0], vm.argv, vm.env);
	dprintf(2, "vm-init: %s: %s\n", vm.argv[0], strerror(errno));
	_exit(127);
}

/* Reaps everybody; says whether @pid was among them. */
static bool reap(pid_t pid, int *status)
{
	bool mine = false;
	pid_t p;
	int st;

	while ((p = waitpid(-1, &st, WNOHANG)) > 0) {
		if (p == pid) {
			*status = WIFEXITED(st) ? WEXITSTATUS(st)
						: 128 + WTERMSIG(st);
			mine = true;
		}
	}
	return mine;
}

/*
 * Moves output until the command has ended and its pipes are empty. What it
 * left in the background may keep the pipes open, so the wait is bounded then.
 * Shortly before the host gives up, every task's stack goes to the log.
 */
static int watch(pid_t pid, int out, int err, int sig)
{
	struct pollfd p[] = {
		{.fd = out, .events = POLLIN},
		{.fd = err, .events = POLLIN},
		{.fd = vm.kmsg, .events = POLLIN},
		{.fd = sig, .events = POLLIN},
	};
	bool done = false;
	int status = 125;
	long end = 0;

	dump = vm.limit ? now_ms() + vm.limit * 1000L : 0;
	while (!done || p[0].fd >= 0 || p[1].fd >= 0) {
		struct signalfd_siginfo si;

		poll(p, 4, 200);
		pump_kmsg();
		if (p[0].fd >= 0 && p[0].revents && !pump(out, vm.out))
			p[0].fd = -1;
		if (p[1].fd >= 0 && p[1].revents && !pump(err, vm.err))
			p[1].fd = -1;
		while (read(sig, &si, sizeof(si)) > 0)
			;
		if (!done && reap(pid, &status)) {
			done = true;
			end = now_ms() + DRAIN_MS;
		}
		if (done && now_ms() >= end)
			break;
		if (dump && now_ms() >= dump) {
			say("note time is nearly up: see the log for every "
			    "task's stack");
			write_file("/proc/sysrq-trigger", "t");
			dump = 0;
		}
	}
	return status;
}

static void open_pipes(int out[2], int err[2], int *sig)
{
	sigset_t set;

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		fail("pipe");
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	*sig = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (*sig < 0)
		fail("signalfd");
}

int run_command(void)
{
	int out[2], err[2], sig;
	pid_t pid;

	open_pipes(out, err, &sig);
	/* execvpe() looks the command up in our own PATH */
	setenv("PATH",
	       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	       1);
	pid = start(out[1], err[1]);
	if (pid < 0)
		fail("fork");
	close(out[1]);
	close(err[1]);
	return watch(pid, out[0], err[0], sig);
}

/*
 * kmemleak leaves out objects younger than five seconds, and those that have
 * changed since the scan before.
 */
static void scan_leaks(void)
{
	const char *path = "/sys/kernel/debug/kmemleak";
	int fd, bytes = 0;

	if (access(path, F_OK) < 0) {
		say("error this kernel has no kmemleak");
		return;
	}
	sleep(6);
	write_file(path, "scan");
	write_file(path, "scan");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		char buf[4096];
		ssize_t n;

		while ((n = read(fd, buf, sizeof(buf))) > 0) {
			write_all(vm.kmsg_port, buf, n);
			bytes += n;
		}
		close(fd);
	}
	say("kmemleak %d", bytes);
}

static const char *module_name(const char *spec)
{
	static char name[128];
	const char *base, *end = strchr(spec, ' ');
	int i, n;

	end = end ? end : spec + strlen(spec);
	for (base = end; base > spec && base[-1] != '/'; base--)
		;
	n = (int)(end - base) - 3;
	if (n < 0 || n >= (int)sizeof(name))
		n = 0;
	for (i = 0; i < n; i++)
		name[i] = base[i] == '-' ? '_' : base[i];
	name[n] = '\0';
	return name;
}

/* What a module keeps may go to its grave some moments after its last user. */
static int remove_module(const char *name)
{
	int tries, ret;

	for (tries = 0; tries < 600; tries++) {
		ret = syscall(SYS_delete_module, name, O_NONBLOCK);
		if (ret == 0 || errno != EAGAIN)
			return ret;
		usleep(50000);
	}
	return ret;
}

static void unload(void)
{
	int i;

	for (i = vm.insmods; i-- > 0;) {
		const char *name = module_name(vm.insmod[i]);

		if (remove_module(name) < 0 && errno != ENOENT)
			say("unload %s: %s", name, strerror(errno));
	}
}

void finish(int status)
{
	char taint[32] = "?";
	int fd;

	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		;
	unload();
	if (vm.kmemleak)
		scan_leaks();
	fd = open("/proc/sys/kernel/tainted", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, taint, sizeof(taint) - 1) > 0)
		taint[strcspn(taint, "\n")] = '\0';
	pump_kmsg();
	say("taint %s", taint);
	say("status %d", status);
	say("end");
	power_off();
}
