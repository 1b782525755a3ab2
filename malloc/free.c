/* SPDX-License-Identifier: MIT */
#include "big.h"
#include "door.h"
#include "guarded.h"
#include "mapped.h"
#include "owner.h"
#include "quarantine.h"
#include "report.h"
#include "slow.h"

/* Who sits there leaves. */
static void vacate(struct owner *owner, struct seat *seat)
{
    struct span *span = seat->span;

    seat->span = NULL;
    if (span)
        span_leave(owner, span, seat->state);
}

void ward_span_twice_(struct span *span, const _Atomic uint16_t *state)
{
    struct place place = { &ward_root_.classes[span->class], span, 0 };

    place.slot = (uint32_t)(state - span->states);
    ward_report_(WARD_BUG_DOUBLE_FREE, block_at(&place), &place,
                 "the block was freed by two threads");
}

void ward_span_wait_(struct owner *owner, struct span *span, _Atomic uint16_t *state,
                     unsigned char *block)
{
    const struct class_info *info = &ward_root_.classes[span->class];

    if (ward_root_.policy & POLICY_ZERO)
        slot_clear_used(block, info->bytes, LOAD(state) - SLOT_LIVE);
    if (!(ward_root_.policy & POLICY_QUARANTINE)) {
        span_push(owner, span, state);
        return;
    }
    for (uint32_t more = info->seats - 1; more; more--)
        vacate(owner, &owner->seats[owner->seat++]);
    span_wait(owner, span, state);
}

/* The start of a slot that is not live. */
static void bad_free(unsigned char *block, const struct place *place, uint32_t state)
{
    if (!place->span->base)
        ward_report_(WARD_BUG_WILD_FREE, block, NULL, "no block was ever there");
    else if (!was_issued(place->span, place->slot))
        ward_report_(WARD_BUG_WILD_FREE, block, place, "this slot was never issued");
    else if (state < SLOT_BIG)
        ward_report_(WARD_BUG_DOUBLE_FREE, block, place, "the block is free already");
    else
        ward_report_(WARD_BUG_METADATA, block, place, "what is recorded of the block is no state");
}

static void wait_long(struct owner *owner, unsigned char *block, const struct place *place)
{
    slot_clear_used(block, place->class->bytes, LOAD(state_at(place)) - SLOT_LIVE);
    STORE(state_at(place), SLOT_WAITING);
    ward_quarantine_take_(owner, block, place->class->bytes);
}

static void free_slot(struct owner *owner, unsigned char *block, const struct place *place)
{
    uint32_t state = LOAD(state_at(place)), slack = state - SLOT_LIVE;

    if (state < SLOT_LIVE) {
        bad_free(block, place, state);
    } else if (ward_root_.policy & POLICY_SLACK &&
               !slack_is(block, place->class->bytes - slack, slack)) {
        ward_report_overflow_(block, place->class->bytes - slack, slack);
        retire(place);
    } else if (ward_root_.policy & POLICY_LONG && owner->number != UINT32_MAX) {
        wait_long(owner, block, place);
    } else if (LOAD(&place->span->owner) == owner->number) {
        ward_span_wait_(owner, place->span, state_at(place), block);
    } else {
        ward_remote_free_(block, place, state);
    }
}

static void free_any(void *block)
{
    struct owner *owner = ward_owner_here_();
    struct place place;

    if (guarded_has(block))
        ward_guarded_free_(block);
    else if (!owner || !find(block, &place))
        ward_mapped_free_(block);
    else if (place.slot == NO_SLOT)
        ward_report_interior_(block, &place);
    else if (place.class->slots == 1)
        ward_big_free_(&place);
    else
        free_slot(owner, block, &place);
}

/* What is freed before there was a block comes from where the door is closed. */
static WARD_COLD void free_first(void *block)
{
    bool opened = ward_owner_enter_first_();

    free_any(block);
    door_close(opened);
}

void ward_span_free_slow_(void *block)
{
    if (!block)
        return;
    if (WARD_LIKELY(ward_root_.owners != NULL))
        free_any(block);
    else
        free_first(block);
}

void ward_span_vacate_(struct owner *owner)
{
    for (unsigned i = 0; i < QUARANTINE_SEATS; i++)
        vacate(owner, &owner->seats[i]);
}
