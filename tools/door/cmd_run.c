// SPDX-License-Identifier: GPL-2.0-only
/*
 * door run: becomes the program, with the interposer appended to LD_PRELOAD.
 * Whether there is a module is for the interposer to find out, connection by
 * connection; here it is only worth a warning.
 */
#include "door.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIBRARY "libdoor-preload.so"

/*
 * The library is in ../lib of the tool, in the build tree and installed alike.
 * Returns NULL, having complained, if it is not.
 */
static const char *find_library(void)
{
	static char path[PATH_MAX];
	char self[PATH_MAX], wanted[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0) {
		complain(0, "/proc/self/exe", strerror(errno));
		return NULL;
	}
	self[n] = 0;
	snprintf(wanted, sizeof(wanted), "%s/../lib/%s", dirname(self),
		 LIBRARY);
	if (!realpath(wanted, path)) {
		complain(0, wanted, strerror(errno));
		return NULL;
	}
	if (strpbrk(path, ": ")) {
		complain(0, path, "LD_PRELOAD cannot hold ':' or ' '");
		return NULL;
	}
	return path;
}

static bool is_listed(const char *list, const char *library)
{
	size_t length = strlen(library), n;

	for (; *list; list += n + !!list[n]) {
		n = strcspn(list, ": ");
		if (n == length && !memcmp(list, library, n))
			return true;
	}
	return false;
}

/* Other libraries keep their place before ours. */
static int append_preload(const char *library)
{
	const char *list = getenv("LD_PRELOAD");
	char *text;
	int err;

	if (!list || !*list)
		return setenv("LD_PRELOAD", library, 1);
	if (is_listed(list, library))
		return 0;
	if (asprintf(&text, "%s:%s", list, library) < 0)
		return -1;
	err = setenv("LD_PRELOAD", text, 1);
	free(text);
	return err;
}

int cmd_run(int argc, char **argv)
{
	bool quiet = false, debug = false;
	const char *library;
	int option;

	while ((option = getopt(argc, argv, "+dq")) != -1) {
		if (option == 'd')
			debug = true;
		else if (option == 'q')
			quiet = true;
		else
			return EXIT_USAGE;
	}
	if (optind == argc)
		return complain(EXIT_USAGE, "run", "no command");
	library = find_library();
	if (!library)
		return EXIT_FAILED;
	if (append_preload(library) || (debug && setenv("DOOR_DEBUG", "1", 1)))
		return complain(EXIT_FAILED, "run", strerror(errno));
	if (!quiet && access("/dev/door", R_OK | W_OK))
		complain(0, "/dev/door",
			 errno == ENOENT
				 ? "not there (is the module loaded?): "
				   "sockets stay as they are"
				 : "may not be opened: sockets stay as they "
				   "are");
	execvp(argv[optind], argv + optind);
	return complain(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN,
			argv[optind], strerror(errno));
}
