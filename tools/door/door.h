/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the door tool share. */
#ifndef DOOR_TOOL_H
#define DOOR_TOOL_H

enum door_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_NO_MODULE = 3,
	EXIT_CANNOT_RUN = 126, /* door run only: the command exists, but... */
	EXIT_NOT_FOUND = 127,  /* door run only: it does not exist */
};

/* Subcommands: argv[0] is the subcommand's name; return an enum door_exit. */
int cmd_ls(int argc, char **argv);
int cmd_detach(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_stat(int argc, char **argv);

/* Prints "door: WHAT: WHY" to standard error; returns @code. */
int complain(int code, const char *what, const char *why);

#endif /* DOOR_TOOL_H */
