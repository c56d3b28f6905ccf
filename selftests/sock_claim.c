// SPDX-License-Identifier: GPL-2.0-only
/*
 * Others who use a socket: a sockmap that takes an accepted socket before
 * accept(), and users in the kernel who do not ask whether there is one
 * already.
 */
#include "sock_test.h"
#include <linux/bpf.h>

#define K (&variant->k)

static int bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_sockmap(void)
{
	union bpf_attr a = {.map_type = BPF_MAP_TYPE_SOCKMAP,
			    .key_size = 4,
			    .value_size = 4,
			    .max_entries = 64};

	return bpf(BPF_MAP_CREATE, &a);
}

/* r0 = 1; if (ctx->op == PASSIVE_ESTABLISHED) bpf_sock_map_update(ctx, map, &0,
 * ANY) */
static int load_sock_ops(int map)
{
	struct bpf_insn prog[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1},
		{.code = BPF_JMP | BPF_JNE | BPF_K,
		 .dst_reg = 2,
		 .off = 7,
		 .imm = BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB},
		{.code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = 10, .off = -4},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X,
		 .dst_reg = 3,
		 .src_reg = 10},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 3, .imm = -4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 4},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_sock_map_update},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_SOCK_OPS,
			    .insns = (uintptr_t)prog,
			    .insn_cnt = sizeof(prog) / sizeof(*prog),
			    .license = (uintptr_t) "GPL"};

	return bpf(BPF_PROG_LOAD, &a);
}

static int attach(int cmd, int prog, int group)
{
	union bpf_attr a = {.target_fd = (unsigned int)group,
			    .attach_bpf_fd = (unsigned int)prog,
			    .attach_type = BPF_CGROUP_SOCK_OPS};

	return bpf(cmd, &a);
}

/* What @cli has connected to stays plain, and works; closes both. */
static void accepted_plain(struct __test_metadata *_metadata, int lis, int cli)
{
	int srv = accept(lis, NULL, NULL), why;

	ASSERT_GE(srv, 0);
	EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv, &why));
	ASSERT_TRUE(send_all(cli, 0, 5000));
	EXPECT_TRUE(recv_all(srv, 0, 5000));
	ASSERT_TRUE(send_all(srv, 0, 5000));
	EXPECT_TRUE(recv_all(cli, 0, 5000));
	close(srv);
	close(cli);
}

/* The socket is a sockmap's before it is accepted: it works, and stays plain.
 */
TEST_F(port, accepted_socket_in_a_sockmap)
{
	int map, prog, group, cli;

	if (K->family == AF_UNIX)
		return;
	map = make_sockmap();
	if (map < 0)
		SKIP(return, "no sockmap");
	prog = load_sock_ops(map);
	ASSERT_GE(prog, 0);
	group = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_EQ(0, attach(BPF_PROG_ATTACH, prog, group));
	for (int i = 0; i < 3; i++) {
		cli = client_open(_metadata, K, &self->addr);
		accepted_plain(_metadata, self->lis, cli);
	}
	EXPECT_EQ(0, attach(BPF_PROG_DETACH, prog, group));
	close(group);
	close(prog);
	close(map);
}

static int load_verdict(void)
{
	struct bpf_insn prog[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_SK_SKB,
			    .insns = (uintptr_t)prog,
			    .insn_cnt = 2,
			    .license = (uintptr_t) "GPL"};

	return bpf(BPF_PROG_LOAD, &a);
}

static long put_into(int map, int sock)
{
	uint32_t key = 0, val = (uint32_t)sock;
	union bpf_attr a = {.map_fd = (uint32_t)map,
			    .key = (uintptr_t)&key,
			    .value = (uintptr_t)&val};

	return neg(bpf(BPF_MAP_UPDATE_ELEM, &a));
}

/* The same of the other end, once it is connected. */
TEST_F(port, connected_socket_in_a_sockmap)
{
	int map = make_sockmap(), cli;

	if (map < 0)
		SKIP(return, "no sockmap");
	cli = client_open(_metadata, K, &self->addr);
	ASSERT_EQ(0, put_into(map, cli));
	accepted_plain(_metadata, self->lis, cli);
	close(map);
}

/*
 * What arrives at a socket in a sockmap with a verdict lies where the socket
 * does not count it. A marked one can be put there as long as it is not joined.
 */
TEST_F(link, verdict)
{
	union bpf_attr a = {.attach_type = BPF_SK_SKB_VERDICT};
	int map = make_sockmap(), prog = load_verdict();

	if (map < 0)
		SKIP(return, "no sockmap");
	ASSERT_GE(prog, 0);
	a.target_fd = map;
	a.attach_bpf_fd = prog;
	ASSERT_EQ(0, neg(bpf(BPF_PROG_ATTACH, &a)));
	EXPECT_EQ(kind_joined(K) ? -EBUSY : 0, put_into(map, self->cli));
	for (int i = 0; i < 20; i++) {
		ASSERT_TRUE(send_all(self->srv, i * 1000, 1000));
		ASSERT_TRUE(recv_all(self->cli, i * 1000, 1000));
		ASSERT_TRUE(send_all(self->cli, i * 1000, 1000));
		ASSERT_TRUE(recv_all(self->srv, i * 1000, 1000));
	}
	close(prog);
	close(map);
}

SOCK_TEST_MAIN
