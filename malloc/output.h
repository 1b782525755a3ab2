/* SPDX-License-Identifier: MIT */
/*
 * Where reports go: to standard error, or to the end of a file.
 *
 * Standard error is the file that descriptor 2 was at the start. A program may close it and get the
 * number for something else, a database say: nothing is written there.
 *
 * All of it is raw system calls, safe in a signal handler; errno stays as it is.
 */
#ifndef WARD_MALLOC_OUTPUT_H
#define WARD_MALLOC_OUTPUT_H

#include <ward/base.h>

enum { OUTPUT_PATH_CAP = 512 };

enum output_form { OUTPUT_TEXT, OUTPUT_JSON };

/* Which file a descriptor is. */
struct output_file {
    uint64_t device, number;
};

struct output {
    char path[OUTPUT_PATH_CAP]; /* of the file, %p being the number of the process; "": none */
    enum output_form form;
    bool hides_bytes;        /* nothing of what blocks hold is shown */
    bool has_stderr;         /* there was one */
    struct output_file file; /* which it was */
};

/* Which file that is. False: no such descriptor. */
bool ward_output_identify_(long fd, struct output_file *file);

/* Is it that file still? */
bool ward_output_is_(long fd, const struct output_file *file);

/* All of a text. False: only a part, or nothing. */
bool ward_output_put_(long fd, const char *text, size_t len);

/* Notes which file descriptor 2 is. */
void ward_output_start_(struct output *output);

/* A terminal, and no NO_COLOR in the environment. */
bool ward_output_is_terminal_(const struct output *output);

/* All of it, in one call if the system takes it. What cannot be written to the file goes to
 * standard error, with a word about it. False: to neither. */
bool ward_output_write_(const struct output *output, const char *text, size_t len);

/* The program's path, and its own name for this thread; "" if they are not known. */
void ward_output_program_(char *path, size_t cap);
void ward_output_thread_(char name[16]);

struct output_ids {
    uint32_t process, thread;
};

struct output_ids ward_output_ids_(void);

#endif
