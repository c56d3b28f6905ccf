/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FUZZ_WATCH_H
#define FUZZ_WATCH_H

#include "fuzz.h"

bool watch_init(const char *splats);
bool watch_log(char *line, size_t size);
void watch_tail(void);
bool objects_alive(char *text, size_t size, bool *none, long long *joined);
bool group_end(const char *group, unsigned int ms);
void show_stacks(const char *group);

#endif /* FUZZ_WATCH_H */
