/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_GRAFT_H
#define _DOOR_GRAFT_H

#include "stream.h"

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <net/sock.h>
#include <linux/door.h>

/*
 * What has become of a marked socket: door_graft.state is one of these, or, if the
 * socket is plain and stays so, the DOOR_WHY_* that tells why.
 */
#define DOOR_GRAFT_MARKED DOOR_WHY_NONE	/* may yet be joined */
#define DOOR_GRAFT_JOINED DOOR_WHY_MAX	/* has a stream */

/**
 * struct door_graft - what hangs on a marked socket
 * @refs: the socket's own, and one for an accept() or a trimming that looks at it
 * @side: which end of @stream this is (immutable once joined)
 * @is_unix: AF_UNIX, not TCP (immutable)
 * @mark: AF_UNIX: what is left in the queue of an urgent byte that was received by
 *	itself, until that is passed; only to be compared (any receiver)
 * @state: DOOR_GRAFT_* or DOOR_WHY_* (@lock; released). A marked socket may become
 *	joined or plain, a joined one plain, when it is disconnected or released
 * @budget: of the user who marked or accepted the socket; pays for what is sent on
 *	it (immutable)
 * @stream: set when the socket is joined, never cleared, freed with the graft
 * @connect: one thread at a time connects or disconnects the socket; never held
 *	while waiting for a handshake. TCP only
 * @recv: one receiver at a time; taken before the socket lock and held while
 *	copying to user memory, but not while waiting
 * @send: one sender at a time; likewise
 * @lock: innermost
 * @reset_told: the socket knows that its peer has reset the connection (@lock)
 * @attempt: how often the socket has been found, or made, unconnected (@lock)
 * @direct: TCP: threads in the socket's own send without @send, or on their way there;
 *	raised under @send, lowered when all that they send has its place
 * @base_sent: AF_UNIX: bytes sent over the socket itself (@send)
 * @base_rcvd: AF_UNIX: bytes received over the socket itself (@recv)
 * @trim_node: in the list of joined sockets (trim_lock of trim.c)
 * @trim_head: head of the outgoing lane when it was last looked at (likewise)
 * @tend_tail: TCP: its tail then (the trimming worker)
 * @stalled: TCP: and the jiffies since when nothing of it has been taken, though more
 *	lies in it than the peer's buffer holds; 0 if that is not so (likewise)
 */
struct door_graft {
	refcount_t refs;
	u8 side;
	bool is_unix;
	bool reset_told;
	u8 state;
	struct door_budget *budget;
	struct door_stream *stream;
	const void *mark;
	struct mutex connect;	/* sock->state of TCP, against our operations */
	struct mutex recv;	/* receiver's place, @base_rcvd */
	struct mutex send;	/* sender's place, @base_sent */
	spinlock_t lock;	/* @state, @attempt, @reset_told */
	atomic_t direct;
	u32 attempt;
	u64 base_sent;
	u64 base_rcvd;
	struct list_head trim_node;
	u64 trim_head;
	u64 tend_tail;
	unsigned long stalled;
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

extern u64 door_graft_claim;

/**
 * door_graft_of - the graft of a socket whose operations are ours
 *
 * Being inside one of its operations keeps it alive. It hangs on the inode that
 * each socket has, where nobody else looks; sk_user_data, which many use and some
 * overwrite without asking, bears only our claim on a joined one. NULL: accepted, not
 * joined.
 */
static inline struct door_graft *door_graft_of(struct socket *sock)
{
	return READ_ONCE(SOCK_INODE(sock)->i_private);
}

/**
 * door_graft_lost_claim - has somebody in the kernel taken the socket over?
 *
 * Of a joined socket. iSCSI and others are given sockets by programs, do not ask
 * whether they have a user, and may then read TCP's own queue, and wait for room in it,
 * past the socket's operations and its wait queue.
 */
static inline bool door_graft_lost_claim(const struct sock *sk)
{
	return (uintptr_t)READ_ONCE(sk->sk_user_data) !=
	       ((uintptr_t)&door_graft_claim | SK_USER_DATA_NOCOPY);
}

/**
 * door_graft_is_taken - has somebody in the kernel a socket that is not joined?
 *
 * It will not be, then: door_graft_claim_sock() is the other half.
 */
static inline bool door_graft_is_taken(const struct sock *sk)
{
	return READ_ONCE(sk->sk_user_data) && door_graft_lost_claim(sk);
}

/**
 * door_graft_stream - the stream of a joined socket, or NULL
 *
 * Whoever finds it finds @side set and the stream complete. That it is still the
 * socket's a moment later is certain only for those who hold the receive or the
 * send lock when they ask, until they let go of it.
 */
static inline struct door_stream *door_graft_stream(const struct door_graft *g)
{
	/* Pairs with the releases in door_graft_join(). */
	if (smp_load_acquire(&g->state) != DOOR_GRAFT_JOINED)
		return NULL;
	return g->stream;
}

/** door_graft_is_plain - not joined, and never will be (again) */
static inline bool door_graft_is_plain(const struct door_graft *g)
{
	u8 state = READ_ONCE(g->state);

	return state != DOOR_GRAFT_JOINED && state != DOOR_GRAFT_MARKED;
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
struct door_graft *door_graft_detach(struct socket *sock);
void door_graft_put(struct door_graft *g);
bool door_graft_claim_sock(struct sock *sk);
void door_graft_unclaim_sock(struct sock *sk);
int door_graft_join(struct door_graft *a, struct door_graft *b, u32 attempt,
		    struct door_stream *st);
bool door_graft_seal(struct door_graft *g, int why);
bool door_graft_cut(struct door_graft *g, bool meant);
void door_graft_fallback(int why, const struct sock *sk);

#endif /* _DOOR_GRAFT_H */
