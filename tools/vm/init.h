/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VM_INIT_H
#define VM_INIT_H

#include <stdbool.h>
#include <sys/types.h>

#define MAX_ITEMS 64
#define MAX_STRINGS 4096

struct share {
	char *tag, *path;
};

/* What the host asked for, and the way back to it. */
struct vm {
	struct share share[MAX_ITEMS];
	char *insmod[MAX_ITEMS], *sysctl[MAX_ITEMS];
	char *argv[MAX_STRINGS], *env[MAX_STRINGS];
	char *cwd, *modules;
	int shares, insmods, sysctls, limit;
	bool tty, kmemleak;
	int verdict, out, err, kmsg_port, kmsg;
};

extern struct vm vm;

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void fail(const char *what) __attribute__((noreturn));
void power_off(void) __attribute__((noreturn));
void write_file(const char *path, const char *text);
void read_vm(void);
void mount_early(void);
void mount_root(void);
void mount_late(void);
int insmod(const char *spec);
int run_command(void);
void finish(int status) __attribute__((noreturn));

#endif /* VM_INIT_H */
