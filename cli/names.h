/* SPDX-License-Identifier: MIT */
/*
 * What a function at an address of an object file is called, and which line of which file it is of.
 * Asked of elfutils' libdw, which also finds debugging information that is apart from the object:
 * below /usr/lib/debug, and where DEBUGINFOD_URLS says. A build without libdw knows no names. Those
 * of C++ are as in the source where its runtime is installed, and mangled elsewhere.
 */
#ifndef WARD_CLI_NAMES_H
#define WARD_CLI_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names;

struct name {
    const char *function, *file; /* NULL: not known; good until the next is asked for */
    int line;
};

/* NULL: there are none, or no memory. */
struct names *names_open(void);

/* The name for an address as it is in the file. id: the build id that the file must have, in
 * hexadecimal; "": any. False: nothing is known, and *name is all zero. */
bool names_find(struct names *names, const char *path, const char *id, uint64_t address,
                struct name *name);

/* Why there is no name for an address of it: a text for a reader. NULL: that is not known. */
const char *names_lack(struct names *names, const char *path, const char *id);

/* NULL: nothing happens. */
void names_close(struct names *names);

#endif
