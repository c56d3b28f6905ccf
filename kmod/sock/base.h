/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_BASE_H
#define _DOOR_BASE_H

#include "graft.h"

#include <linux/socket.h>
#include <linux/tcp.h>
#include <net/tcp_states.h>

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
bool door_base_at_urgent(const struct sock *sk);
bool door_base_may_mix(const struct door_graft *g, struct sock *sk,
		       const struct door_lane *in, bool asked);
int door_base_recv(struct door_graft *g, struct socket *sock, struct msghdr *msg,
		   size_t len, int flags);
int door_base_recv_urgent(struct door_graft *g, struct socket *sock,
			  struct msghdr *msg, size_t len, int flags);
struct door_turn *door_base_turn_here(struct door_graft *g, struct sock *sk,
				      struct door_lane *in);
int door_base_recv_turn(struct door_graft *g, struct socket *sock,
			struct msghdr *msg, size_t len, int flags,
			struct door_turn *turn);

/**
 * door_base_ended - nothing can arrive in the socket any more, or an error has
 * @sk: the socket
 */
static inline bool door_base_ended(const struct sock *sk)
{
	int state = READ_ONCE(sk->sk_state);
	bool ended = READ_ONCE(sk->sk_err) ||
		     (READ_ONCE(sk->sk_shutdown) & RCV_SHUTDOWN) ||
		     state == TCP_CLOSE || state == TCP_LISTEN;

	/*
	 * The peer puts its last bytes into the lane before it closes. Whoever
	 * sees the close here sees the bytes in a look at the lane after it.
	 */
	smp_rmb();
	return ended;
}

/**
 * door_base_told - did a receive over the socket bring control data?
 * @msg: what was received
 * @space: the control space before it
 */
static inline bool door_base_told(const struct msghdr *msg, size_t space)
{
	return msg->msg_controllen != space || msg->msg_flags & MSG_CTRUNC;
}

/**
 * door_base_turn - the turn that the reader has yet to finish (reader)
 * @g: the graft
 * @sk: its socket
 * @in: the lane it reads
 *
 * Return: the turn, or NULL if the next byte is the lane's.
 */
static inline struct door_turn *door_base_turn(struct door_graft *g, struct sock *sk,
					       struct door_lane *in)
{
	if (likely(READ_ONCE(in->turn_at) != in->tail))
		return NULL;
	return door_base_turn_here(g, sk, in);
}

#endif /* _DOOR_BASE_H */
