/* SPDX-License-Identifier: MIT */
/*
 * A program that is to be run with a library preloaded: where it is, and whether the loader will do
 * that for it.
 */
#ifndef WARD_CLI_PROGRAM_H
#define WARD_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* What keeps a library out of a program. */
enum obstacle {
    NO_OBSTACLE,
    IS_STATIC,     /* nothing loads libraries for it */
    GAINS_RIGHTS,  /* setuid, setgid or with capabilities: the loader believes no environment */
    OTHER_MACHINE, /* the library is for another processor */
};

/* Finds a program as execvp(3) does. 0, or a negative error number: -ENOENT, -EACCES. */
int program_find(const char *name, char path[PATH_MAX]);

/* The same of the file that a script names as its interpreter. What cannot be read is believed to
 * be without obstacle. */
enum obstacle program_obstacle(const char *path, const char *library);

#endif
