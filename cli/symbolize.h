/* SPDX-License-Identifier: MIT */
/* The two forms of a report that names are added to. */
#ifndef WARD_CLI_SYMBOLIZE_H
#define WARD_CLI_SYMBOLIZE_H

#include <stdbool.h>
#include <stdio.h>

#include "names.h"

/* A return address is behind the call, which is what has a line: the byte before is looked up. Not
 * so of the instruction that a fault struck. */
static inline uint64_t symbolize_address(uint64_t offset, bool is_exact)
{
    return is_exact || offset == 0 ? offset : offset - 1;
}

/* Prints the line with names in it. False: it is no report, or this build reads no JSON; nothing
 * was printed. */
bool symbolize_json(struct names *names, const char *line, FILE *to);

#endif
