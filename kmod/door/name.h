/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _DOOR_NAME_H
#define _DOOR_NAME_H

struct door;
struct file;
struct seq_file;

int door_name_attach(struct file *file, struct door *door, int fd);
int door_name_detach(int fd);
void door_name_end(struct door *door);
void door_name_show(struct seq_file *m, struct door *door);

void door_name_exit(void);

#endif /* _DOOR_NAME_H */
