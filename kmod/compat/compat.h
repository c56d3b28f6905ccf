/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Force-included into every file of the module: makes older kernels look like
 * the newest one the module supports. The only place that may test versions.
 */
#ifndef _DOOR_COMPAT_H
#define _DOOR_COMPAT_H

#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "door supports Linux 6.1 to 7.3: this kernel is older"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "door supports Linux 6.1 to 7.3: this kernel is newer"
#endif

#ifndef CONFIG_MMU_NOTIFIER
#error "door needs a kernel with CONFIG_MMU_NOTIFIER, as every kernel with KVM is"
#endif

/*
 * Wake flags that default_wake_function() hands to the scheduler. WF_SYNC: the
 * waker is about to sleep. WF_CURRENT_CPU: place the wakee here; since 6.6,
 * "sched: add WF_CURRENT_CPU and externise ttwu". Both values are private to
 * the scheduler and unchanged from 6.6 to 7.3. Delete when the minimum is 6.6.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define DOOR_WF_HANDOFF (0x10 | 0x40)
#else
#define DOOR_WF_HANDOFF 0x10
#endif

struct sock;
struct pipe_inode_info;

/*
 * accept takes a struct since 6.10, "net: change proto and proto_ops accept
 * type". Delete when the minimum is 6.10.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define door_base_accept(base, sock, newsock, arg) \
	((base)->accept(sock, newsock, arg))
#else
struct proto_accept_arg {
	int flags;
	bool kern;
};
#define door_base_accept(base, sock, newsock, arg) \
	((base)->accept(sock, newsock, (arg)->flags, (arg)->kern))
#define DOOR_OLD_ACCEPT
#endif

/*
 * connect takes a sockaddr_unsized since 6.19, "net: Convert proto_ops connect()
 * callbacks to use sockaddr_unsized". Delete when the minimum is 6.19.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define sockaddr_unsized sockaddr
#endif

/*
 * sendpage is gone since 6.5, "net: Remove the old sendpage". Delete when the minimum
 * is 6.5.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define DOOR_SENDPAGE
#endif

/*
 * Looking up an established socket: no table argument since 7.0, "tcp: Remove
 * hashinfo from lookups". Packets to this host come in through loopback.
 * Delete when the minimum is 7.0.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#define DOOR_EHASH(net) (net)
#else
#define DOOR_EHASH(net) (net), (net)->ipv4.tcp_death_row.hashinfo
#endif
#define door_inet_lookup(net, saddr, sport, daddr, hnum)                       \
	__inet_lookup_established(DOOR_EHASH(net), saddr, sport, daddr, hnum,  \
				  LOOPBACK_IFINDEX, 0)
#define door_inet6_lookup(net, saddr, sport, daddr, hnum)                      \
	__inet6_lookup_established(DOOR_EHASH(net), saddr, sport, daddr, hnum, \
				   LOOPBACK_IFINDEX, 0)

/*
 * Will the first send connect (TCP_FASTOPEN_CONNECT)? A flag of its own since 6.6,
 * "inet: move inet->defer_connect to inet->inet_flags". Delete when the minimum is 6.6.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define door_tcp_defers(sk) inet_test_bit(DEFER_CONNECT, sk)
#else
#define door_tcp_defers(sk) (inet_sk(sk)->defer_connect)
#endif

/*
 * Queue lengths of AF_UNIX sockets: exported throughout, but declared in a
 * private header since 6.17, "af_unix: Move internal definitions to net/unix/".
 */
long unix_inq_len(struct sock *sk);
long unix_outq_len(struct sock *sk);
#define door_unix_inq(sk) unix_inq_len(sk)
#define door_unix_outq(sk) unix_outq_len(sk)

/*
 * Does the receiver want credentials with each message? Bits of the socket
 * since 6.16, "af_unix: Move SOCK_PASS{CRED,PIDFD,SEC} to struct sock", flags of
 * the struct socket before; a pidfd as of 6.5.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define door_unix_passcred(sk) ((sk)->sk_scm_credentials)
#define door_unix_passes_creds(sk) \
	((sk)->sk_scm_credentials || (sk)->sk_scm_security || (sk)->sk_scm_pidfd)
#else
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define DOOR_PASS_BITS (BIT(SOCK_PASSCRED) | BIT(SOCK_PASSSEC) | BIT(SOCK_PASSPIDFD))
#else
#define DOOR_PASS_BITS (BIT(SOCK_PASSCRED) | BIT(SOCK_PASSSEC))
#endif
#define door_unix_passcred(sk) door_unix_flag(sk, BIT(SOCK_PASSCRED))
#define door_unix_passes_creds(sk) door_unix_flag(sk, DOOR_PASS_BITS)
#define door_unix_flag(sk, bits)                                               \
	({                                                                     \
		struct socket *__s;                                            \
		bool __p;                                                      \
									       \
		rcu_read_lock_sched();                                         \
		__s = READ_ONCE((sk)->sk_socket);                              \
		__p = __s && (READ_ONCE(__s->flags) & (bits));                 \
		rcu_read_unlock_sched();                                       \
		__p;                                                           \
	})
#endif

/*
 * Does the receiver want to be told how much is left? AF_UNIX tells since 6.17,
 * "af_unix: Introduce SO_INQ". Delete when the minimum is 6.17.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
#define door_unix_tells_inq(sk) READ_ONCE(unix_sk(sk)->recvmsg_inq)
#else
#define door_unix_tells_inq(sk) false
#endif

/*
 * May the caller do as the owner of a file does? By mnt_idmap since 6.3, "fs:
 * port inode_owner_or_capable() to mnt_idmap". Delete when the minimum is 6.3.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define door_owns_file(file) \
	inode_owner_or_capable(file_mnt_idmap(file), file_inode(file))
#else
#define door_owns_file(file) \
	inode_owner_or_capable(file_mnt_user_ns(file), file_inode(file))
#endif

/*
 * The pointer in the middle: since 6.8, "file: remove __receive_fd()". Delete
 * when the minimum is 6.8.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#include <linux/file.h>
#define receive_fd(file, ufd, o_flags) receive_fd(file, o_flags)
#endif

/*
 * Since 6.3, "mm: introduce vma->vm_flags wrapper functions". Delete when the
 * minimum is 6.3.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#define vm_flags_set(vma, flags) ((vma)->vm_flags |= (flags))
#endif

#endif /* _DOOR_COMPAT_H */
