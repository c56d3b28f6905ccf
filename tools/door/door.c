// SPDX-License-Identifier: GPL-2.0-only
/* door: the tool for people who run programs over doors. Only the table here.
 */
#include "door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct command {
	const char *name, *args, *help;
	int (*run)(int argc, char **argv);
};

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command commands[] = {
	{"run", "[-dq] [--] COMMAND [ARGUMENT...]",
	 "run a program with its local sockets over doors", cmd_run},
	{"ls", "[-p PID]", "list the doors and door sockets of processes",
	 cmd_ls},
	{"detach", "FILE...", "take the doors away that are attached to files",
	 cmd_detach},
	{"stat", "[--json]", "print what the module has done so far", cmd_stat},
	{"help", "", "print this", cmd_help},
	{"--version", "", "print the version", cmd_version},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

int complain(int code, const char *what, const char *why)
{
	fprintf(stderr, "door: %s: %s\n", what, why);
	return code;
}

static void print_usage(FILE *out)
{
	size_t i;

	fputs("usage: door COMMAND\n", out);
	for (i = 0; i < COMMANDS; i++)
		fprintf(out, "  door %s %s\n      %s\n", commands[i].name,
			commands[i].args, commands[i].help);
}

static int cmd_help(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	print_usage(stdout);
	return EXIT_OK;
}

static int cmd_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts("door " DOOR_VERSION);
	return EXIT_OK;
}

/* What could not be written, to a full disk for example, is a failure. */
static int finish(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return complain(EXIT_FAILED, "standard output",
				strerror(errno));
	return code;
}

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 1 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return finish(commands[i].run(argc - 1, argv + 1));
	if (argc > 1)
		complain(EXIT_USAGE, argv[1], "no such command");
	print_usage(stderr);
	return EXIT_USAGE;
}
