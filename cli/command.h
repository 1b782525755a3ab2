/* SPDX-License-Identifier: MIT */
/*
 * What a command of `ward` is. Each has a file of its name, and a line in the table of main.c.
 */
#ifndef WARD_CLI_COMMAND_H
#define WARD_CLI_COMMAND_H

/* How `ward` ends. */
enum {
    DONE = 0,
    FAILED = 1,  /* memory could not be read or written, not all of it */
    MISUSED = 2, /* the command line makes no sense */
    NO_ENTRY = 3 /* the process could not be opened */
};

struct command {
    const char *name;
    const char *arguments;             /* as in the usage line */
    const char *purpose;               /* one line */
    const char *help;                  /* the rest of `ward help NAME` */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name */
};

extern const struct command doctor_command, explain_command, peek_command, poke_command,
    run_command, selftest_command, stat_command, symbolize_command;

/* The value of option argv[*at], which is the next argument or behind a =; "": there is none. *at
 * is of the last argument it took then. NULL: it is not the option of this name. */
const char *option_value(char **argv, int argc, int *at, const char *name);

/* Says what is wrong with the command line; MISUSED. */
int misuse(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
