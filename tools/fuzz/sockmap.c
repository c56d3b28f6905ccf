// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockmap: a program of the administrator's that takes each socket as soon as
 * it is connected, and so is there before accept() is.
 */
#include "sock.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSN(c, d, s, o, i)                \
	((struct bpf_insn){.code = (c),    \
			   .dst_reg = (d), \
			   .src_reg = (s), \
			   .off = (o),     \
			   .imm = (i)})

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_map(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_SOCKMAP,
			       .key_size = 4,
			       .value_size = 4,
			       .max_entries = 64};

	return bpf(BPF_MAP_CREATE, &attr);
}

/*
 * if (op == PASSIVE_ESTABLISHED || op == ACTIVE_ESTABLISHED && the port is odd)
 *	map[port % 64] = socket;
 */
static int load(int map)
{
	struct bpf_insn insn[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 6, 1, 0, 0),
		/* op */
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 6, 0, 0),
		INSN(BPF_LDX | BPF_MEM | BPF_W, 7, 6,
		     offsetof(struct bpf_sock_ops, local_port), 0),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 3,
		     BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB),
		INSN(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 10,
		     BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB),
		INSN(BPF_JMP | BPF_JSET | BPF_K, 7, 0, 1, 1),
		INSN(BPF_JMP | BPF_JA, 0, 0, 8, 0),
		/* the key */
		INSN(BPF_ALU64 | BPF_AND | BPF_K, 7, 0, 0, 63),
		INSN(BPF_STX | BPF_MEM | BPF_W, 10, 7, -4, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 3, 10, 0, 0),
		INSN(BPF_ALU64 | BPF_ADD | BPF_K, 3, 0, 0, -4),
		INSN(BPF_ALU64 | BPF_MOV | BPF_X, 1, 6, 0, 0),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 4, 0, 0, BPF_ANY),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 2, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_sock_map_update),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr attr = {.prog_type = BPF_PROG_TYPE_SOCK_OPS,
			       .insns = (uintptr_t)insn,
			       .insn_cnt = sizeof(insn) / sizeof(*insn),
			       .license = (uintptr_t) "GPL"};

	/* The jumps over everything land on what sets the result. */
	insn[4].off = 16 - 5;
	insn[6].off = 16 - 7;
	return bpf(BPF_PROG_LOAD, &attr);
}

/* For all sockets of the group, until it is gone; false if there is no such
 * thing. */
bool sockmap_attach(const char *group)
{
	int dir = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int map = make_map();
	int prog = map < 0 ? -1 : load(map);
	union bpf_attr attr = {.target_fd = dir,
			       .attach_bpf_fd = prog,
			       .attach_type = BPF_CGROUP_SOCK_OPS};
	bool ok = prog >= 0 && dir >= 0 && !bpf(BPF_PROG_ATTACH, &attr);

	if (dir >= 0)
		close(dir);
	if (map >= 0)
		close(map);
	if (prog >= 0)
		close(prog);
	return ok;
}
