/* SPDX-License-Identifier: MIT */
#include "rows.h"
#include "big.h"
#include "door.h"
#include "guarded.h"
#include "heap.h"
#include "mapped.h"
#include "report.h"

enum { SAID_MOST = 16 }; /* reports of what does not match; a program that does it does it often */

/* --- Where they are --------------------------------------------------------------------------- */

static size_t moments_bytes(size_t slots)
{
    return ward_root_.policy & POLICY_MOMENTS ? slots * sizeof(struct moments) : 0;
}

size_t ward_rows_bytes_(size_t slots)
{
    return moments_bytes(slots) + (ward_root_.policy & POLICY_FAMILY ? slots : 0);
}

static unsigned char *rows_of(const struct place *place)
{
    return (unsigned char *)place->span + place->class->pending + (size_t)8 * place->class->words;
}

static bool is_small(const void *block, struct place *place)
{
    return find(block, place) && place->slot != NO_SLOT && place->class->slots > 1;
}

/* NULL: nothing is recorded of it. */
static struct moments *moments_of(const struct place *place)
{
    if (!moments_bytes(1) || place->slot >= place->class->slots || place->class->slots == 1)
        return NULL;
    return (struct moments *)(void *)rows_of(place) + place->slot;
}

static bool is_in_ranges(const void *block)
{
    return (uintptr_t)block - (uintptr_t)ward_root_.base < ward_root_.bytes ||
           (uintptr_t)block - (uintptr_t)ward_root_.shared.base < ward_root_.shared.bytes;
}

/* Of a live block; NULL: it is none. */
static uint8_t *family_of(const void *block)
{
    struct guarded_place guarded;
    struct place place;

    if (guarded_has(block))
        return ward_guarded_size_(block) != SIZE_MAX && ward_guarded_find_(block, &guarded)
                   ? &guarded.slot->family
                   : NULL;
    if (!find(block, &place)) /* where no span is yet nothing is, nor is the other door open */
        return is_in_ranges(block) ? NULL : ward_mapped_family_(block);
    if (place.class->slots == 1)
        return ward_big_family_(&place);
    if (place.slot == NO_SLOT || LOAD(&place.span->states[place.slot]) < SLOT_LIVE)
        return NULL;
    return rows_of(&place) + moments_bytes(place.class->slots) + place.slot;
}

/* Opens the door to where something is recorded of a block: in spans records are hot. */
static bool open_rows(const void *block)
{
    return door_open(is_in_ranges(block) ? POLICY_LOCK : POLICY_KEYS);
}

/* --- Families --------------------------------------------------------------------------------- */

void ward_rows_name_(void *block, unsigned family)
{
    bool opened = open_rows(block);
    uint8_t *at = family_of(block);
    struct place place;

    if (at)
        *at = (uint8_t)family;
    if (is_small(block, &place) && !LOAD(&place.span->named))
        STORE(&place.span->named, true);
    door_close(opened);
}

#define FREED(BY)                                                                                  \
    BY ", freed by free", BY ", freed by delete", BY ", freed by delete[]", BY, BY,                \
        BY ", freed by aligned delete", BY ", freed by aligned delete[]", BY

static const char *const messages[8][8] = {
    { FREED("allocated by malloc") },
    { FREED("allocated by new") },
    { FREED("allocated by new[]") },
    { FREED("allocated") },
    { FREED("allocated") },
    { FREED("allocated by aligned new") },
    { FREED("allocated by aligned new[]") },
    { FREED("allocated") },
};

static WARD_COLD void report(const void *block, unsigned was, unsigned family)
{
    static _Atomic unsigned said;
    struct place place;
    struct report_known known = { 0 };
    struct ward_bug bug = { .kind = WARD_BUG_MISMATCH,
                            .addr = block,
                            .block = block,
                            .size = ward_heap_size_(block),
                            .message = messages[was & 7][family & 7] };

    ward_report_know_(block, &known, &place);
    if (atomic_fetch_add(&said, 1) < SAID_MOST)
        ward_report_fault_(&bug, &known);
}

/* The slot is malloc's again, as the next block there says nothing if it is. */
void ward_rows_check_(const void *block, unsigned family)
{
    bool opened = block && open_rows(block);
    uint8_t *at = block ? family_of(block) : NULL;

    if (at && *at != family)
        report(block, *at, family);
    if (at && *at)
        *at = FAMILY_MALLOC;
    door_close(opened);
}

/* --- Moments ---------------------------------------------------------------------------------- */

static struct moments *moments_at(const void *block)
{
    struct place place;

    return is_small(block, &place) ? moments_of(&place) : NULL;
}

void ward_rows_issued_(const void *block)
{
    struct moments *at = moments_at(block);

    if (at)
        *at = (struct moments){ .issued = ward_moment_take_() };
}

void ward_rows_freed_(const void *block)
{
    struct moments *at = moments_at(block);
    struct place place;

    if (at && find(block, &place) && LOAD(&place.span->states[place.slot]) >= SLOT_LIVE)
        at->freed = ward_moment_take_();
}

struct moments ward_rows_moments_(const struct place *place)
{
    const struct moments *at = moments_of(place);

    return at && place->span->base ? *at : (struct moments){ { 0, 0, 0 }, { 0, 0, 0 } };
}
