/* SPDX-License-Identifier: MIT */
/* The allocators that are compared, each as what is preloaded. */
#ifndef WARD_BENCH_CONTENDERS_H
#define WARD_BENCH_CONTENDERS_H

#include <stdbool.h>
#include <stddef.h>

enum { CONTENDER_PATH = 512 };

struct contender {
    const char *name;
    const char *file;          /* in a directory of libraries; NULL: ours, or none */
    const char *profile;       /* of ours, as WARD_OPTIONS has it */
    bool on_request;           /* much slower than all others: measured if it is named */
    bool here;                 /* and wanted */
    char path[CONTENDER_PATH]; /* empty: not preloaded */
};

/* The first is mimalloc. Ends with a name that is NULL. */
extern struct contender contenders[];

/* Those of the list with commas (NULL: all), as far as they are installed; mimalloc always.
 * directory: where ours is. Says on stderr what is missing. False: mimalloc is. */
bool contenders_find(const char *only, const char *directory);

/* The one of that name, if it is measured. */
const struct contender *contender_named(const char *name);

/* In a forked child: makes the program that is executed next run under it. */
void contender_enter(const struct contender *contender);

#endif
