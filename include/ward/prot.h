/* SPDX-License-Identifier: MIT */
/*
 * ward/prot.h: protection flags, one set for walls and gates.
 */
#ifndef WARD_PROT_H
#define WARD_PROT_H

enum ward_prot {
    WARD_NONE = 0,
    WARD_READ = 1,
    WARD_WRITE = 2,
    WARD_EXEC = 4,
    WARD_RW = 3,
    WARD_GUARD = 8,  /* alone: no access, by the cheapest means; the contents are dropped */
    WARD_KEYED = 16, /* with the others: only while the thread has opened the process's key */
};

#endif
