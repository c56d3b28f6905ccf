// SPDX-License-Identifier: GPL-2.0-only
/*
 * What recvmsg() reports beside the bytes, when they came through a lane: the
 * peer's name, credentials, how much is left. Called by the receiver under its
 * receive lock.
 */
#include "graft.h"

#include <linux/cred.h>
#include <linux/uidgid.h>
#include <net/af_unix.h>
#include <net/tcp.h>

/* AF_UNIX tells a receiver who asks the peer's address, TCP does not. */
static void fill_name(struct door_graft *g, struct socket *sock,
		      struct msghdr *msg)
{
	int len;

	if (!g->is_unix || !msg->msg_name || msg->msg_namelen)
		return;
	len = door_graft_base(sock)->getname(sock, msg->msg_name, 1);
	if (len > (int)sizeof(sa_family_t))
		msg->msg_namelen = len;
}

/*
 * The bytes of a lane have no sender to name to a receiver who asks for
 * credentials: they were sent before it asked.
 */
static void fill_creds(struct msghdr *msg)
{
	struct ucred nobody = {
		.uid = from_kuid_munged(current_user_ns(), INVALID_UID),
		.gid = from_kgid_munged(current_user_ns(), INVALID_GID),
	};

	if (msg->msg_control)
		put_cmsg(msg, SOL_SOCKET, SCM_CREDENTIALS, sizeof(nobody), &nobody);
	else
		msg->msg_flags |= MSG_CTRUNC;
}

/**
 * door_graft_cmsg_fill - report what the socket reports beside the bytes
 * @g: the receiving graft
 * @sock: its socket
 * @msg: bytes from the lane have just been put here
 * @st: the stream
 */
void door_graft_cmsg_fill(struct door_graft *g, struct socket *sock,
			  struct msghdr *msg, struct door_stream *st)
{
	struct sock *sk = sock->sk;
	bool cmsg = !g->is_unix && tcp_sk(sk)->recvmsg_inq && msg->msg_control;
	int inq;

	if (unlikely(msg->msg_name))
		fill_name(g, sock, msg);
	if (g->is_unix && unlikely(door_unix_passcred(sk)))
		fill_creds(msg);
	if (likely(!cmsg && !msg->msg_get_inq))
		return;
	inq = min_t(u64, door_graft_readable(g, sk, st), INT_MAX);
	if (msg->msg_get_inq)
		msg->msg_inq = inq;
	if (cmsg)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(inq), &inq);
}
