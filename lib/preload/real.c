// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Originals: the next definition of each interposed function after this
 * library, libc's or another preloaded library's. Looked up once, from the
 * constructor; dlsym() may allocate, so it is never called from a wrapper.
 * Other libraries' constructors may use sockets before ours has run: such calls
 * go straight to the kernel.
 */
#include "real.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct real real;

/* One member at a time, so that a signal handler sees the old or the new way.
 */
#define REAL_LOOKUP(name, params, args)                \
	{                                              \
		void *sym = dlsym(RTLD_NEXT, #name);   \
		memcpy(&real.name, &sym, sizeof(sym)); \
	}

void real_init(void){REAL_LIST(REAL_LOOKUP)}

#define REAL_ARGS(...) __VA_ARGS__
#define REAL_DEFINE(name, params, args)                     \
	int real_##name params                              \
	{                                                   \
		if (real.name)                              \
			return real.name args;              \
		return syscall(SYS_##name, REAL_ARGS args); \
	}
REAL_LIST(REAL_DEFINE)
