/* SPDX-License-Identifier: MIT */
/*
 * What the files of the slab share: entering and leaving the metadata, slots off the fast path.
 *
 *   slab.c       operations and the slow halves of the fast paths
 *   slab_init.c  geometry: sizes, placing, secrets; the recipes
 *   slab_audit.c what looks at all slots: verify, each, release, reset
 *
 * Every function that touches the state goes through ward_slab_enter_ and ward_slab_leave_: they
 * open the protection key and put it back as it was. A report is made with the key closed.
 */
#ifndef WARD_ALLOC_SLAB_H
#define WARD_ALLOC_SLAB_H

#include <ward/bug.h>
#include <ward/slab.h>

#include "key.h"

/* Opens the metadata. Returns what ward_slab_leave_ needs. */
static inline uint32_t ward_slab_enter_(const struct ward_slab_geometry_ *g)
{
    return g->mode & WARD_SLAB_LOCKED ? ward_key_open_(g->key) : 0;
}

static inline void ward_slab_leave_(const struct ward_slab_geometry_ *g, uint32_t before)
{
    if (g->mode & WARD_SLAB_LOCKED)
        ward_key_restore_(before);
}

static inline bool ward_slab_word_is_free_(const struct ward_slab_geometry_ *g, uint32_t word)
{
    return word == WARD_SLOT_FREE || (word == WARD_SLOT_POISONED && g->spec.policy & WARD_POISON);
}

/* A word of a live block; a damaged one that exceeds the largest block is none. */
static inline bool ward_slab_word_is_live_(const struct ward_slab_geometry_ *g, uint32_t word)
{
    return word - 1 < g->spec.block.size;
}

/* Does `fresh` stand where slots begin to be new? Looks at the two on either side of it. */
static inline bool ward_slab_fresh_ok_(const struct ward_slab_geometry_ *g)
{
    uint32_t fresh = g->state->fresh;

    return fresh <= g->capacity && (fresh == 0 || g->rows[fresh - 1].word != WARD_SLOT_NEW) &&
           (fresh == g->capacity || g->rows[fresh].word == WARD_SLOT_NEW);
}

static inline unsigned char *ward_slab_slot_(const struct ward_slab_geometry_ *g, uint32_t index)
{
    return ward_slab_at_(g, &g->spec, index);
}

/* False, after a report, in a child of a process whose fork left the data behind. */
bool ward_slab_survived_(const struct ward_slab *slab);

/* The same for functions that must not report. */
bool ward_slab_is_here_(const struct ward_slab_geometry_ *g);

/* The sum that stands in geometry->check. */
uint64_t ward_slab_sum_(const struct ward_slab_geometry_ *g);

/* Is the geometry as init wrote it? False after a report. Every slow path asks before it believes.
 */
bool ward_slab_sound_(const struct ward_slab_geometry_ *g);

/* Makes everything but the words of the slots anew from them, and reports that `at` was damaged. */
void ward_slab_bad_entry_(const struct ward_slab_geometry_ *g, const void *at);

/* The pattern before the first slot of a span: fills it; tells whether it still is there. */
void ward_slab_front_arm_(const struct ward_slab_geometry_ *g, unsigned char *first);
bool ward_slab_front_is_(const struct ward_slab_geometry_ *g, const unsigned char *first);

#endif
