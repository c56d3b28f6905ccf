/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_NETLINK_H
#define _DOOR_NETLINK_H

int door_netlink_init(void);
void door_netlink_exit(void);

#endif /* _DOOR_NETLINK_H */
