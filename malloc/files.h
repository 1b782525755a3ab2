/* SPDX-License-Identifier: MIT */
/*
 * Reading files before anything else runs: by raw system calls, which no other library takes over,
 * without allocating, and errno stays as it is.
 */
#ifndef WARD_MALLOC_FILES_H
#define WARD_MALLOC_FILES_H

#include <ward/base.h>

/* Reads up to cap bytes of a file from its start. Returns how many there were, or a negative error
 * number; *opened says whether it could be opened. */
ptrdiff_t ward_files_read_(const char *path, char *text, size_t cap, bool *opened);

/* The name of the program that runs, without its directory, in name (cap bytes, terminated). Nobody
 * who starts a program with other rights than his own chooses it. False: it is not known. */
bool ward_files_program_(char *name, size_t cap);

#endif
