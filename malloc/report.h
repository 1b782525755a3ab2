/* SPDX-License-Identifier: MIT */
/*
 * What is said of a bug that was caught (docs/reports.md has what each line means).
 *
 * A report is made where the bug is found, in the process that has it: with a damaged heap, in a
 * signal handler, on a small stack. Nothing is allocated; what is printed of memory was seen to be
 * readable. One report is made at a time; what another thread, or a handler that interrupts the
 * first, finds meanwhile gets a short one.
 *
 * Addresses of code are given as an object and an offset in it. `ward symbolize` finds the names,
 * later and elsewhere.
 *
 * These return only where a handler contains bugs (ward/bug.h).
 */
#ifndef WARD_MALLOC_REPORT_H
#define WARD_MALLOC_REPORT_H

#include <ward/bug.h>

#include "moment.h"
#include "span.h"

enum { REPORT_DAMAGE_MAX = 32 };

/* What the free of a block said of it. */
struct report_given {
    bool is_given;
    size_t size, align; /* align 0: nothing was said */
};

/* What is known beyond the bug itself. What is not known is zero. */
struct report_known {
    const struct place *place;    /* of the slot, for what lies beside it */
    struct moment issued, freed;  /* of the block */
    const unsigned char *damaged; /* bytes that are not as they were left: from here on, */
    size_t damaged_count;         /* so many are looked at, */
    const unsigned char *was;     /* and were this; NULL: zero */
    const void *context;          /* ucontext_t: the signal that was caught */
    const char *access;           /* "read", "write"; NULL: not known */
    struct report_given given;
};

/* What is recorded of a live block, wherever it lies. place is what known points to, if anything.
 */
WARD_COLD void ward_report_know_(const void *block, struct report_known *known,
                                 struct place *place);

/* Reports a bug. known: NULL: nothing. */
WARD_COLD void ward_report_bug_(const struct ward_bug *bug, const struct report_known *known);

/* The same of a fault, without an end to the process: the instruction is run again. */
WARD_COLD void ward_report_fault_(const struct ward_bug *bug, const struct report_known *known);

/* place: of the slot concerned; NULL: none. */
WARD_COLD void ward_report_(enum ward_bug_kind kind, const void *addr, const struct place *place,
                            const char *message);

/* addr lies in a span, and is not the start of a slot. */
WARD_COLD void ward_report_interior_(const unsigned char *addr, const struct place *place);

/* The canary behind a block of size bytes is broken. */
WARD_COLD void ward_report_overflow_(const unsigned char *block, size_t size, size_t slack);

/* A free slot is not clear: it was written to. */
WARD_COLD void ward_report_written_(const unsigned char *block, const struct place *place);

/* A live block of size bytes was freed with another size, or as one of an alignment that it has
 * not. */
WARD_COLD void ward_report_size_(const void *block, size_t size, struct report_given given);

#endif
