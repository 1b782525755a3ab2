/* SPDX-License-Identifier: MIT */
#include <sched.h>

#include <ward/host.h>

#include "core/bug.h"
#include "door.h"
#include "finding.h"
#include "guarded.h"
#include "host/signals.h"
#include "moment.h"
#include "report.h"
#include "status.h"

enum { REPORT_CAP = 32 << 10, SHORT_CAP = 1024 };

/* Too large for a stack that may be small. */
static struct {
    _Atomic uint32_t taken; /* by this thread; 0: by none */
    struct finding finding;
    char text[REPORT_CAP];
} room;

/* --- Saying it -------------------------------------------------------------------------------- */

static void say_in_short(const struct output *output, const struct ward_bug *bug)
{
    char text[SHORT_CAP];

    (void)ward_output_write_(output, text, ward_bug_print(bug, text, sizeof text));
}

static void say(const struct output *output, const struct ward_bug *bug,
                const struct report_known *known)
{
    struct text text = { .at = room.text, .cap = sizeof room.text };

    ward_finding_collect_(&room.finding, bug, known, output);
    if (output->form == OUTPUT_JSON)
        ward_finding_print_json_(&room.finding, &text);
    else
        ward_finding_print_(&room.finding, ward_output_is_terminal_(output), &text);
    (void)ward_output_write_(output, text.at, text.len);
}

enum { WAIT_NS = 1000000000 };

/* Another thread's report ends the process mostly, and is to be whole before. False: it takes too
 * long, or this is a bug that was met in a report. */
static bool take_room(void)
{
    uint64_t started = ward_moment_clock_();
    uint32_t self = ward_output_ids_().thread, by = 0;

    while (!atomic_compare_exchange_strong(&room.taken, &by, self)) {
        if (by == self || ward_moment_clock_() - started > WAIT_NS)
            return false;
        by = 0;
        (void)sched_yield();
    }
    return true;
}

static void report(const struct ward_bug *bug, const struct report_known *known, bool is_last)
{
    const struct output *output = &ward_root_.output;
    bool opened;

    status_add(WARD_STATUS_BUGS, 1);
    if (!take_room()) {
        say_in_short(output, bug);
        return;
    }
    opened = door_open(POLICY_KEYS);
    say(output, bug, known);
    door_close(opened);
    if (!is_last)
        atomic_store(&room.taken, 0);
}

void ward_report_fault_(const struct ward_bug *bug, const struct report_known *known)
{
    report(bug, known, false);
}

/* The program's handler, which may jump away, finds the records closed. */
static bool is_contained(const struct ward_bug *bug)
{
    bool shut = door_shut(), contained = ward_bug_is_contained_(bug);

    door_reopen(shut);
    return contained;
}

void ward_report_bug_(const struct ward_bug *bug, const struct report_known *known)
{
    if (is_contained(bug)) {
        status_add(WARD_STATUS_BUGS, 1);
        return;
    }
    (void)ward_signals_block_(); /* no handler jumps away from here */
    report(bug, known ? known : &(struct report_known){ 0 }, true);
    ward_host_die("", 0);
}

/* --- What is found in spans ------------------------------------------------------------------- */

/* The requested size of the block there, if one is live. */
static size_t size_in(const struct place *place)
{
    uint32_t state = LOAD(&place->span->states[place->slot]);

    if (state == SLOT_BIG)
        return place->span->size;
    return state >= SLOT_LIVE ? place->class->bytes - (state - SLOT_LIVE) : 0;
}

void ward_report_(enum ward_bug_kind kind, const void *addr, const struct place *place,
                  const char *message)
{
    struct ward_bug bug = { .kind = kind, .addr = addr, .message = message };
    struct report_known known = { .place = place };

    if (place && place->slot != NO_SLOT) {
        bug.block = place->span->base + (size_t)place->slot * place->class->bytes;
        bug.size = size_in(place);
    }
    ward_report_bug_(&bug, &known);
}

void ward_report_interior_(const unsigned char *addr, const struct place *place)
{
    struct place inside = *place;

    if (!place->span->base) { /* no span was made there yet */
        ward_report_(WARD_BUG_WILD_FREE, addr, NULL, "no block was ever there");
        return;
    }
    inside.slot = (uint32_t)((size_t)(addr - place->span->base) / place->class->bytes);
    if (place->class->slots == 1) /* a big block may be longer than its class */
        inside.slot = addr < place->span->base + place->span->size ? 0 : NO_SLOT;
    if (inside.slot >= place->class->slots || !was_issued(place->span, inside.slot))
        ward_report_(WARD_BUG_WILD_FREE, addr, NULL, "no block was ever there");
    else
        ward_report_(WARD_BUG_INTERIOR_FREE, addr, &inside,
                     "the address is not the start of a block");
}

void ward_report_overflow_(const unsigned char *block, size_t size, size_t slack)
{
    uint64_t word = slack_word(block);
    unsigned char was[8];
    struct ward_bug bug = { .kind = WARD_BUG_OVERFLOW,
                            .block = block,
                            .size = size,
                            .message = "the canary behind the block is broken" };
    struct report_known known = { .damaged = block + size,
                                  .damaged_count = slack < sizeof was ? slack : sizeof was,
                                  .was = was };
    struct place place;
    size_t i = 0;

    for (size_t at = 0; at < sizeof was; at++)
        was[at] = (unsigned char)ward_canary_from_(word, at);
    while (i < known.damaged_count && block[size + i] == was[i])
        i++;
    bug.addr = block + size + i;
    if (find(block, &place) && place.class->slots > 1)
        known.place = &place;
    ward_report_bug_(&bug, &known);
}

void ward_report_written_(const unsigned char *block, const struct place *place)
{
    struct ward_bug bug = { .kind = WARD_BUG_WRITE_AFTER_FREE,
                            .addr = block,
                            .block = block,
                            .message = "a free block was written to" };
    struct report_known known = { .place = place };
    size_t bytes = place->class->slots > 1 ? place->class->bytes : place->span->kept, i = 0;

    while (i < bytes && block[i] == 0)
        i++;
    if (i < bytes) {
        bug.addr = block + i;
        known.damaged = block + i;
        known.damaged_count = bytes - i;
    }
    ward_report_bug_(&bug, &known);
}

void ward_report_know_(const void *block, struct report_known *known, struct place *place)
{
    bool opened = door_open(POLICY_KEYS);
    struct guarded_place guarded;

    if (guarded_has(block) && ward_guarded_find_(block, &guarded))
        known->issued = guarded.slot->issued;
    else if (find(block, place) && place->slot != NO_SLOT && place->class->slots > 1)
        known->place = place;
    door_close(opened);
}

void ward_report_size_(const void *block, size_t size, struct report_given given)
{
    struct ward_bug bug = { .kind = WARD_BUG_WRONG_SIZE,
                            .addr = block,
                            .block = block,
                            .size = size,
                            .message =
                                size == given.size
                                    ? "the block is not aligned as its free says"
                                    : "the size at free is not the size that was requested" };
    struct report_known known = { .given = given };
    struct place place;

    ward_report_know_(block, &known, &place);
    ward_report_bug_(&bug, &known);
}
