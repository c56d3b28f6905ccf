/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where Solaris and illumos have the types and constants of <door.h>. */
#ifndef _DOOR_SYS_DOOR_H
#define _DOOR_SYS_DOOR_H

#include <door.h>

#endif /* _DOOR_SYS_DOOR_H */
