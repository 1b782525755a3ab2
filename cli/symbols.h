/* SPDX-License-Identifier: MIT */
/*
 * What the dynamic symbols of a program say about its malloc. The file may be anybody's: what makes
 * no sense is passed over, nothing is read but in small pieces, and all of it ends.
 */
#ifndef WARD_CLI_SYMBOLS_H
#define WARD_CLI_SYMBOLS_H

#include <stdbool.h>

struct symbols {
    bool known;            /* there was a table of symbols to look at */
    bool own_malloc;       /* it defines malloc: the loader takes that one */
    const char *allocator; /* another allocator, of whose names it uses one; NULL */
    const char *linked;    /* another allocator, whose library it is linked with; NULL */
    const char *sanitizer; /* the sanitizer it was built with; NULL */
    bool is_go;            /* allocates for itself, but for what is in C */
    bool has_ward;         /* ward's malloc is a part of it */
    bool names_ward;       /* it is linked with the shared library */
};

/* Of an open ELF file for this machine. */
void symbols_look(int fd, struct symbols *found);

#endif
