/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Doors: synchronous procedure calls through a descriptor, with the names and
 * values of Solaris and illumos. Each function is described in its manual page,
 * door(7) is the overview.
 */
#ifndef _DOOR_H
#define _DOOR_H

#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef _DOOR_UINT_T
#define _DOOR_UINT_T
typedef unsigned int uint_t;
#endif

/* Attributes for door_create() and door_xcreate(). */
#define DOOR_UNREF 0x01
#define DOOR_PRIVATE 0x02
#define DOOR_UNREF_MULTI 0x10
#define DOOR_REFUSE_DESC 0x40
#define DOOR_NO_CANCEL 0x80
#define DOOR_NO_DEPLETION_CB 0x100

/* Attributes that are only reported. */
#define DOOR_LOCAL 0x04
#define DOOR_REVOKED 0x08
#define DOOR_IS_UNREF 0x20
#define DOOR_PRIVCREATE 0x200
#define DOOR_DEPLETION_CB 0x400

/* Those a door can be made with, and all that it can have. */
#define DOOR_CREATE_MASK                                                   \
	(DOOR_UNREF | DOOR_PRIVATE | DOOR_UNREF_MULTI | DOOR_REFUSE_DESC | \
	 DOOR_NO_CANCEL | DOOR_NO_DEPLETION_CB | DOOR_PRIVCREATE)
#define DOOR_ATTR_MASK \
	(DOOR_CREATE_MASK | DOOR_LOCAL | DOOR_REVOKED | DOOR_IS_UNREF)

/* Attributes of a descriptor that is passed. */
#define DOOR_DESCRIPTOR 0x10000
#define DOOR_RELEASE 0x40000

#define DOOR_INVAL (-1)
#define DOOR_QUERY (-2)
#define DOOR_UNREF_DATA ((void *)1)

#define DOOR_PARAM_DESC_MAX 1
#define DOOR_PARAM_DATA_MAX 2
#define DOOR_PARAM_DATA_MIN 3

typedef unsigned int door_attr_t;
typedef unsigned long long door_id_t;
typedef unsigned long long door_ptr_t;

/* Aligned to four bytes, so that 32-bit and 64-bit programs agree. */
#pragma pack(push, 4)

typedef struct door_desc {
	door_attr_t d_attributes;
	union {
		struct {
			int d_descriptor;
			door_id_t d_id;
		} d_desc;
		int d_resv[5];
	} d_data;
} door_desc_t;

typedef struct door_info {
	pid_t di_target;
	door_ptr_t di_proc;
	door_ptr_t di_data;
	door_attr_t di_attributes;
	door_id_t di_uniquifier;
	int di_resv[4];
} door_info_t;

#pragma pack(pop)

typedef struct door_arg {
	char *data_ptr;
	size_t data_size;
	door_desc_t *desc_ptr;
	uint_t desc_num;
	char *rbuf;
	size_t rsize;
} door_arg_t;

typedef struct door_cred {
	uid_t dc_euid;
	gid_t dc_egid;
	uid_t dc_ruid;
	gid_t dc_rgid;
	pid_t dc_pid;
	int dc_resv[4];
} door_cred_t;

typedef struct ucred_s ucred_t;

typedef void door_server_procedure_t(void *cookie, char *argp, size_t arg_size,
				     door_desc_t *dp, uint_t n_desc);
typedef void door_server_func_t(door_info_t *info);
typedef int door_xcreate_server_func_t(door_info_t *info,
				       void *(*start)(void *), void *arg,
				       void *cookie);
typedef void door_xcreate_thrsetup_func_t(void *cookie);

int door_create(door_server_procedure_t *procedure, void *cookie,
		uint_t attributes);
int door_xcreate(door_server_procedure_t *procedure, void *cookie,
		 uint_t attributes, door_xcreate_server_func_t *create,
		 door_xcreate_thrsetup_func_t *setup, void *create_cookie,
		 int nthread);
int door_call(int d, door_arg_t *params);
int door_return(char *data_ptr, size_t data_size, door_desc_t *desc_ptr,
		uint_t desc_num);
int door_revoke(int d);
int door_info(int d, door_info_t *info);
int door_cred(door_cred_t *cred);
int door_ucred(ucred_t **cred);
int door_bind(int d);
int door_unbind(void);
int door_getparam(int d, int param, size_t *value);
int door_setparam(int d, int param, size_t value);
door_server_func_t *door_server_create(door_server_func_t *create);

/* Linux only: open(), if it is a door. */
int door_open(const char *path, int oflag);

/* Linux only: a descriptor of the process that calls, for pidfd_send_signal().
 */
int door_pidfd(void);

#ifdef __cplusplus
}
#endif

#endif /* _DOOR_H */
