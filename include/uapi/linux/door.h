/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Doors: the ioctls of /dev/door and of door descriptors.
 *
 * Conventions that hold for every command below:
 *
 *  - The structure is extensible at its end. The size is in the command
 *    number; a caller with a shorter structure gets zeros for what it does not
 *    know, a caller with a longer one gets E2BIG if the surplus is not zero.
 *  - Unknown flags and non-zero reserved fields are refused with EINVAL, but for
 *    struct door_ioc_desc.
 *  - Pointers travel as __u64, so that 32-bit and 64-bit callers use the same
 *    layout.
 *  - Descriptors that the kernel hands out are O_CLOEXEC.
 *  - Errors common to all: ENOTTY (no such command on this descriptor),
 *    EFAULT (the structure cannot be read or written), E2BIG and EINVAL as
 *    above. An error means that nothing has changed, unless said otherwise.
 */
#ifndef _UAPI_LINUX_DOOR_H
#define _UAPI_LINUX_DOOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DOOR_IOC_MAGIC	0xD0

/*
 * Doors
 * =====
 *
 * A door is a procedure in a server process; a door descriptor is the right to
 * call it. A server opens /dev/door, makes doors there and lets threads wait
 * for calls there; a client needs nothing but a door descriptor.
 *
 * On /dev/door:   CAPS CREATE RETURN BIND UNBIND INFO CRED LEAVE DETACH ABORTED
 * On a door:      CALL ABANDON INFO REVOKE GETPARAM SETPARAM ATTACH
 *                 DETACH
 *
 * The owner of a door is the process that made it, for ever: neither a forked
 * child nor the program that the process executes later is its owner, and a
 * /dev/door descriptor that they inherit serves nobody (EPERM).
 */

/*
 * Attributes. The first group is given at creation and reported, the second is
 * reported only.
 */
#define DOOR_ATTR_UNREF		0x001	/* tell the server, once, that no client is left */
#define DOOR_ATTR_PRIVATE	0x002	/* served only by threads bound to it */
#define DOOR_ATTR_UNREF_MULTI	0x010	/* as UNREF, each time */
#define DOOR_ATTR_REFUSE_DESC	0x040	/* calls carry no descriptors */
#define DOOR_ATTR_NO_CANCEL	0x080	/* ABORTED says nothing of its calls */
#define DOOR_ATTR_NO_DEPLETION	0x100	/* DOOR_RETURN_DEPLETED is never set */
#define DOOR_ATTR_PRIVCREATE	0x200	/* means nothing to the kernel, is reported */
#define DOOR_ATTR_CREATE_ALL	0x3d3

#define DOOR_ATTR_LOCAL		0x004	/* the asker owns the door */
#define DOOR_ATTR_REVOKED	0x008	/* no call will succeed any more */
#define DOOR_ATTR_IS_UNREF	0x020	/* nobody but the owner has a descriptor */

/*
 * A descriptor on its way through a call. The sender fills in attributes
 * (DOOR_DESC_DESCRIPTOR, and DOOR_DESC_RELEASE if its own descriptor is to be
 * closed) and fd. The receiver finds a new descriptor, O_CLOEXEC, of the same
 * open file; for a door also its attributes and id, else 0. Of what the sender
 * has nothing else is looked at, as arrays that were received are sent on: other
 * attributes, id and reserved may be anything.
 */
struct door_ioc_desc {
	__u32 attributes;
	__s32 fd;
	__u64 id;
	__u64 reserved;
};

#define DOOR_DESC_DESCRIPTOR	0x10000
#define DOOR_DESC_RELEASE	0x40000
#define DOOR_DESC_MAX		1024	/* in one direction of one call */

/*
 * DOOR_IOC_CAPS: what this module can do.
 * features: (out) DOOR_CAP_*
 */
struct door_ioc_caps {
	__u64 features;
};

#define DOOR_CAP_CALLS		0x1
#define DOOR_CAP_DESCRIPTORS	0x2
#define DOOR_CAP_NAMES		0x4

/*
 * DOOR_IOC_CREATE: make a door. Returns its descriptor.
 *
 * procedure, cookie: given back with every call, meaningless to the kernel
 * attributes:        DOOR_ATTR_CREATE_ALL, UNREF and UNREF_MULTI exclude each other
 *
 * EMFILE, ENFILE; ENOMEM, also if the user has too many doors, server threads and
 * names; EOPNOTSUPP in a vfork() child, as long as it has its parent's memory; EPERM if
 * the descriptor of /dev/door already serves another process.
 */
struct door_ioc_create {
	__u64 procedure;
	__u64 cookie;
	__u32 attributes;
	__u32 flags;		/* must be 0 */
};

/*
 * DOOR_IOC_CALL: call the door and wait for the answer. Without a structure
 * (a null pointer) it carries nothing, and may be answered with nothing only.
 *
 * data, desc: the arguments
 * rbuf:       where results go, rsize bytes: data first, then from the next
 *             multiple of 24 on the descriptors
 * hole:       not looked at; the layout is that of a door_arg_t of 64 bits
 *
 * On return data_size and desc_num say what came back; data_ptr and desc_ptr
 * where it is, but only if it is not nothing. Results that do not fit in rbuf
 * are in a new mapping, rbuf and rsize are its address and length (whole
 * pages); it belongs to the caller.
 *
 * Descriptors to be released are closed once the arguments have been read, before
 * any thread can see them, and are gone whatever happens after that: of the errors
 * below, after EBADF only if the revocation came then, EINTR, E2BIG and EMFILE of
 * the server, and ENOMEM, too.
 *
 * EBADF: revoked, or the server is gone. ENOBUFS: data_size outside the door's
 * limits. EOPNOTSUPP: descriptors refused. ENFILE: more than the door takes.
 * E2BIG: more than any call takes, or any to a door that has no DATA_MAX of its own,
 * or than the server has room for. EINVAL: a
 * bad descriptor entry (the entries to be released have been closed). EMFILE:
 * the server, or the caller, has no descriptors left. EOVERFLOW: no room for
 * the new mapping. EINTR: a signal was caught, or the server thread ended; the
 * procedure may or may not have run. After EINTR from a signal the call is
 * still pending until the thread calls any door, ends, or says ABANDON; after a
 * signal without a handler the wait goes on by itself. ENOMEM, on either side, or
 * because the caller's user holds too much: the results may be lost by that.
 * EFAULT because this structure cannot be written: the call has been answered,
 * the results are where they would be, their descriptors stay open.
 */
struct door_ioc_call {
	__u64 data_ptr;
	__u64 data_size;
	__u64 desc_ptr;
	__u32 desc_num;
	__u32 hole;
	__u64 rbuf;
	__u64 rsize;
};

/*
 * DOOR_IOC_RETURN: answer the call being served, if there is one, and wait for
 * the next.
 *
 * data, desc: (in) the results
 *
 * procedure, cookie, id, attributes: (out) of the door being called
 * arg_ptr, arg_size, arg_desc_ptr, arg_desc_num: (out) the arguments, in memory
 *             of this thread that is its own until its next RETURN
 * state:      (out) DOOR_RETURN_*
 * call:       (out) number of the invocation, unique in this process
 *
 * EINTR: a signal came while waiting; the answer has been given, ask again
 * without one. E2BIG: the caller takes no results, or there are more than any
 * call takes. EMFILE: the caller has no room for the descriptors. EINVAL: a bad
 * descriptor entry (those to be released have been closed), or the thread is
 * bound to a door of the process it was forked from. EFAULT. ENOMEM, also of a thread
 * that has not served before, if the user has too many objects or bytes. After all
 * of these but EINTR the caller still waits; but EFAULT because this structure
 * cannot be written means that the next call has come, and is lost: its caller
 * gets E2BIG, its descriptors stay open. EIDRM: the answer has been given, and
 * nobody can call the door that the thread is bound to any more: it is revoked, or
 * has no open file, no name and no call left.
 */
struct door_ioc_return {
	__u64 data_ptr;
	__u64 data_size;
	__u64 desc_ptr;
	__u32 desc_num;
	__u32 flags;		/* must be 0 */

	__u64 procedure;
	__u64 cookie;
	__u64 arg_ptr;
	__u64 arg_size;
	__u64 arg_desc_ptr;
	__u32 arg_desc_num;
	__u32 state;
	__u64 id;
	__u64 call;
	__u32 attributes;
	__u32 reserved;
};

#define DOOR_RETURN_DEPLETED	0x1	/* no thread is left waiting in the pool */
#define DOOR_RETURN_UNREF	0x2	/* no call: the door has become unreferenced */

/*
 * DOOR_IOC_INFO: on a door, about it; on /dev/door, about the door that the
 * calling thread is bound to (EBADF if it is not).
 *
 * target:     (out) process id of the owner as the asker sees it, 0 if it is
 *             not visible, -1 if it is gone
 * attributes: (out) DOOR_ATTR_*
 * procedure, cookie: (out) for the owner only, else 0
 */
struct door_ioc_info {
	__s32 target;
	__u32 attributes;
	__u64 procedure;
	__u64 cookie;
	__u64 id;
	__u64 reserved;
};

/*
 * DOOR_IOC_REVOKE: no more calls; those that wait for a thread fail with EBADF,
 * those being served end as usual. EPERM: not the owner.
 *
 * DOOR_IOC_UNBIND: undo BIND. EBADF: not bound.
 *
 * DOOR_IOC_ABANDON: give up the pending call of the calling thread, if there is
 * one.
 *
 * DOOR_IOC_LEAVE: the calling thread stops serving; its caller gets EINTR.
 */

/*
 * DOOR_IOC_BIND: the calling thread serves this DOOR_ATTR_PRIVATE door from its
 * next RETURN on, and nothing else.
 *
 * id: of the door
 *
 * EINVAL: the process has no such door, or it is not private. ENOMEM, as for RETURN.
 */
struct door_ioc_bind {
	__u64 id;
	__u64 flags;		/* must be 0 */
};

/*
 * DOOR_IOC_GETPARAM, DOOR_IOC_SETPARAM: limits on what a call may carry.
 *
 * EINVAL: no such parameter, or the least would exceed the most. For SETPARAM
 * also EPERM (not the owner), EBADF (revoked), ERANGE (DESC_MAX above INT_MAX)
 * and EOPNOTSUPP (DESC_MAX not 0 on a DOOR_ATTR_REFUSE_DESC door).
 */
struct door_ioc_param {
	__u32 param;
	__u32 flags;		/* must be 0 */
	__u64 value;
};

#define DOOR_IOC_PARAM_DESC_MAX	1
#define DOOR_IOC_PARAM_DATA_MAX	2
#define DOOR_IOC_PARAM_DATA_MIN	3

/*
 * DOOR_IOC_CRED: who calls. Ids are as seen from the asker's namespaces: the
 * overflow id and pid 0 for what is not visible there.
 *
 * call:       (in) 0, or the number of the invocation that is meant
 * groups_ptr: (in) room for groups_num __u32; (out) groups_num is how many the
 *             caller has, of which as many as fit are stored
 *
 * EINVAL: the thread serves no call, not that call, or its caller has gone, or has
 * become another program (from a signal handler).
 * That CRED succeeds a second time proves that the caller still waits, thus that
 * a pidfd opened in between is that of the caller.
 */
struct door_ioc_cred {
	__u64 call;
	__u64 groups_ptr;
	__u32 groups_num;
	__u32 flags;		/* must be 0 */
	__u32 ruid, euid, suid;
	__u32 rgid, egid, sgid;
	__s32 pid;
	__u32 reserved;
};

/*
 * DOOR_IOC_ATTACH: give the door a name: from now on, whoever opens this file
 * gets a descriptor of the door, until DETACH, or until the door is revoked or
 * its owner is gone; then the file is what it was. Permissions are those of the
 * file. A door may have many names.
 *
 * DOOR_IOC_DETACH: undo that; doors opened before stay what they are. Whoever has no
 * /dev/door may say so to any door; and a name that is opened for neither reading nor
 * writing (O_ACCMODE, which takes permission for both) gives no door, but a descriptor
 * that understands this command and nothing else, of which no owner is told.
 *
 * fd: ATTACH: of the file, from open() with O_PATH; DETACH: any of its
 *     descriptors
 *
 * EBADF: fd is not open; the door is revoked. EINVAL: ATTACH: not O_PATH, or not
 * a regular file of a local file system; DETACH: no door is attached. EPERM: not
 * the owner of the file, nor CAP_FOWNER; ATTACH: the file is append-only. ATTACH
 * also EBUSY (a door is attached already), EMLINK (the door has 1024 names), ENOMEM
 * (as for CREATE) and what opening the file for writing would say: EACCES, EROFS, ETXTBSY, ...
 */
struct door_ioc_name {
	__s32 fd;
	__u32 flags;		/* must be 0 */
};

/*
 * DOOR_IOC_ABORTED: wait until a caller has given up (a signal that it caught,
 * the end of its thread) while its procedure is running. No two waiters are told
 * the same, and nobody is told of a call that has been answered or whose door is
 * DOOR_ATTR_NO_CANCEL. What nobody waits for is forgotten when the thread serves
 * the next.
 *
 * call:   (out) number of the invocation
 * thread: (out) id of the thread that runs it, as the asker sees it
 *
 * The thread may be on its way out of RETURN, not yet knowing that number, or
 * back in there, having answered nobody. EINTR: a signal was caught. EPERM, as
 * for CREATE.
 */
struct door_ioc_aborted {
	__u64 call;
	__s32 thread;
	__u32 reserved;
};

#define DOOR_IOC_CAPS		_IOR(DOOR_IOC_MAGIC, 0x00, struct door_ioc_caps)
#define DOOR_IOC_CREATE		_IOW(DOOR_IOC_MAGIC, 0x01, struct door_ioc_create)
#define DOOR_IOC_CALL		_IOWR(DOOR_IOC_MAGIC, 0x02, struct door_ioc_call)
#define DOOR_IOC_RETURN		_IOWR(DOOR_IOC_MAGIC, 0x03, struct door_ioc_return)
#define DOOR_IOC_INFO		_IOR(DOOR_IOC_MAGIC, 0x04, struct door_ioc_info)
#define DOOR_IOC_REVOKE		_IO(DOOR_IOC_MAGIC, 0x05)
#define DOOR_IOC_BIND		_IOW(DOOR_IOC_MAGIC, 0x06, struct door_ioc_bind)
#define DOOR_IOC_UNBIND		_IO(DOOR_IOC_MAGIC, 0x07)
#define DOOR_IOC_GETPARAM	_IOWR(DOOR_IOC_MAGIC, 0x08, struct door_ioc_param)
#define DOOR_IOC_SETPARAM	_IOW(DOOR_IOC_MAGIC, 0x09, struct door_ioc_param)
#define DOOR_IOC_CRED		_IOWR(DOOR_IOC_MAGIC, 0x0a, struct door_ioc_cred)
#define DOOR_IOC_ABANDON	_IO(DOOR_IOC_MAGIC, 0x0b)
#define DOOR_IOC_LEAVE		_IO(DOOR_IOC_MAGIC, 0x0c)
#define DOOR_IOC_ATTACH		_IOW(DOOR_IOC_MAGIC, 0x0d, struct door_ioc_name)
#define DOOR_IOC_DETACH		_IOW(DOOR_IOC_MAGIC, 0x0e, struct door_ioc_name)
#define DOOR_IOC_ABORTED	_IOR(DOOR_IOC_MAGIC, 0x0f, struct door_ioc_aborted)

/*
 * Sockets
 * =======
 *
 * A local connected stream socket can carry its bytes through a door stream
 * instead of its own protocol. Both ends have to be marked, each by a holder of
 * its descriptor; the connection itself is made by the real listen(), connect()
 * and accept(), which alone decide who may connect to whom. The streams are
 * joined in accept(), when the accepted socket's peer turns out to be marked
 * too. A marked socket that is never joined behaves as it did before.
 *
 * fd:    the socket
 * addr:  DOOR_IOC_SOCK_CONNECT: user address of the struct sockaddr that
 *        connect() is about to be given; addrlen its length in bytes.
 * fd2:   DOOR_IOC_SOCK_PAIR: the other end of a socketpair().
 * state: (out) DOOR_SOCK_*
 * why:   (out) DOOR_WHY_*, the reason when the state is DOOR_SOCK_PLAIN
 *
 * Not being able to mark a socket is no error: the command returns 0 with state
 * DOOR_SOCK_PLAIN and the reason. Errors: EBADF (fd is no open descriptor),
 * ENOTSOCK (fd is no socket), EFAULT and EINVAL (bad address), ENOMEM.
 */
struct door_ioc_sock {
	__s32 fd;
	__s32 fd2;
	__u64 addr;
	__u32 addrlen;
	__u32 flags;		/* must be 0 */
	__u32 state;
	__u32 why;
};

/* Values of door_ioc_sock.state. */
#define DOOR_SOCK_PLAIN		0	/* an ordinary socket */
#define DOOR_SOCK_MARKED	1	/* will be joined if its peer is marked */
#define DOOR_SOCK_JOINED	2	/* bytes go through a door stream */

/*
 * Why a connection is, or became, an ordinary one. The values index the
 * fallback counters, too; new ones are added before DOOR_WHY_MAX.
 */
#define DOOR_WHY_NONE		0	/* it is not; or never was marked */
#define DOOR_WHY_KIND		1	/* not a TCP or AF_UNIX stream socket */
#define DOOR_WHY_REMOTE		2	/* the address is not this machine's */
#define DOOR_WHY_PEER_UNMARKED	3	/* the peer's socket is not marked */
#define DOOR_WHY_PEER_GONE	4	/* the peer had closed before accept() */
#define DOOR_WHY_PEER_UNKNOWN	5	/* no peer here: other host, netns, NAT */
#define DOOR_WHY_BUSY		6	/* the socket has a user already (ULP, ...) */
#define DOOR_WHY_CONNECTED	7	/* too late: connected before it was marked */
#define DOOR_WHY_OOB		8	/* urgent data went over the socket */
#define DOOR_WHY_OPTION		9	/* a socket option that streams lack */
#define DOOR_WHY_MEMORY		10	/* no memory for the stream */
#define DOOR_WHY_DISCONNECT	11	/* connect(AF_UNSPEC) */
#define DOOR_WHY_MAX		12

#define DOOR_IOC_SOCK_LISTEN	_IOWR(DOOR_IOC_MAGIC, 0x40, struct door_ioc_sock)
#define DOOR_IOC_SOCK_CONNECT	_IOWR(DOOR_IOC_MAGIC, 0x41, struct door_ioc_sock)
#define DOOR_IOC_SOCK_PAIR	_IOWR(DOOR_IOC_MAGIC, 0x42, struct door_ioc_sock)
#define DOOR_IOC_SOCK_INFO	_IOWR(DOOR_IOC_MAGIC, 0x43, struct door_ioc_sock)

#endif /* _UAPI_LINUX_DOOR_H */
