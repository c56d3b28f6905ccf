/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names for doors, where Solaris and illumos declare them. There are no STREAMS
 * here: what is attached is a door.
 */
#ifndef _DOOR_STROPTS_H
#define _DOOR_STROPTS_H

#ifdef __cplusplus
extern "C" {
#endif

int fattach(int fd, const char *path);
int fdetach(const char *path);
int isastream(int fd);

#ifdef __cplusplus
}
#endif

#endif /* _DOOR_STROPTS_H */
