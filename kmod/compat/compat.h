/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Force-included into every file of the module: makes older kernels look like
 * the newest one the module supports. The only place that may test versions.
 */
#ifndef _DOOR_COMPAT_H
#define _DOOR_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "door supports Linux 6.1 to 7.3: this kernel is older"
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(7, 4, 0)
#error "door supports Linux 6.1 to 7.3: this kernel is newer"
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

#endif /* _DOOR_COMPAT_H */
