// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody rewrites addresses on the way, so that another connection looks like
 * the other end of this one: nobody gets what was meant for somebody else.
 */
#include "sock_test.h"

#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#define K (&variant->k)

/* Where things are in a packet of TCP over IPv4, as it comes by loopback. */
enum { ETHERTYPE = 12, PROTOCOL = 23, SOURCE = 34, DESTINATION = 36, END = 38 };

#define INSN(c, d, s, o, i)                \
	((struct bpf_insn){.code = (c),    \
			   .dst_reg = (d), \
			   .src_reg = (s), \
			   .off = (o),     \
			   .imm = (i)})
#define LOAD(size, d, s, o) INSN(BPF_LDX | BPF_MEM | (size), d, s, o, 0)
#define MOVE(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define STORE(d, o, i) INSN(BPF_ST | BPF_MEM | BPF_H, d, 0, o, i)
#define UNLESS(d, i, skip) INSN(BPF_JMP | BPF_JNE | BPF_K, d, 0, skip, i)
#define JUMP(skip) INSN(BPF_JMP | BPF_JA, 0, 0, skip, 0)
/* Six instructions. */
#define SWAP(o, a, b)                                                   \
	LOAD(BPF_H, 5, 2, o), UNLESS(5, a, 2), STORE(2, o, b), JUMP(2), \
		UNLESS(5, b, 1), STORE(2, o, a)

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

/*
 * What is sent to port @a arrives at port @b, and the other way round; who has
 * sent it does not notice, as answers are changed likewise. As long as the
 * descriptor is open.
 */
static int swap_ports(in_port_t a, in_port_t b)
{
	static const char license[] = "GPL";
	struct bpf_insn insns[] = {
		LOAD(BPF_W, 2, 1, offsetof(struct xdp_md, data)),
		LOAD(BPF_W, 3, 1, offsetof(struct xdp_md, data_end)),
		MOVE(4, 2),
		ADD(4, END),
		INSN(BPF_JMP | BPF_JGT | BPF_X, 4, 3, 16, 0),
		LOAD(BPF_H, 5, 2, ETHERTYPE),
		UNLESS(5, htons(0x0800), 14),
		LOAD(BPF_B, 5, 2, PROTOCOL),
		UNLESS(5, IPPROTO_TCP, 12),
		SWAP(SOURCE, a, b),
		SWAP(DESTINATION, a, b),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_XDP,
		.expected_attach_type = BPF_XDP,
		.insns = (uintptr_t)insns,
		.insn_cnt = sizeof(insns) / sizeof(insns[0]),
		.license = (uintptr_t)license,
	};
	union bpf_attr attach = {
		.link_create = {.target_ifindex = if_nametoindex("lo"),
				.attach_type = BPF_XDP,
				.flags = XDP_FLAGS_SKB_MODE},
	};

	attach.link_create.prog_fd = bpf(BPF_PROG_LOAD, &load);
	return bpf(BPF_LINK_CREATE, &attach);
}

/* A client at @from, which is found out if its port is 0, connected to @to. */
static int connect_from(struct __test_metadata *_metadata, const struct kind *k,
			struct addr *from, const struct addr *to)
{
	int fd = client_socket(_metadata, k, to);

	ASSERT_EQ(0, setopt_int(fd, SOL_SOCKET, SO_REUSEADDR, 1));
	ASSERT_EQ(0, bind(fd, &from->sa, from->len));
	ASSERT_EQ(0, getsockname(fd, &from->sa, &from->len));
	ASSERT_EQ(0, neg(connect(fd, &to->sa, to->len)));
	return fd;
}

static void expect_byte(struct __test_metadata *_metadata, int from, int to,
			char byte)
{
	char got = 0;

	ASSERT_EQ(1, send(from, &byte, 1, MSG_NOSIGNAL));
	setopt_ms(to, SO_RCVTIMEO, WAIT_MS);
	EXPECT_EQ(1, recv(to, &got, 1, 0));
	EXPECT_EQ(byte, got);
}

/* Each finds the other's client where its own should be. */
TEST_F(port, two_connections_crossed)
{
	struct addr other, from;
	int lis, swap, why, cli[2], srv[2];

	if (K->family != AF_INET)
		return;
	lis = port_open(_metadata, K, &other);
	swap = swap_ports(self->addr.in.sin_port, other.in.sin_port);
	ASSERT_LE(0, swap)
	{
		TH_LOG("%s", strerror(errno));
	}
	addr_any(&from, AF_INET);
	cli[0] = connect_from(_metadata, K, &from, &self->addr);
	cli[1] = connect_from(_metadata, K, &from, &other);
	srv[0] = accept(lis, NULL, NULL);
	ASSERT_LE(0, srv[0]);
	srv[1] = accept(self->lis, NULL, NULL);
	ASSERT_LE(0, srv[1]);
	for (int i = 0; i < 2; i++) {
		if (!kind_plain(K))
			EXPECT_EQ(DOOR_SOCK_PLAIN, sock_info(srv[i], &why));
		if (kind_joined(K))
			EXPECT_EQ(DOOR_WHY_PEER_UNKNOWN, why);
		expect_byte(_metadata, cli[i], srv[i], 'a' + i);
		expect_byte(_metadata, srv[i], cli[i], 'A' + i);
	}
	for (int i = 0; i < 2; i++) {
		close(cli[i]);
		close(srv[i]);
	}
	close(lis);
	close(swap);
}

SOCK_TEST_MAIN
