/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_GRAFT_H
#define _DOOR_GRAFT_H

#include "stream.h"

#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <net/sock.h>

/**
 * struct door_graft - what hangs on a marked socket (sk_user_data)
 * @refs: the socket's own, and one for an accept() that is looking at it
 * @stream: set once the socket is joined, cleared when it disconnects (release;
 *	@lock to change it)
 * @side: which end of @stream this is (immutable once @stream is set)
 * @is_unix: AF_UNIX, not TCP (immutable)
 * @sealed: will never be joined (any more); a DOOR_WHY_* or 0 (@lock; set once)
 * @ended: a stream that the socket left by disconnecting (@lock)
 * @recv: one receiver at a time; taken before the socket lock and held while
 *	copying to user memory, but not while waiting
 * @send: one sender at a time; likewise
 * @lock: innermost
 * @base_sent: AF_UNIX: bytes sent over the socket itself (@send)
 * @base_rcvd: AF_UNIX: bytes received over the socket itself (@recv)
 * @trim_node: in the list of joined sockets (trim_lock of trim.c)
 * @trim_head: head of the outgoing lane when it was last looked at (likewise)
 */
struct door_graft {
	refcount_t refs;
	struct door_stream *stream;
	u8 side;
	bool is_unix;
	u8 sealed;
	struct door_stream *ended;
	struct mutex recv;	/* receiver's place, @base_rcvd */
	struct mutex send;	/* sender's place, @base_sent */
	spinlock_t lock;	/* @stream, @sealed, @ended */
	u64 base_sent;
	u64 base_rcvd;
	struct list_head trim_node;
	u64 trim_head;
};

/**
 * struct door_graft_ops - a family's operations with ours in front
 * @ops: what sock->ops of a marked socket points to
 * @base: the family's own
 *
 * Static and shared by all sockets of a family: an operation may run on a
 * socket that has no graft (a failed accept), so that nothing but @base may be
 * found through it.
 */
struct door_graft_ops {
	struct proto_ops ops;
	const struct proto_ops *base;
};

/** door_graft_base - the operations that a marked socket's family gave it */
static inline const struct proto_ops *door_graft_base(struct socket *sock)
{
	return container_of(sock->ops, struct door_graft_ops, ops)->base;
}

/**
 * door_graft_of - the graft of a socket inside one of its operations
 *
 * The operation's file reference keeps it alive. NULL: accepted, not joined; or
 * the socket was given to a kernel user that does not ask whether the place is
 * taken, and what stands there does not bear our mark.
 */
static inline struct door_graft *door_graft_of(const struct sock *sk)
{
	uintptr_t data = (uintptr_t)READ_ONCE(sk->sk_user_data);

	if (unlikely(!(data & SK_USER_DATA_NOCOPY)))
		return NULL;
	return (void *)(data & SK_USER_DATA_PTRMASK);
}

/**
 * door_graft_stream - the stream of a joined socket, or NULL
 *
 * Whoever finds it finds @side set and the stream complete.
 */
static inline struct door_stream *door_graft_stream(const struct door_graft *g)
{
	/* Pairs with the release in door_join(). */
	return smp_load_acquire(&g->stream);
}

/** door_graft_is_plain - not joined, and never will be (again) */
static inline bool door_graft_is_plain(const struct door_graft *g)
{
	return !READ_ONCE(g->stream) && READ_ONCE(g->sealed);
}

/** door_graft_in - the lane that this end reads */
static inline struct door_lane *door_graft_in(const struct door_graft *g,
					      struct door_stream *st)
{
	return &st->lane[!g->side];
}

/** door_graft_out - the lane that this end writes */
static inline struct door_lane *door_graft_out(const struct door_graft *g,
					       struct door_stream *st)
{
	return &st->lane[g->side];
}

/** door_graft_peer - the other end's socket; the stream holds it */
static inline struct sock *door_graft_peer(const struct door_graft *g,
					   struct door_stream *st)
{
	return st->sk[!g->side];
}

int door_graft_init(void (*fill)(struct proto_ops *ops));
bool door_graft_is_ours(const struct socket *sock);
struct door_graft *door_graft_attach(struct socket *sock, int states, int *why);
struct door_graft *door_graft_detach(struct sock *sk);
void door_graft_put(struct door_graft *g);
bool door_graft_seal(struct door_graft *g, int why);
void door_graft_fallback(int why, const struct sock *sk);

#endif /* _DOOR_GRAFT_H */
