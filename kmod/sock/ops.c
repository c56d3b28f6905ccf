// SPDX-License-Identifier: GPL-2.0-only
/*
 * The remaining operations of a marked socket: each lets the socket's own do
 * the work and adds what the lanes know. Entered from core socket code with a
 * reference on the socket's file.
 */
#include "ops.h"
#include "base.h"
#include "connect.h"
#include "end.h"
#include "graft.h"
#include "join.h"
#include "leave.h"
#include "ready.h"
#include "recv.h"
#include "send.h"
#include "splice.h"

#include <linux/compat.h>
#include <linux/poll.h>
#include <linux/seq_file.h>
#include <linux/sockios.h>
#include <linux/uaccess.h>
#include <net/af_unix.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <linux/door.h>

#include <asm/ioctls.h>

static int op_release(struct socket *sock)
{
	const struct proto_ops *base = door_graft_base(sock);
	struct door_graft *g = door_graft_detach(sock);
	struct sock *sk = sock->sk;
	int err;

	if (!g)
		return base->release(sock);
	/* After this, either it is joined or it never will be. */
	door_graft_seal(g, DOOR_WHY_PEER_GONE);
	if (g->stream && door_leave_finally(g, sk)) {
		if (g->is_unix)
			WRITE_ONCE(door_graft_peer(g, g->stream)->sk_err, ECONNRESET);
		else
			sock_no_linger(sk);
	}
	err = base->release(sock);
	/* A writer that waits for room has left bytes unread: a reset. */
	if (g->stream && !g->is_unix)
		door_end_wake(g);
	door_graft_put(g);
	module_put(base->owner);
	return err;
}

static int op_shutdown(struct socket *sock, int how)
{
	struct door_graft *g = door_graft_of(sock);
	struct door_stream *st;
	u32 end = 0;
	bool shuts;
	int err;

	/*
	 * With senders kept out, whatever they have put into the lane is there
	 * before the peer learns that nothing more comes.
	 */
	if (g && mutex_lock_killable(&g->send))
		return -EINTR;
	st = g && !g->is_unix ? door_graft_stream(g) : NULL;
	shuts = st && (how == SHUT_WR || how == SHUT_RDWR);
	if (shuts)
		end = door_end_place(sock->sk);
	err = door_graft_base(sock)->shutdown(sock, how);
	if (!g)
		return err;
	if (shuts && !err)
		door_end_write(g, end, false);
	mutex_unlock(&g->send);
	if (shuts && !err)
		door_end_wake(g);
	/* TCP resets a peer who sends after both are shut: let it see the bytes. */
	st = door_graft_stream(g);
	if (st && !g->is_unix && READ_ONCE(sock->sk->sk_shutdown) == SHUTDOWN_MASK)
		set_bit(DOOR_DETOUR_ASKED, &door_graft_in(g, st)->detour);
	return err;
}

static __poll_t poll_in(struct door_graft *g, struct sock *sk,
			struct door_stream *st)
{
	u64 n, want = 1;

	/* AF_UNIX polls without regard to SO_RCVLOWAT. */
	if (g->is_unix) {
		n = door_ready_lane(g, sk, st);
	} else {
		/* Where the writer no longer writes, whatever the mark is. */
		n = door_ready_inq(g, sk, st);
		want = min_t(u64, sock_rcvlowat(sk, 0, INT_MAX),
			     door_lane_plenty(door_graft_in(g, st)) + 1);
	}
	return n >= want ? EPOLLIN | EPOLLRDNORM : 0;
}

#define POLL_OUT_BITS (EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND)

/* What the socket's own poll says of writing, corrected for a lane. */
static __poll_t poll_out(struct door_graft *g, struct sock *sk,
			 struct door_stream *st, __poll_t mask,
			 struct poll_table_struct *wait)
{
	struct door_lane *out = door_graft_out(g, st);

	if (door_ready_detours(g, sk, st))
		return mask;
	/* In a turn, what comes next may be for the socket, which must have room. */
	if (door_lane_in_turn(out) && !(mask & EPOLLOUT))
		return mask;
	if (!door_lane_writable(out)) {
		sk_set_bit(SOCKWQ_ASYNC_NOSPACE, sk);
		WRITE_ONCE(out->nospace, true);
		/* Pairs with the barrier in wake_writer(). */
		smp_mb();
		if (!door_lane_writable(out))
			return mask & ~POLL_OUT_BITS;
	} else if (g->is_unix && poll_requested_events(wait) & EPOLLOUT) {
		/* An event at each read, as unix_write_space() has it: EPOLLET. */
		WRITE_ONCE(out->nospace, true);
	}
	return mask | EPOLLOUT | EPOLLWRNORM | (g->is_unix ? EPOLLWRBAND : 0);
}

/* The end, as the socket itself says it when its packets have come. */
static __poll_t poll_end(struct door_graft *g, struct file *file, struct sock *sk,
			 struct door_stream *st)
{
	__poll_t mask = 0;

	if (likely(!door_end_has_come(g, sk, st)))
		return 0;
	/*
	 * Of a socket that others have, too (or epoll looks at), one may hold the lock and
	 * hang in a page fault, and nobody waits in poll(): it is left to the next who
	 * sends or receives.
	 */
	if (door_end_is_reset(g, st) && file && file_count(file) == 1 &&
	    mutex_trylock(&g->recv)) {
		if (door_graft_stream(g))
			door_end_take_reset(g, sk, st);
		mutex_unlock(&g->recv);
	}
	if (READ_ONCE(sk->sk_err))
		mask |= EPOLLERR;
	if (door_end_is_reset(g, st))
		mask |= POLL_OUT_BITS & ~EPOLLWRBAND;
	if (door_end_is_reset(g, st) || READ_ONCE(sk->sk_shutdown) & SEND_SHUTDOWN)
		mask |= EPOLLHUP;
	return mask | EPOLLIN | EPOLLRDNORM | EPOLLRDHUP;
}

static __poll_t op_poll(struct file *file, struct socket *sock,
			struct poll_table_struct *wait)
{
	__poll_t mask = door_graft_base(sock)->poll(file, sock, wait);
	struct door_graft *g = door_graft_of(sock);
	struct door_stream *st;

	if (!g)
		return mask;
	st = door_graft_stream(g);
	if (!st)
		return mask;
	mask = poll_out(g, sock->sk, st, mask, wait);
	return mask | poll_in(g, sock->sk, st) | poll_end(g, file, sock->sk, st);
}

/*
 * AF_UNIX counts what the peer has not read. TCP counts what the peer's kernel
 * does not have yet: of a lane, what would not fit the peer's receive buffer, and has
 * not been sent. @sent: up to where the socket's own data does not count.
 */
static u64 outq(struct door_graft *g, struct sock *sk, struct door_stream *st,
		const u32 *sent)
{
	struct door_lane *out = door_graft_out(g, st);
	u64 n = door_lane_is_left(out) ? 0 : door_lane_used(out);
	u64 theirs = READ_ONCE(door_graft_peer(g, st)->sk_rcvbuf);

	if (g->is_unix)
		return n + door_unix_outq(sk);
	n -= min(n, theirs);
	return n + max_t(s32, READ_ONCE(tcp_sk(sk)->write_seq) - READ_ONCE(*sent), 0);
}

static int op_ioctl(struct socket *sock, unsigned int cmd, unsigned long arg)
{
	const struct proto_ops *base = door_graft_base(sock);
	struct door_graft *g = door_graft_of(sock);
	struct door_stream *st = g ? door_graft_stream(g) : NULL;
	struct sock *sk = sock->sk;
	u64 n;

	if (!st)
		return base->ioctl(sock, cmd, arg);
	switch (cmd) {
	case SIOCINQ:
		n = door_ready_inq(g, sk, st);
		break;
	case SIOCOUTQ:
		n = outq(g, sk, st, &tcp_sk(sk)->snd_una);
		break;
	case SIOCOUTQNSD:
		if (g->is_unix)
			return base->ioctl(sock, cmd, arg);
		n = outq(g, sk, st, &tcp_sk(sk)->snd_nxt);
		break;
	case SIOCATMARK:
		if (!door_ready_lane(g, sk, st))
			return base->ioctl(sock, cmd, arg);
		n = 0;
		break;
	default:
		return base->ioctl(sock, cmd, arg);
	}
	return put_user((int)min_t(u64, n, INT_MAX), (int __user *)arg);
}

#ifdef CONFIG_COMPAT
/* The operations of some sockets answer 32-bit programs without asking ours. */
static int op_compat_ioctl(struct socket *sock, unsigned int cmd,
			   unsigned long arg)
{
	switch (cmd) {
	case SIOCINQ:
	case SIOCOUTQ:
	case SIOCOUTQNSD:
	case SIOCATMARK:
		return op_ioctl(sock, cmd, (unsigned long)compat_ptr(arg));
	}
	return door_graft_base(sock)->compat_ioctl(sock, cmd, arg);
}
#endif

/*
 * Options that copy our operations, replace them, or take the byte stream apart
 * beneath us. A socket that is not joined may have the last kind.
 */
static int refuse_option(struct door_graft *g, int level, int name)
{
	if (level == SOL_IPV6 && name == IPV6_ADDRFORM)
		return -EBUSY;
	if (level == SOL_TCP && name == TCP_ULP)
		return -ENOENT;
	if (level != SOL_TCP || name != TCP_REPAIR || !g)
		return 0;
	door_graft_seal(g, DOOR_WHY_OPTION);
	return door_graft_stream(g) ? -EPERM : 0;
}

static int op_setsockopt(struct socket *sock, int level, int name,
			 sockptr_t val, unsigned int len)
{
	int err = refuse_option(door_graft_of(sock), level, name);

	return err ? err :
		     door_graft_base(sock)->setsockopt(sock, level, name, val, len);
}

/*
 * Zero-copy receive, which maps the socket's own data past the order of the lane: all
 * that there is has to be received, as with data that cannot be mapped.
 */
static int map_nothing(u64 inq, char __user *val, int __user *optlen)
{
	struct tcp_zerocopy_receive zc = {};
	int len, err;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)offsetofend(struct tcp_zerocopy_receive, length))
		return -EINVAL;
	err = copy_struct_from_user(&zc, sizeof(zc), val, len);
	if (err)
		return err == -E2BIG ? -EINVAL : err;
	if (len > (int)sizeof(zc)) {
		len = sizeof(zc);
		if (put_user(len, optlen))
			return -EFAULT;
	}
	if (zc.reserved || !PAGE_ALIGNED(zc.address))
		return -EINVAL;
	zc.length = 0;
	zc.recv_skip_hint = min_t(u64, inq, INT_MAX);
	zc.inq = zc.recv_skip_hint;
	zc.err = 0;
	zc.copybuf_len = 0;
	zc.msg_flags = 0;
	return copy_to_user(val, &zc, len) ? -EFAULT : 0;
}

static int op_getsockopt(struct socket *sock, int level, int name,
			 char __user *val, int __user *optlen)
{
	struct door_graft *g = door_graft_of(sock);
	struct door_stream *st = g ? door_graft_stream(g) : NULL;
	bool ended, over;
	u64 inq;

	if (level != SOL_TCP || name != TCP_ZEROCOPY_RECEIVE || !st)
		return door_graft_base(sock)->getsockopt(sock, level, name, val, optlen);
	/* In this order: nothing comes behind an end. */
	ended = door_end_has_come(g, sock->sk, st);
	over = door_base_ended(sock->sk);
	inq = door_ready_inq(g, sock->sk, st);
	if (inq || !(ended || over))
		return map_nothing(inq, val, optlen);
	/* It is the socket's to tell, which may not know of it yet. */
	if (!over)
		return -EIO;
	return door_graft_base(sock)->getsockopt(sock, level, name, val, optlen);
}

static ssize_t op_splice_read(struct socket *sock, loff_t *ppos,
			      struct pipe_inode_info *pipe, size_t len,
			      unsigned int flags)
{
	struct door_graft *g = door_graft_of(sock);

	if (!g || door_graft_is_plain(g))
		return door_graft_base(sock)->splice_read(sock, ppos, pipe, len, flags);
	return *ppos ? -ESPIPE : door_splice_read(sock, pipe, len, flags);
}

static void op_show_fdinfo(struct seq_file *m, struct socket *sock)
{
	const struct proto_ops *base = door_graft_base(sock);
	struct door_graft *g = door_graft_of(sock);
	struct door_stream *st = g ? door_graft_stream(g) : NULL;

	if (base->show_fdinfo)
		base->show_fdinfo(m, sock);
	if (st)
		seq_printf(m, "door-stream:\tjoined in %llu out %llu\n",
			   door_lane_used(door_graft_in(g, st)),
			   door_lane_used(door_graft_out(g, st)));
	else if (g)
		seq_puts(m, "door-stream:\tmarked\n");
}

#ifdef DOOR_OLD_ACCEPT
static int op_old_accept(struct socket *sock, struct socket *newsock,
			 int flags, bool kern)
{
	struct proto_accept_arg arg = { .flags = flags, .kern = kern };

	return door_join_accept(sock, newsock, &arg);
}
#endif

/* Over a copy of a family's; what is NULL there and optional stays NULL. */
static void fill(struct proto_ops *ops)
{
	ops->release = op_release;
	ops->connect = door_connect;
	ops->poll = op_poll;
	ops->ioctl = op_ioctl;
#ifdef CONFIG_COMPAT
	if (ops->compat_ioctl)
		ops->compat_ioctl = op_compat_ioctl;
#endif
	ops->shutdown = op_shutdown;
	ops->sendmsg = door_send_msg;
	ops->recvmsg = door_recv_msg;
	ops->splice_read = op_splice_read;
	ops->show_fdinfo = op_show_fdinfo;
	if (ops->setsockopt)
		ops->setsockopt = op_setsockopt;
	if (ops->getsockopt)
		ops->getsockopt = op_getsockopt;
#ifdef DOOR_SENDPAGE
	ops->sendpage = sock_no_sendpage;
#endif
#ifdef DOOR_OLD_ACCEPT
	ops->accept = op_old_accept;
#else
	ops->accept = door_join_accept;
#endif
}

/**
 * door_ops_init - put our operations in front of the families' own
 *
 * Return: 0 or the error that AF_UNIX gave.
 */
int __init door_ops_init(void)
{
	return door_graft_init(fill);
}
