/* SPDX-License-Identifier: MIT */
/* What does not hold is said on stderr and counted; a program goes on, to find what else does not.
 */
#ifndef TESTS_MALLOC_CHECK_H
#define TESTS_MALLOC_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

static int failures;

static inline void check(bool holds, const char *what, size_t with)
{
    if (holds)
        return;
    fprintf(stderr, "not so: %s (%zu)\n", what, with);
    failures++;
}

#endif
