/* SPDX-License-Identifier: MIT */
/*
 * ward/differ.h: a space that makes every access twice, through two other spaces, and reports where
 * they disagree. For tests: of a space of one's own against one that is known, or of two ways to
 * the same memory.
 *
 *     struct ward_differ both;
 *
 *     error = ward_differ_init(&both, &guest.space, ward_space_self(), base, scratch, sizeof
 * scratch, report, NULL); error = ward_space_read(&both.space, a, dst, n, &why);    as guest.space
 * alone, and compared
 *
 * The one space answers the caller; the other is asked the same at an address that is a distance
 * away. They may reach the same memory, or each its own. Compared are
 *
 *   the result    both succeed, or both fail with the same number
 *   the count     how many bytes were done, and so the first that failed
 *   the kind      of the fault; WARD_FAULT_DENIED agrees with whatever it may stand for
 *   the bytes     of a read, those that came; of a write, those that the space it went through
 * gives back (if it does); of an atomic, what was there before
 *
 * An atomic operation is made once, by the one space, as it may be done but once; the other is
 * asked for the word before. Advice (check, populate) is asked of both, and the result compared for
 * populate alone: what is known in advance differs.
 *
 * Memory that others change meanwhile is a disagreement to nobody's discredit.
 *
 * Accesses longer than the scratch memory go through the one space only, and are counted.
 *
 * Threads: one at a time, as the scratch memory is shared. Signal handlers: where both spaces allow
 * them. Nothing here allocates. Cost: both accesses, and a comparison.
 */
#ifndef WARD_DIFFER_H
#define WARD_DIFFER_H

#include <ward/space.h>

enum ward_differ_what {
    WARD_DIFFER_RESULT = 1,
    WARD_DIFFER_COUNT,
    WARD_DIFFER_KIND,
    WARD_DIFFER_BYTES,
};

/* What an access came to in each space: the fault of one that succeeded is all zero. */
struct ward_difference {
    unsigned what; /* of ward_differ_what: the first of them that differs */
    uint64_t a;    /* the access, in addresses of the one space */
    size_t n;
    unsigned access; /* WARD_READ, WARD_WRITE or both */
    struct ward_fault one, other;
    size_t at; /* for BYTES: the place of the first that differs */
};

/* Told of each disagreement, in the middle of the access: it makes none through the same object. */
typedef void ward_differ_report(void *arg, const struct ward_difference *difference);

/* The caller fills in nothing, and may read the counts. Borrows all it was given. */
struct ward_differ {
    struct ward_space space;
    struct ward_space *one, *other;
    uint64_t distance; /* byte a of the one is byte a + distance of the other, modulo 2^64 */
    unsigned char *scratch;
    size_t scratch_bytes;
    ward_differ_report *report;
    void *arg;
    size_t compared, not_compared, differences; /* accesses */
};

WARD_EXTERN_C_BEGIN

/* -EINVAL: a space that is none (ward_space_ok), no scratch memory of at least 8 bytes, or no
 * report; then *differ is all zero. */
WARD_API WARD_CHECKED int ward_differ_init(struct ward_differ *differ, struct ward_space *one,
                                           struct ward_space *other, uint64_t distance,
                                           void *scratch, size_t scratch_bytes,
                                           ward_differ_report *report, void *arg);

WARD_EXTERN_C_END

#endif
