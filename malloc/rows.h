/* SPDX-License-Identifier: MIT */
/*
 * Rows of a span that only some profiles have, in its record behind the bitmap of pending frees:
 *
 *     states | pending | moments | families
 *
 *   families   which function allocated a block: a byte for each slot, of which two bits say it and
 *              one that an alignment was asked for. 0 is malloc, so only operator new writes here
 *   moments    when, by which thread and from where a block was allocated and freed
 *
 * Blocks without a span have the same in their own records. A block's rows are written by who holds
 * the block: no two threads do at once, unless the program has a bug that is about to be reported.
 */
#ifndef WARD_MALLOC_ROWS_H
#define WARD_MALLOC_ROWS_H

#include "moment.h"
#include "span.h"

enum family {
    FAMILY_MALLOC,
    FAMILY_NEW,
    FAMILY_NEW_ARRAY,
    FAMILY_ALIGNED = 4, /* with one of these: by a form that takes an alignment */
    FAMILY_ANY = 255,   /* of who frees: do not ask */
};

struct moments {
    struct moment issued, freed;
};

/* Bytes of the rows of a span under the policy of the root. */
size_t ward_rows_bytes_(size_t slots);

/* The block was allocated by this function. */
void ward_rows_name_(void *block, unsigned family);

/* It is freed by this one. What does not match is reported, and all goes on. */
void ward_rows_check_(const void *block, unsigned family);

/* Records where and when a live block was allocated, or is freed. */
void ward_rows_issued_(const void *block);
void ward_rows_freed_(const void *block);

/* What is recorded of a slot; all zero: nothing. */
struct moments ward_rows_moments_(const struct place *place);

#endif
