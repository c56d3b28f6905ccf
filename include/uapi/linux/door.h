/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Doors: the ioctls of /dev/door and of door descriptors.
 *
 * Conventions that hold for every command below:
 *
 *  - The structure is extensible at its end. The size is in the command
 *    number; a caller with a shorter structure gets zeros for what it does not
 *    know, a caller with a longer one gets E2BIG if the surplus is not zero.
 *  - Unknown flags and non-zero reserved fields are refused with EINVAL.
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
