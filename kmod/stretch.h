/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Stretch: force-included after compat.h by "make DOOR_STRETCH=y" and by no
 * other build. Where the module lets go of something (a lock, a reference, a
 * published word) or touches the memory of a process, somebody else may come in
 * between; here a random delay follows now and then, so that windows of a few
 * instructions become wide enough to be met by a test.
 *
 * The headers come first: only the module's own uses are stretched. A macro does
 * not expand itself, so that each name below means the kernel's own inside.
 */
#ifndef _DOOR_STRETCH_H
#define _DOOR_STRETCH_H

#include <linux/file.h>
#include <linux/fdtable.h>
#include <linux/fs.h>
#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/uio.h>
#include <linux/wait.h>
#include <net/sock.h>

void door_stretch(void);

/* What @expr is, and a delay behind it. */
#define door_stretched(expr)                                                   \
	({                                                                     \
		typeof(expr) __stretched = (expr);                             \
									       \
		door_stretch();                                                \
		__stretched;                                                   \
	})
#define door_stretched_void(stmt)                                              \
	do {                                                                   \
		stmt;                                                          \
		door_stretch();                                                \
	} while (0)

#define spin_unlock(lock) door_stretched_void(spin_unlock(lock))
#define mutex_unlock(lock) door_stretched_void(mutex_unlock(lock))
#define release_sock(sk) door_stretched_void(release_sock(sk))
#define rcu_read_unlock() door_stretched_void(rcu_read_unlock())

#define wake_up_process(task) door_stretched(wake_up_process(task))
#define default_wake_function(wqe, mode, flags, key)                           \
	door_stretched(default_wake_function(wqe, mode, flags, key))

#define refcount_inc(ref) door_stretched_void(refcount_inc(ref))
#define refcount_dec_and_test(ref) door_stretched(refcount_dec_and_test(ref))
#define kref_get(ref) door_stretched_void(kref_get(ref))
#define kref_put(ref, release) door_stretched(kref_put(ref, release))
#define kref_get_unless_zero(ref) door_stretched(kref_get_unless_zero(ref))
#define put_task_struct(task) door_stretched_void(put_task_struct(task))
#define sock_put(sk) door_stretched_void(sock_put(sk))
#define fput(file) door_stretched_void(fput(file))
#define close_fd(fd) door_stretched(close_fd(fd))

/* Memory of a process: before, for it is there that the world may change. */
#define _copy_to_iter(addr, n, i) (door_stretch(), _copy_to_iter(addr, n, i))
#define _copy_from_iter(addr, n, i) (door_stretch(), _copy_from_iter(addr, n, i))

/*
 * The words that halves of a protocol tell each other: the kernel's definitions,
 * unchanged from 6.1 to 7.3, and a delay on the side that lets the other run.
 */
#undef smp_store_release
#define smp_store_release(p, v)                                                \
	do {                                                                   \
		kcsan_release();                                               \
		__smp_store_release(p, v);                                     \
		door_stretch();                                                \
	} while (0)
#undef smp_load_acquire
#define smp_load_acquire(p) door_stretched(__smp_load_acquire(p))
#undef smp_mb
#define smp_mb()                                                               \
	do {                                                                   \
		door_stretch();                                                \
		kcsan_mb();                                                    \
		__smp_mb();                                                    \
		door_stretch();                                                \
	} while (0)

#endif /* _DOOR_STRETCH_H */
