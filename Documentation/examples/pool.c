// SPDX-License-Identifier: GPL-2.0-only
/*
 * A door with threads of its own, and never more than WORKERS calls at a time:
 * the rest wait, first come, first served. For procedures that are dear
 * (memory, a disk, a licence), where a thread for every client would be too
 * many.
 *
 *   pool      serves CLIENTS child processes and says what it saw
 */
#include <door.h>
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 2
#define CLIENTS 6
#define CALLS 5

static atomic_int running, most, served;
/* Each worker has something that is too dear to make for every call. */
static _Thread_local int worker_ready;

static void work(void *cookie, char *arg, size_t size, door_desc_t *descs,
		 uint_t ndescs)
{
	const struct timespec some_time = {.tv_nsec = 20 * 1000 * 1000};
	int now = atomic_fetch_add(&running, 1) + 1, seen = most;
	char answer = worker_ready ? 'y' : 'n';

	(void)cookie;
	(void)arg;
	(void)size;
	(void)descs;
	(void)ndescs;
	while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
		;
	nanosleep(&some_time, NULL);
	atomic_fetch_sub(&running, 1);
	atomic_fetch_add(&served, 1);
	door_return(&answer, sizeof(answer), NULL, 0);
	door_return(NULL, 0, NULL, 0);
}

/*
 * Called WORKERS times, within door_xcreate(): starts one thread on the routine
 * that it is given. 1: done; 0: not wanted; -1: failed. Here is the place to
 * choose a stack size, a scheduling class, a processor.
 */
static int start_worker(door_info_t *info, void *(*start)(void *), void *arg,
			void *cookie)
{
	pthread_t thread;

	(void)info;
	(void)cookie;
	if (pthread_create(&thread, NULL, start, arg))
		return -1;
	pthread_detach(thread);
	return 1;
}

/* The first thing each of these threads does. */
static void set_up(void *cookie)
{
	(void)cookie;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	worker_ready = 1;
}

/* In a child; what it inherits is a client's descriptor like any other. */
static int client(int door)
{
	char answer = 0;
	int i;

	for (i = 0; i < CALLS; i++) {
		door_arg_t call = {.rbuf = &answer, .rsize = sizeof(answer)};

		if (door_call(door, &call) || answer != 'y')
			return 1;
	}
	return 0;
}

int main(void)
{
	int door, i, status, failed = 0;
	pid_t pid;

	/* Without NO_DEPLETION_CB the library would ask for more threads. */
	door = door_xcreate(work, NULL, DOOR_NO_DEPLETION_CB | DOOR_REFUSE_DESC,
			    start_worker, set_up, NULL, WORKERS);
	if (door < 0)
		err(1, "door_xcreate");
	for (i = 0; i < CLIENTS; i++) {
		pid = fork();
		if (pid < 0)
			err(1, "fork");
		if (pid == 0)
			_exit(client(door));
	}
	while (wait(&status) > 0)
		failed |= status;
	if (failed)
		errx(1, "a client failed");
	printf("%d calls by %d clients, at most %d at a time\n", served,
	       CLIENTS, most);
	return 0;
}
