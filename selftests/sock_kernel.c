// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that a program hands to somebody inside the kernel: to the NFS
 * server, a network block device, KCM. Marked or joined, they work there as
 * plain ones do, or are refused by those who ask whether a socket has a user.
 */
#include "sock_test.h"
#include "stats_test.h"
#include <linux/bpf.h>
#include <linux/kcm.h>
#include <linux/nbd.h>
#include <linux/sockios.h>
#include <sys/mount.h>

#define K (&variant->k)

/* Asks for a module, which may be built in; false if there is none. */
static bool have_module(const char *name, const char *proof)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "modprobe -q %s 2>/dev/null", name);
	(void)!system(cmd);
	return !access(proof, F_OK);
}

/* ---- KCM: messages of 100 bytes, says this program ---------------------- */

static int load_parser(void)
{
	struct bpf_insn prog[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 100},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
			    .insns = (uintptr_t)prog,
			    .insn_cnt = 2,
			    .license = (uintptr_t) "GPL"};

	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
}

TEST_F(link_tcp, kcm)
{
	struct kcm_attach at = {.fd = self->cli, .bpf_fd = load_parser()};
	int kcm = socket(AF_KCM, SOCK_DGRAM, KCMPROTO_CONNECTED);
	char buf[200];

	if (kcm < 0)
		SKIP(return, "no KCM");
	ASSERT_GE(at.bpf_fd, 0);
	if (kind_joined(K)) {
		EXPECT_ERR(EALREADY, ioctl(kcm, SIOCKCMATTACH, &at));
		kcm = self->cli;
	} else {
		ASSERT_EQ(0, neg(ioctl(kcm, SIOCKCMATTACH, &at)));
	}
	for (int i = 0; i < 50; i++) {
		ASSERT_TRUE(send_all(self->srv, i * 100, 100));
		ASSERT_EQ(100, recv(kcm, buf, 100, MSG_WAITALL));
		ASSERT_TRUE(check(buf, i * 100, 100));
	}
	close(at.bpf_fd);
}

/* ---- a network block device -------------------------------------------- */

#define DISK (1024 * 1024)
#define NBD_PATH "/dev/nbd0"

static char disk[DISK];

/* Serves the disk until the device says goodbye; 0 if all was in order. */
static ssize_t serve_disk(struct bg *bg)
{
	struct nbd_reply reply = {.magic = htonl(NBD_REPLY_MAGIC)};
	struct nbd_request q;
	uint64_t from;
	uint32_t len;

	for (;;) {
		if (recv(bg->fd, &q, sizeof(q), MSG_WAITALL) != sizeof(q) ||
		    q.magic != htonl(NBD_REQUEST_MAGIC))
			return -1;
		from = be64toh(q.from);
		len = ntohl(q.len);
		if ((ntohl(q.type) & 0xffff) == NBD_CMD_DISC)
			return shutdown(bg->fd, SHUT_RDWR);
		if (from > DISK || len > DISK - from)
			return -2;
		memcpy((char *)&reply + offsetof(struct nbd_reply, handle),
		       (char *)&q + offsetof(struct nbd_request, handle), 8);
		if ((ntohl(q.type) & 0xffff) == NBD_CMD_WRITE &&
		    recv(bg->fd, disk + from, len, MSG_WAITALL) != (ssize_t)len)
			return -3;
		if (send(bg->fd, &reply, sizeof(reply), MSG_NOSIGNAL) !=
		    sizeof(reply))
			return -4;
		if (ntohl(q.type) == NBD_CMD_READ &&
		    send(bg->fd, disk + from, len, MSG_NOSIGNAL) !=
			    (ssize_t)len)
			return -5;
	}
}

static ssize_t run_device(struct bg *bg)
{
	return ioctl(bg->fd, NBD_DO_IT);
}

/* It gets its size last. */
static bool device_runs(void)
{
	FILE *f = fopen("/sys/block/nbd0/size", "r");
	int size = 0;

	if (!f)
		return false;
	(void)!fscanf(f, "%d", &size);
	fclose(f);
	return size == DISK / 512;
}

TEST_F_TIMEOUT(link, block_device, 60)
{
	struct bg server = {.fn = serve_disk, .fd = self->srv};
	struct bg device = {.fn = run_device};
	struct stats before, after;
	char *buf;
	int fd;

	if (!have_module("nbd", NBD_PATH))
		SKIP(return, "no network block devices");
	ASSERT_TRUE(get_stats(&before));
	device.fd = open(NBD_PATH, O_RDWR | O_CLOEXEC);
	ASSERT_GE(device.fd, 0);
	ASSERT_EQ(0, ioctl(device.fd, NBD_SET_BLKSIZE, 4096UL));
	ASSERT_EQ(0, ioctl(device.fd, NBD_SET_SIZE_BLOCKS, DISK / 4096UL));
	ASSERT_EQ(0, neg(ioctl(device.fd, NBD_SET_SOCK, self->cli)));
	bg_start(&server);
	bg_start(&device);
	ASSERT_TRUE(wait_for(device_runs()));
	fd = open(NBD_PATH, O_RDWR | O_DIRECT | O_CLOEXEC);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(0, posix_memalign((void **)&buf, 4096, DISK));
	fill(buf, 0, DISK);
	EXPECT_EQ(DISK, neg(pwrite(fd, buf, DISK, 0)));
	memset(buf, 0, DISK);
	EXPECT_EQ(DISK, pread(fd, buf, DISK, 0));
	EXPECT_TRUE(check(buf, 0, DISK));
	close(fd);
	ASSERT_EQ(0, ioctl(device.fd, NBD_DISCONNECT));
	bg_join(&server);
	EXPECT_EQ(0, server.ret);
	bg_join(&device);
	ioctl(device.fd, NBD_CLEAR_SOCK);
	close(device.fd);
	free(buf);
	ASSERT_TRUE(get_stats(&after));
	if (kind_joined(K))
		EXPECT_GE(C(after, STREAM_BYTES) - C(before, STREAM_BYTES),
			  2ULL * DISK);
}

/* ---- the NFS server ---------------------------------------------------- */

#define NFSD "/proc/fs/nfsd/"

static bool tell(const char *path, const char *what)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, what, strlen(what)) > 0;

	if (fd >= 0)
		close(fd);
	return ok;
}

/* Answers each call of RPC with "accepted, done, true". */
static void answer_calls(int fd)
{
	uint32_t mark, reply[8] = {0}, call[256];

	for (;;) {
		if (recv(fd, &mark, 4, MSG_WAITALL) != 4)
			return;
		mark = ntohl(mark) & 0x7fffffff;
		if (mark > sizeof(call) ||
		    recv(fd, call, mark, MSG_WAITALL) != (ssize_t)mark)
			return;
		reply[0] = htonl(0x80000000 | 28);
		reply[1] = call[0];
		reply[2] = htonl(1);
		reply[7] = htonl(1);
		if (send(fd, reply, 32, MSG_NOSIGNAL) != 32)
			return;
	}
}

/* In the place of rpcbind, without which the NFS server does not start. */
static pid_t start_rpcbind(struct __test_metadata *_metadata)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons(111),
				.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int lis = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	pid_t pid;

	setopt_int(lis, SOL_SOCKET, SO_REUSEADDR, 1);
	ASSERT_EQ(0, neg(bind(lis, (void *)&a, sizeof(a))));
	ASSERT_EQ(0, listen(lis, 8));
	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_IGN);
		for (;;) {
			fd = accept(lis, NULL, NULL);
			if (!fork()) {
				prctl(PR_SET_PDEATHSIG, SIGKILL);
				answer_calls(fd);
				_exit(0);
			}
			close(fd);
		}
	}
	close(lis);
	return pid;
}

/* Does a call of nothing get the answer of nothing? */
static bool nfs_answers(int fd)
{
	uint32_t call[11] = {htonl(0x80000000 | 40), htonl(77), 0, htonl(2),
			     htonl(100003),	     htonl(3)};
	uint32_t reply[7];

	return send(fd, call, sizeof(call), MSG_NOSIGNAL) == sizeof(call) &&
	       recv(fd, reply, 28, MSG_WAITALL) == 28 &&
	       reply[1] == htonl(77) && reply[2] == htonl(1) && !reply[3] &&
	       !reply[6];
}

TEST_F_TIMEOUT(port, nfs_server, 120)
{
	char text[16];
	pid_t rpcbind;
	int cli, err = 0;

	if (K->family == AF_UNIX)
		return;
	/* The folder is there without it. */
	if (!have_module("nfsd", NFSD "portlist"))
		err = neg(mount("nfsd", "/proc/fs/nfsd", "nfsd", 0, ""));
	if (err == -ENODEV)
		SKIP(return, "no NFS server");
	ASSERT_EQ(0, err);
	rpcbind = start_rpcbind(_metadata);
	ASSERT_TRUE(tell(NFSD "versions", "+3 -4\n"));
	snprintf(text, sizeof(text), "%d\n", self->lis);
	ASSERT_TRUE(tell(NFSD "portlist", text))
	{
		TH_LOG("%s", strerror(errno));
	}
	ASSERT_TRUE(tell(NFSD "threads", "1\n"));
	for (int i = 0; i < 3; i++) {
		cli = client_open(_metadata, K, &self->addr);
		EXPECT_TRUE(nfs_answers(cli));
		EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(cli, NULL));
		close(cli);
	}
	EXPECT_TRUE(tell(NFSD "threads", "0\n"));
	kill(rpcbind, SIGKILL);
	waitpid(rpcbind, NULL, 0);
}

SOCK_TEST_MAIN
