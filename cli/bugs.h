/* SPDX-License-Identifier: MIT */
/*
 * Bugs on purpose, each as a program would have it. They are made in processes of their own, which
 * run with the hardened malloc.
 */
#ifndef WARD_CLI_BUGS_H
#define WARD_CLI_BUGS_H

#include <stdbool.h>
#include <stddef.h>

/* The profiles, from that which checks least. */
enum bug_profile { IN_FAST, IN_BALANCED, IN_STRICT, IN_PAGES };

/* How a process ends in which nothing was caught. */
enum {
    BUG_HARMLESS = 0, /* what an attacker wants of it did not come about */
    BUG_HARM = 10,    /* it did */
    BUG_UNMADE,       /* it cannot be made here */
};

/* How a process ends in which it was caught. */
enum bug_end {
    BUG_ABORTS,  /* by the report */
    BUG_FAULTS,  /* the same, or at a guard */
    BUG_GOES_ON, /* it is reported, and the process lives on */
};

struct bug {
    const char *name, *what;
    enum bug_end end;          /* of its process, if it is caught */
    enum bug_profile promised; /* from which profile on it is caught, or does no harm */
    int (*make)(void);         /* returns how the process is to end if it comes to that */
};

extern const struct bug bugs[];
extern const size_t bugs_count;

#endif
