/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_BASE_H
#define _DOOR_BASE_H

#include "graft.h"

#include <linux/tcp.h>

struct msghdr;

/** door_base_stamps - does this TCP socket want its bytes stamped with a time? */
static inline bool door_base_stamps(const struct sock *sk)
{
	return sock_flag(sk, SOCK_RCVTSTAMP) ||
	       sock_flag(sk, SOCK_TIMESTAMPING_RX_SOFTWARE);
}

/**
 * door_base_tells_inq - is it for us to tell how much is left (TCP_INQ)?
 *
 * The socket itself knows nothing of the lane. But it tells those who want time
 * stamps, too: they get everything over it.
 */
static inline bool door_base_tells_inq(const struct door_graft *g,
				       const struct sock *sk)
{
	return !g->is_unix && tcp_sk(sk)->recvmsg_inq && !door_base_stamps(sk);
}

u64 door_base_inq(const struct door_graft *g, struct sock *sk);
u64 door_base_left(const struct door_graft *g, const struct sock *sk,
		   const struct door_turn *turn);
bool door_base_ended(const struct sock *sk);
bool door_base_told(const struct msghdr *msg, size_t space);
bool door_base_at_urgent(const struct sock *sk);
bool door_base_may_mix(const struct door_graft *g, const struct sock *sk);
int door_base_recv(struct door_graft *g, struct socket *sock, struct msghdr *msg,
		   size_t len, int flags);
struct door_turn *door_base_turn(struct door_graft *g, struct sock *sk,
				 struct door_lane *in);
int door_base_recv_turn(struct door_graft *g, struct socket *sock,
			struct msghdr *msg, size_t len, int flags,
			struct door_turn *turn);

#endif /* _DOOR_BASE_H */
