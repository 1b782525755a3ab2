/* SPDX-License-Identifier: MIT */
/* What an address is to the malloc, where a fault struck. */
#include "fault.h"
#include "door.h"
#include "guarded.h"
#include "mapped.h"
#include "start.h"

static bool is_beyond(struct ward_bug *bug, const void *block, size_t size, const char *message)
{
    bug->kind = WARD_BUG_OUT_OF_BOUNDS;
    bug->block = block;
    bug->size = size;
    bug->message = message;
    return true;
}

/* What was asked for of a live block is not the malloc's to stop: somebody else did. */
static bool is_outside(struct ward_bug *bug, const void *block, size_t size, const char *message)
{
    if ((uintptr_t)bug->addr - (uintptr_t)block < size)
        return false;
    return is_beyond(bug, block, size, message);
}

static bool is_freed(struct ward_bug *bug, const void *block, size_t size)
{
    bug->kind = WARD_BUG_USE_AFTER_FREE;
    bug->block = block;
    bug->size = size;
    bug->message = "the block was freed, and cannot be touched any more";
    return true;
}

static bool is_nowhere(struct ward_bug *bug)
{
    return is_beyond(bug, NULL, 0, "the address is the malloc's, and no block was ever there");
}

/* --- Guarded slots ---------------------------------------------------------------------------- */

static bool explain_guarded(const unsigned char *addr, struct ward_bug *bug,
                            struct report_known *known)
{
    struct guarded_place place;
    const struct guarded *slot;

    if (!ward_guarded_find_(addr, &place))
        return is_nowhere(bug);
    slot = place.slot;
    known->issued = slot->issued;
    known->freed = slot->freed;
    if (atomic_load(&place.slot->state) != GUARDED_LIVE)
        return is_freed(bug, slot->block, slot->size);
    return is_outside(bug, slot->block, slot->size, "the guard of the block stopped the access");
}

/* --- Spans ------------------------------------------------------------------------------------ */

static bool explain_big(struct ward_bug *bug, const struct place *place)
{
    struct span *span = place->span;
    uint32_t state = LOAD(&span->states[0]);

    if (state != SLOT_BIG && state != SLOT_RESIZED)
        return span->fresh ? is_freed(bug, span->base, span->size) : is_nowhere(bug);
    return is_outside(bug, span->base, span->size, "the guard behind the block stopped the access");
}

/* Behind the last slot: the nearest block before it. */
static bool explain_behind(struct ward_bug *bug, struct place *place, struct report_known *known)
{
    const char *message = "the guard behind the blocks of this size stopped the access";
    uint32_t slot = place->class->slots, state;

    do
        state = LOAD(&place->span->states[--slot]);
    while (state < SLOT_LIVE && slot > 0);
    if (state < SLOT_LIVE)
        return is_beyond(bug, NULL, 0, message);
    place->slot = slot;
    known->place = place;
    return is_beyond(bug, place->span->base + (size_t)slot * place->class->bytes,
                     place->class->bytes - (state - SLOT_LIVE), message);
}

static bool explain_span(const unsigned char *addr, struct ward_bug *bug, struct place *place,
                         struct report_known *known)
{
    const unsigned char *base = place->span->base;
    size_t bytes = place->class->bytes, slot;

    if (!base)
        return is_nowhere(bug);
    if (place->class->slots == 1)
        return explain_big(bug, place);
    slot = (size_t)(addr - base) / bytes;
    if (slot >= place->class->slots)
        return explain_behind(bug, place, known);
    if (place->span->closed && slot >= place->span->fresh) {
        place->slot = (uint32_t)slot;
        known->place = place;
        return was_issued(place->span, place->slot) ? is_freed(bug, base + slot * bytes, 0)
                                                    : is_nowhere(bug);
    }
    return false; /* it can be touched: something else is wrong */
}

/* --- Mappings of their own -------------------------------------------------------------------- */

static bool explain_huge(const unsigned char *addr, struct ward_bug *bug)
{
    for (size_t i = 0; i < ward_root_.huge_count; i++) {
        struct huge *huge = &ward_root_.huge[i];
        uintptr_t at = atomic_load(&huge->at);
        const unsigned char *block;

        if (at <= HUGE_NEVER || (uintptr_t)addr - (uintptr_t)huge->origin >= huge->mapped)
            continue;
        block = huge->origin + ((at & ~(uintptr_t)HUGE_HELD) - (uintptr_t)huge->origin);
        if (at & HUGE_FREED)
            return is_freed(bug, block, huge->size);
        return is_outside(bug, block, huge->size, "the guard of the block stopped the access");
    }
    return false;
}

/* --- The malloc's own records ----------------------------------------------------------------- */

static bool explain_record(const void *addr, struct ward_bug *bug)
{
    const char *message = ward_door_names_(addr);

    return message && is_beyond(bug, NULL, 0, message);
}

/* In a reservation, or in the fences on both its sides. */
static bool is_about(const void *addr, const unsigned char *base, size_t bytes)
{
    return bytes && (uintptr_t)addr - (uintptr_t)base + RESERVE_ALIGN < bytes + 2 * RESERVE_ALIGN;
}

bool ward_fault_explain_(const void *addr, struct ward_bug *bug, struct report_known *known,
                         struct place *place)
{
    *bug = (struct ward_bug){ .addr = addr };
    *known = (struct report_known){ .place = NULL };
    if (!ward_root_.owners)
        return false;
    if (guarded_has(addr))
        return explain_guarded(addr, bug, known);
    if (find(addr, place))
        return explain_span(addr, bug, place, known);
    if (is_about(addr, ward_root_.base, ward_root_.bytes) ||
        is_about(addr, ward_root_.shared.base, ward_root_.shared.bytes) ||
        is_about(addr, ward_root_.guarded.base, ward_root_.guarded.bytes))
        return is_nowhere(bug);
    return explain_record(addr, bug) || explain_huge(addr, bug);
}
