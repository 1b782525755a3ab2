/* SPDX-License-Identifier: MIT */
/*
 * What this machine and its kernel give, each probed by doing it: versions and configuration say
 * what there could be, a seccomp filter or a limit takes it away.
 */
#ifndef WARD_CLI_PROBES_H
#define WARD_CLI_PROBES_H

#include <stddef.h>

enum { PROBE_DETAIL = 160 };

struct probe {
    const char *name;
    const char *without; /* what ward does when it is not there */
    /* 0: it works; or a negative error number: how it was refused. May add what it found. */
    int (*try)(char detail[PROBE_DETAIL]);
};

/* In the order in which they are shown; without NULL: a fact, which is neither good nor bad. */
extern const struct probe probes[];
extern const size_t probes_count;

#endif
