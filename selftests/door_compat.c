// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server and a client of different word sizes. The program is there twice, in
 * 64 bit and in 32, and runs the other one as its client: what it does and
 * finds is in client_main(), which ends with the number of the step that went
 * wrong.
 */
#include "door_test.h"

#include <limits.h>
#include <stropts.h>
#include <ucred.h>

#define BIG (300 * 1024)
/* Fits a size_t of 64 bit only; both know the limit by its descriptor. */
#define NO_SIZE (1ULL << 33)

struct shape {
	uint32_t arg_at_16;
	uint32_t size;
	uint32_t pid;
	uint32_t n_desc;
	uint64_t id;
};

/* Answers with what it was given, in a form that has no word size. */
static void describe(void *cookie, char *argp, size_t size, door_desc_t *dp,
		     uint_t n)
{
	struct shape s = {.arg_at_16 = (uintptr_t)argp % 16 == 0,
			  .size = (uint32_t)size,
			  .n_desc = n};
	ucred_t *uc = NULL;

	(void)cookie;
	if (argp == DOOR_UNREF_DATA) {
		atomic_fetch_add(&shared->unrefs, 1);
		door_return(NULL, 0, NULL, 0);
	}
	if (door_ucred(&uc) == 0) {
		s.pid = (uint32_t)ucred_getpid(uc);
		ucred_free(uc);
	}
	if (n) {
		door_desc_t back = {.d_attributes =
					    DOOR_DESCRIPTOR | DOOR_RELEASE};
		char c = 'k';

		s.id = dp->d_data.d_desc.d_id;
		back.d_data.d_desc.d_descriptor =
			dp->d_data.d_desc.d_descriptor;
		if (write(dp->d_data.d_desc.d_descriptor, &c, 1) == 1)
			door_return((char *)&s, sizeof(s), &back, 1);
	} else if (size == BIG) {
		door_return(argp, size, NULL, 0);
	}
	door_return((char *)&s, sizeof(s), NULL, 0);
}

static int small(int d)
{
	struct shape s = {0};
	door_arg_t a = {.data_ptr = (char *)"seven",
			.data_size = 7,
			.rbuf = (char *)&s,
			.rsize = sizeof(s)};

	return door_call(d, &a) == 0 && a.data_ptr == (char *)&s &&
	       a.data_size == sizeof(s) && s.arg_at_16 && s.size == 7 &&
	       s.pid == (uint32_t)getpid() && s.n_desc == 0;
}

static int large(int d)
{
	unsigned char *p = malloc(BIG);
	door_arg_t a = {.data_ptr = (char *)p, .data_size = BIG};
	int ok;

	fill(p, BIG, 5);
	ok = door_call(d, &a) == 0 && a.data_size == BIG && a.rsize >= BIG &&
	     a.rbuf == a.data_ptr && is_filled(a.rbuf, BIG, 5) &&
	     munmap(a.rbuf, a.rsize) == 0;
	free(p);
	return ok;
}

/* One end of a pipe goes there and comes back. */
static int descriptors(int d)
{
	char rbuf[256], c = 0;
	door_desc_t desc = {.d_attributes = DOOR_DESCRIPTOR | DOOR_RELEASE};
	door_arg_t a = {.desc_ptr = &desc,
			.desc_num = 1,
			.rbuf = rbuf,
			.rsize = sizeof(rbuf)};
	int fd[2];

	if (pipe(fd))
		return 0;
	desc.d_data.d_desc.d_descriptor = fd[1];
	if (door_call(d, &a) || a.desc_num != 1 || read(fd[0], &c, 1) != 1 ||
	    c != 'k')
		return 0;
	fd[1] = a.desc_ptr->d_data.d_desc.d_descriptor;
	return a.desc_ptr->d_attributes == DOOR_DESCRIPTOR &&
	       write(fd[1], "x", 1) == 1 && read(fd[0], &c, 1) == 1 &&
	       c == 'x' && close(fd[0]) == 0 && close(fd[1]) == 0;
}

static int known(int d, pid_t server)
{
	door_info_t info;
	size_t v = 0;

	return door_info(d, &info) == 0 && info.di_target == server &&
	       info.di_attributes == DOOR_UNREF &&
	       door_getparam(d, DOOR_PARAM_DATA_MAX, &v) == 0 && v == SIZE_MAX;
}

/* The other door takes arguments of at least NO_SIZE bytes. */
static int limits(int d)
{
	size_t v = 3;

	if (sizeof(size_t) == 8)
		return door_getparam(d, DOOR_PARAM_DATA_MIN, &v) == 0;
	return door_getparam(d, DOOR_PARAM_DATA_MIN, &v) == -1 &&
	       errno == EOVERFLOW && v == 3 && door_call(d, NULL) == -1 &&
	       errno == ENOBUFS;
}

static int client_main(char *argv[])
{
	int d = atoi(argv[2]), other = atoi(argv[3]);

	if (!known(d, getppid()))
		return 2;
	if (!small(d))
		return 3;
	if (!large(d))
		return 4;
	if (!descriptors(d))
		return 5;
	if (!limits(other))
		return 6;
	return 0;
}

/* Where the program of the other word size is. */
static int find_other(char *path)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 4);

	if (n < 4)
		return -1;
	path[n] = 0;
	if (sizeof(void *) == 8)
		strcpy(path + n, "-32");
	else if (strcmp(path + n - 3, "-32") == 0)
		path[n - 3] = 0;
	else
		return -1;
	return access(path, X_OK);
}

static int inherited(int d)
{
	return d >= 0 && fcntl(d, F_SETFD, 0) == 0;
}

/* The client's descriptor has to be one of its own for its end to be noticed.
 */
static int client_file(int d)
{
	char path[] = "/tmp/door_compat.XXXXXX";
	int at = mkstemp(path), fd;

	if (at < 0 || fattach(d, path))
		return -1;
	fd = door_open(path, O_RDWR);
	fdetach(path);
	unlink(path);
	close(at);
	return fd;
}

TEST(client_of_other_size)
{
	char path[PATH_MAX], d[16], other[16];
	int door, client, limited, status;
	pid_t pid;

	share();
	ASSERT_EQ(0, find_other(path));
	door = door_create(describe, NULL, DOOR_UNREF);
	client = client_file(door);
	ASSERT_TRUE(inherited(client));
	limited = door_create(describe, NULL, 0);
	ASSERT_TRUE(inherited(limited));
	if (sizeof(size_t) == 8)
		ASSERT_EQ(0, door_setparam(limited, DOOR_PARAM_DATA_MIN,
					   (size_t)NO_SIZE));
	snprintf(d, sizeof(d), "%d", client);
	snprintf(other, sizeof(other), "%d", limited);
	pid = fork();
	if (pid == 0) {
		execl(path, path, "client", d, other, NULL);
		_exit(1);
	}
	close(client);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_TRUE(wait_until(atomic_load(&shared->unrefs) == 1));
	door_revoke(limited);
	door_revoke(door);
}

int main(int argc, char *argv[])
{
	if (argc == 4 && strcmp(argv[1], "client") == 0)
		return client_main(argv);
	return test_harness_run(argc, argv);
}
