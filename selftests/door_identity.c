// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who calls, when the caller is away handling a signal, and is not what it was
 * when it comes to that, or is not at all.
 */
#include "door_test.h"

#include <ucred.h>

enum { AWAY, ASKED };

/* Asks again and again, once the client is where it is to be, until it is told.
 */
static void ask_who(void *cookie, char *argp, size_t size, door_desc_t *dp,
		    uint_t n)
{
	ucred_t *info = NULL;

	(void)cookie;
	(void)argp;
	(void)size;
	(void)dp;
	(void)n;
	atomic_fetch_add(&shared->inside, 1);
	while (!atomic_load(&shared->go))
		nap();
	if (door_ucred(&info)) {
		atomic_store(&shared->err, errno);
	} else {
		atomic_store(&shared->value[ASKED], ucred_getpid(info));
		ucred_free(info);
	}
	atomic_fetch_add(&shared->finished, 1);
	door_return(NULL, 0, NULL, 0);
}

static int make_asking(void)
{
	return door_create(ask_who, NULL, 0);
}

static void stay_away(int sig)
{
	(void)sig;
	atomic_store(&shared->value[AWAY], 1);
	for (;;)
		pause();
}

static void become_another(int sig)
{
	(void)sig;
	execl("/bin/sleep", "sleep", "60", NULL);
	_exit(1);
}

FIXTURE(identity)
{
	struct server s;
	pid_t pid;
};

FIXTURE_SETUP(identity)
{
	ASSERT_EQ(0, server_with(&self->s, make_asking));
}

FIXTURE_TEARDOWN(identity)
{
	server_stop(&self->s);
}

static pid_t start_client(int d, void (*handler)(int))
{
	struct sigaction sa = {.sa_handler = handler};
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigaction(SIGUSR1, &sa, NULL);
		door_call(d, NULL);
		_exit(1);
	}
	if (!wait_until(shared->inside == 1 && state_of(pid, pid) == 'S'))
		return -1;
	kill(pid, SIGUSR1);
	return pid;
}

static int runs_sleep(pid_t pid)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = 0;
	if (f)
		fclose(f);
	return !strcmp(name, "sleep\n");
}

TEST_F(identity, handling_a_signal)
{
	self->pid = start_client(self->s.door, stay_away);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(wait_until(shared->value[AWAY]));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->finished == 1));
	EXPECT_EQ(self->pid, shared->value[ASKED]);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

TEST_F(identity, another_program)
{
	self->pid = start_client(self->s.door, become_another);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(wait_until(runs_sleep(self->pid)));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->finished == 1));
	EXPECT_EQ(0, shared->value[ASKED]);
	EXPECT_EQ(EINVAL, shared->err);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
}

/* From the moment that nobody is there: not even somebody without a number. */
TEST_F(identity, reaped)
{
	self->pid = start_client(self->s.door, stay_away);
	ASSERT_LT(0, self->pid);
	ASSERT_TRUE(wait_until(shared->value[AWAY]));
	atomic_store(&shared->value[ASKED], -1);
	kill(self->pid, SIGKILL);
	ASSERT_EQ(self->pid, waitpid(self->pid, NULL, 0));
	atomic_store(&shared->go, 1);
	ASSERT_TRUE(wait_until(shared->finished == 1));
	EXPECT_EQ(-1, shared->value[ASKED]);
	EXPECT_EQ(EINVAL, shared->err);
}

TEST_HARNESS_MAIN
