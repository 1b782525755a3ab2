/* SPDX-License-Identifier: MIT */
/*
 * A program that is to be run with a library preloaded: where it is, and whether the loader will do
 * that for it.
 */
#ifndef WARD_CLI_PROGRAM_H
#define WARD_CLI_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

/* What keeps a library, or options, out of a program. */
enum obstacle {
    NO_OBSTACLE,
    IS_STATIC,       /* nothing loads libraries for it, and ward's malloc is not linked into it */
    GAINS_RIGHTS,    /* setuid, setgid or with capabilities: the loader believes no environment */
    TAKES_NO_OPTION, /* the same, but ward's malloc is linked with it */
    OTHER_MACHINE,   /* the library is for another processor */
    OTHER_LIBC,      /* the library is for another C library */
    HAS_SANITIZER,   /* which brings a malloc of its own */
    HAS_MALLOC,      /* it defines malloc itself */
};

/* Finds a program as execvp(3) does. 0, or a negative error number: -ENOENT, -EACCES. */
int program_find(const char *name, char path[PATH_MAX]);

/* Opens what is executed in the end: the program, or the file that a script names as its
 * interpreter, also by way of env. Its path is in executable. A descriptor, or a negative error
 * number. */
int program_open(const char *path, char executable[PATH_MAX]);

/* Of an open file; not the last two, of which its symbols say more (symbols.h). */
enum obstacle program_obstacle_of(int fd, const char *library);

/* What is said of it, behind the name of the program: "is linked statically: ...". */
const char *program_say(enum obstacle obstacle);

/* Of a program, or of what a script is executed by. What cannot be read is believed to be without
 * obstacle. */
enum obstacle program_obstacle(const char *path, const char *library);

#endif
