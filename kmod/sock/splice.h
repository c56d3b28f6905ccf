/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_SPLICE_H
#define _DOOR_SPLICE_H

#include <linux/types.h>

struct pipe_inode_info;
struct socket;

ssize_t door_splice_read(struct socket *sock, struct pipe_inode_info *pipe,
			 size_t len, unsigned int flags);

#endif /* _DOOR_SPLICE_H */
