/* SPDX-License-Identifier: MIT */
#include <ward/bug.h>

#include "guarded_check.h"
#include "report.h"

/* --- What stands around a block --------------------------------------------------------------- */

/* None if the block has no pages. */
static struct guarded_pages slack_of(const struct guarded *slot)
{
    struct guarded_pages pages = guarded_pages(slot);
    unsigned char *end = slot->block + slot->size;

    return (struct guarded_pages){ end, pages.len ? (size_t)(pages.at + pages.len - end) : 0 };
}

void ward_guarded_arm_(const struct guarded *slot)
{
    struct guarded_pages slack = slack_of(slot);
    uint64_t word = slack_word(slot->block);

    for (size_t i = 0; i < slack.len; i++)
        slack.at[i] = (unsigned char)ward_canary_from_(word, i);
}

/* NULL: none of them. */
static const unsigned char *damaged_behind(const struct guarded *slot)
{
    struct guarded_pages slack = slack_of(slot);
    uint64_t word = slack_word(slot->block);

    for (size_t i = 0; i < slack.len; i++)
        if (slack.at[i] != (unsigned char)ward_canary_from_(word, i))
            return slack.at + i;
    return NULL;
}

/* The last one that is not zero. */
static const unsigned char *damaged_before(const struct guarded *slot)
{
    const unsigned char *from = guarded_pages(slot).at, *at = slot->block;

    while (at > from && (uintptr_t)at % 8)
        if (*--at)
            return at;
    while (at > from && ward_load64_(at - 8) == 0)
        at -= 8;
    if (at == from)
        return NULL;
    do
        at--;
    while (*at == 0);
    return at;
}

/* --- Reports ---------------------------------------------------------------------------------- */

static void raise(enum ward_bug_kind kind, const void *addr, const struct guarded *slot,
                  const char *message, struct report_known *known)
{
    struct ward_bug bug = {
        .kind = kind,
        .addr = addr,
        .block = slot ? slot->block : NULL,
        .size = slot ? slot->size : 0,
        .message = message,
    };

    if (slot)
        known->issued = slot->issued;
    ward_report_bug_(&bug, known);
}

/* These are found while the block is freed. */
static WARD_COLD void report_overflow(const unsigned char *at, const struct guarded *slot)
{
    struct guarded_pages slack = slack_of(slot);
    uint64_t word = slack_word(slot->block);
    unsigned char was[REPORT_DAMAGE_MAX];
    struct report_known known = { .damaged = slack.at, .damaged_count = slack.len, .was = was };

    for (size_t i = 0; i < sizeof was; i++)
        was[i] = (unsigned char)ward_canary_from_(word, i);
    raise(WARD_BUG_OVERFLOW, at, slot, "the canary behind the block is broken", &known);
}

static WARD_COLD void report_underflow(const unsigned char *at, const struct guarded *slot)
{
    size_t before = (size_t)(at - guarded_pages(slot).at), shown = before < 15 ? before + 1 : 16;
    struct report_known known = { .damaged = at + 1 - shown, .damaged_count = shown };

    raise(WARD_BUG_UNDERFLOW, at, slot, "bytes before the block were written", &known);
}

bool ward_guarded_is_damaged_(const struct guarded *slot)
{
    const unsigned char *at = damaged_behind(slot);

    if (at) {
        report_overflow(at, slot);
        return true;
    }
    at = slot->size ? damaged_before(slot) : NULL;
    if (at)
        report_underflow(at, slot);
    return at != NULL;
}

/* --- A free that is none ---------------------------------------------------------------------- */

static WARD_COLD void report(enum ward_bug_kind kind, const void *addr, const struct guarded *slot,
                             const char *message)
{
    struct report_known known = { .place = NULL };

    if (slot)
        known.freed = slot->freed;
    raise(kind, addr, slot, message, &known);
}

static bool is_inside(const unsigned char *addr, const struct guarded *slot)
{
    struct guarded_pages pages = guarded_pages(slot);

    return addr >= pages.at && addr < pages.at + pages.len;
}

void ward_guarded_bad_free_(const void *addr, const struct guarded *slot)
{
    if (slot && addr == slot->block)
        report(WARD_BUG_DOUBLE_FREE, addr, slot, "the block is free already");
    else if (slot && is_inside(addr, slot))
        report(WARD_BUG_INTERIOR_FREE, addr, slot, "the address is not the start of a block");
    else
        report(WARD_BUG_WILD_FREE, addr, NULL, "no block was ever there");
}
