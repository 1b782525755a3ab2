/* SPDX-License-Identifier: MIT */
#include "report.h"
#include "status.h"

static void raise(const struct ward_bug *bug)
{
    status_add(WARD_STATUS_BUGS, 1);
    ward_bug_raise(bug);
}

void ward_report_(enum ward_bug_kind kind, const void *addr, const struct place *place,
                  const char *message)
{
    struct ward_bug bug = { .kind = kind, .addr = addr, .message = message };

    if (place && place->slot != NO_SLOT) {
        uint32_t state = LOAD(&span_states(place->span, place->class)[place->slot]);

        bug.block = place->span->base + (size_t)place->slot * place->class->bytes;
        bug.size = state >= SLOT_LIVE ? place->class->bytes - (state - SLOT_LIVE) : 0;
    }
    raise(&bug);
}

void ward_report_interior_(const unsigned char *addr, const struct place *place)
{
    struct place inside = *place;

    if (!place->span->base) { /* no span was made there yet */
        ward_report_(WARD_BUG_WILD_FREE, addr, NULL, "no block was ever there");
        return;
    }
    inside.slot = (uint32_t)((size_t)(addr - place->span->base) / place->class->bytes);
    if (inside.slot >= place->class->slots || inside.slot >= place->span->fresh)
        ward_report_(WARD_BUG_WILD_FREE, addr, NULL, "no block was ever there");
    else
        ward_report_(WARD_BUG_INTERIOR_FREE, addr, &inside,
                     "the address is not the start of a block");
}

void ward_report_overflow_(const unsigned char *block, size_t size, size_t slack)
{
    struct ward_bug bug = { .kind = WARD_BUG_OVERFLOW,
                            .block = block,
                            .size = size,
                            .message = "the canary behind the block is broken" };
    uint64_t word = slack_word(block);
    size_t i = 0;

    while (i < slack && i < 8 && block[size + i] == (unsigned char)ward_canary_from_(word, i))
        i++;
    bug.addr = block + size + i;
    raise(&bug);
}

void ward_report_size_(const void *block, size_t size)
{
    raise(&(struct ward_bug){
        .kind = WARD_BUG_WRONG_SIZE,
        .addr = block,
        .block = block,
        .size = size,
        .message = "the size at free is not the size that was requested",
    });
}
