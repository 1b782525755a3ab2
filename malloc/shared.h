/* SPDX-License-Identifier: MIT */
/*
 * Where address space is short: one range for all classes.
 *
 * The range is cut into units of the smallest pitch. A span takes as many as its pitch is, from a
 * multiple of that, and says in a table which class they are of; that never changes. There is a
 * record for each unit, and the span's is that of its first. With that the place of a span, and of
 * its record, follow from its number as they do otherwise: only the class does not follow from the
 * address, and numbers of a class are not without gaps.
 *
 * The fast paths know nothing of it: to them an address in this range is one outside of all ranges,
 * which they leave to others. Allocating is as fast as elsewhere; a free takes a call more.
 */
#ifndef WARD_MALLOC_SHARED_H
#define WARD_MALLOC_SHARED_H

#include "span.h"

/* Lays out the range for at most `most` bytes of address space, and says so on standard error.
 * False: there is no room. */
bool ward_shared_start_(size_t most);

/* A number for a new span of the class, which and whose record can be touched. False: the range is
 * used up, or there is no memory. */
bool ward_shared_take_(unsigned class, uint32_t *number);

/* Is that number one of this class? */
WARD_INLINE bool shared_has(unsigned class, uint32_t number)
{
    const struct shared_root *shared = &ward_root_.shared;
    unsigned shift = ward_root_.classes[class].pitch_log2 - shared->unit_log2;

    return shared->bytes == 0 || LOAD(&shared->units[(size_t)number << shift]) == class + 1;
}

#endif
