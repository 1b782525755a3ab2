/* SPDX-License-Identifier: MIT */
/*
 * Putting the hardened malloc into a program that is about to be started.
 */
#ifndef WARD_CLI_PRELOAD_H
#define WARD_CLI_PRELOAD_H

#include <limits.h>
#include <stdbool.h>

#define PRELOAD_LIBRARY "libward-malloc.so"

/* As in malloc/options.c. */
#define PRELOAD_PROFILES "fast balanced strict pages"

bool preload_is_profile(const char *name);

/* Finds the library: where it is installed, or where it is built, seen from the executable. False:
 * *why says, in a buffer that the next call changes, what is wrong. */
bool preload_find(char library[PATH_MAX], const char **why);

/* Puts `value` before or behind what the list in an environment variable holds. False: no memory.
 */
bool preload_add(const char *variable, const char *value, bool before);

/* Sets the environment. profile NULL: none in particular; stats: for this process, which then is
 * to execute the program. False: no memory. */
bool preload_set(const char *library, const char *profile, bool stats);

#endif
