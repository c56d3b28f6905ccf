// SPDX-License-Identifier: GPL-2.0-only
/*
 * What recvmsg() reports beside the bytes: of those that came through a lane, the
 * peer's name and credentials, which is called for under the receive lock; of all,
 * how much is left, at the end of a receive and without it.
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
 */
void door_graft_cmsg_fill(struct door_graft *g, struct socket *sock,
			  struct msghdr *msg)
{
	if (unlikely(msg->msg_name))
		fill_name(g, sock, msg);
	if (g->is_unix && unlikely(door_unix_passcred(sock->sk)))
		fill_creds(msg);
}

/**
 * door_graft_cmsg_inq - report how much is left after a receive
 * @g: the receiving graft
 * @sk: its socket
 * @msg: what the receive is about to return
 */
void door_graft_cmsg_inq(struct door_graft *g, struct sock *sk,
			 struct msghdr *msg)
{
	bool cmsg = door_graft_tells_inq(g, sk);
	u64 n;

	if (likely(!cmsg && !msg->msg_get_inq))
		return;
	n = door_graft_inq(g, sk, door_graft_stream(g));
	/* TCP counts the end, so that the receiver comes back for it. */
	if (!g->is_unix && sock_flag(sk, SOCK_DONE))
		n++;
	msg->msg_inq = min_t(u64, n, INT_MAX);
	if (cmsg)
		put_cmsg(msg, SOL_TCP, TCP_CM_INQ, sizeof(msg->msg_inq),
			 &msg->msg_inq);
}
