/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Credentials of a door's caller, as door_ucred() gives them. */
#ifndef _DOOR_UCRED_H
#define _DOOR_UCRED_H

#include <door.h>

#ifdef __cplusplus
extern "C" {
#endif

void ucred_free(ucred_t *uc);
size_t ucred_size(void);
uid_t ucred_geteuid(const ucred_t *uc);
uid_t ucred_getruid(const ucred_t *uc);
uid_t ucred_getsuid(const ucred_t *uc);
gid_t ucred_getegid(const ucred_t *uc);
gid_t ucred_getrgid(const ucred_t *uc);
gid_t ucred_getsgid(const ucred_t *uc);
int ucred_getgroups(const ucred_t *uc, const gid_t **groups);
pid_t ucred_getpid(const ucred_t *uc);

#ifdef __cplusplus
}
#endif

#endif /* _DOOR_UCRED_H */
