// SPDX-License-Identifier: GPL-2.0-only
/* Memory that can be read but not pinned, as arguments and as results. */
#include "door_test.h"

#include <linux/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#define NOBODY 65534

#ifndef __NR_memfd_secret
#define __NR_memfd_secret 447
#endif

TEST(read_and_not_pinned)
{
	static const size_t sizes[] = {100, 16000, 40000};
	struct server s;
	char *p;
	int fd = (int)syscall(__NR_memfd_secret, 0);

	if (fd < 0)
		SKIP(return, "no memfd_secret()");
	ASSERT_EQ(0, ftruncate(fd, 65536));
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, server_start(&s));
	for (int i = 0; i < 3; i++) {
		struct request r = {.op = OP_SUM};
		uint64_t answer = 0, sum = 0;
		door_arg_t a = {.data_ptr = p,
				.data_size = sizes[i],
				.rbuf = (char *)&answer,
				.rsize = sizeof(answer)};

		fill(p, sizes[i], i);
		memcpy(p, &r, sizeof(r));
		for (size_t k = sizeof(r); k < sizes[i]; k++)
			sum = sum * 31 + (unsigned char)p[k];
		ASSERT_EQ(0, door_call(s.door, &a));
		EXPECT_EQ(sum, answer);
	}
	server_stop(&s);
}

/* An ordinary user, but for memory that he may lock, and so pin, without a
 * limit. */
static bool become_nobody(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {
		{.effective = 1 << CAP_IPC_LOCK,
		 .permitted = 1 << CAP_IPC_LOCK},
	};

	return !prctl(PR_SET_KEEPCAPS, 1) &&
	       !setresuid(NOBODY, NOBODY, NOBODY) &&
	       !syscall(SYS_capset, &h, caps);
}

/* He has nobody to answer. */
static void answer_nobody(void *secret, size_t len)
{
	struct door_ioc_return r = {.data_ptr = (uintptr_t)secret,
				    .data_size = len};
	int dev = open("/dev/door", O_RDWR | O_CLOEXEC);

	if (dev < 0 || !become_nobody())
		_exit(255);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(ioctl(dev, DOOR_IOC_RETURN, &r) ? errno : 0);
}

/* What is copied is somebody's, even if it is for nobody. */
TEST(results_for_nobody)
{
	static const size_t len = 8 << 20;
	struct rlimit locked = {2 * len, 2 * len};
	char before[32] = "";
	int fd = (int)syscall(__NR_memfd_secret, 0), status = -1;
	void *p;
	pid_t pid;

	if (fd < 0)
		SKIP(return, "no memfd_secret()");
	ASSERT_TRUE(get_parameter("user_bytes", before, sizeof(before)));
	ASSERT_TRUE(set_parameter("user_bytes", "4194304"));
	ASSERT_EQ(0, setrlimit(RLIMIT_MEMLOCK, &locked));
	ASSERT_EQ(0, ftruncate(fd, len));
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	memset(p, 1, len);
	pid = fork();
	if (pid == 0)
		answer_nobody(p, len);
	EXPECT_TRUE(wait_until(waitpid(pid, &status, WNOHANG) == pid));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ENOMEM)
	{
		TH_LOG("status %#x", status);
	}
	kill(pid, SIGKILL);
	EXPECT_TRUE(set_parameter("user_bytes", before));
}

TEST_HARNESS_MAIN
