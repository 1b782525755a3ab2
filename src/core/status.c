/* SPDX-License-Identifier: MIT */
#include <ward/status.h>

#include "bits.h"

enum {
    PIECE = 4096,
    STATE_FREE = 1,
    STATE_RETIRED = 4,
    STATE_SIZED = 5,
    STATE_RESIZED = 6,
    STATE_LIVE = 16,
    MOST = 1 << 20,
};

struct reader {
    ward_status_reader *read;
    void *arg;
    const struct ward_status *status;
    struct ward_status_totals *sum;
};

static uint32_t word32(const unsigned char *at)
{
    uint32_t word;

    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

static uint64_t word64(const unsigned char *at)
{
    uint64_t word;

    __builtin_memcpy(&word, at, sizeof word);
    return word;
}

/* --- Does it make sense? ---------------------------------------------------------------------- */

static bool is_within(uint32_t offset, uint32_t bytes)
{
    return bytes >= 8 && offset <= bytes - 8;
}

static bool class_ok(const struct ward_status *status, const struct ward_status_class *class)
{
    uint32_t head = class->record_bytes < PIECE ? class->record_bytes : PIECE;

    return class->spans <= MOST * 64 && class->record_bytes <= MOST && class->slots &&
           class->bytes && is_within(status->fresh, head) && is_within(status->size, head) &&
           is_within(status->kept, head) && class->states <= class->record_bytes &&
           class->slots <= (class->record_bytes - class->states) / 2;
}

static bool owners_ok(const struct ward_status *status)
{
    return status->owners_most <= MOST && status->hand_classes <= status->classes &&
           status->hand_bytes <= 64 && is_within(status->hand_next, status->hand_bytes) &&
           is_within(status->hand_bits, status->hand_bytes);
}

bool ward_status_ok(const struct ward_status *status)
{
    if (status->magic != WARD_STATUS_MAGIC || status->version != WARD_STATUS_VERSION ||
        status->bytes != sizeof *status || status->classes > WARD_STATUS_CLASSES)
        return false;
    for (uint32_t i = 0; i < status->classes; i++)
        if (!class_ok(status, &status->class_of[i]))
            return false;
    return owners_ok(status) && status->huge_count <= MOST && status->huge_bytes <= 256 &&
           is_within(status->huge_size, status->huge_bytes);
}

/* --- Spans ------------------------------------------------------------------------------------ */

static void count_state(struct ward_status_totals *sum, const struct ward_status_class *class,
                        uint32_t state, uint64_t size)
{
    if (state <= STATE_FREE) {
        sum->free_slots++;
    } else if (state < STATE_RETIRED) {
        sum->waiting++;
        sum->waiting_bytes += class->bytes;
    } else if (state == STATE_SIZED || state == STATE_RESIZED) {
        sum->blocks++;
        sum->bytes += size;
        sum->slot_bytes += size;
    } else if (state >= STATE_LIVE) {
        uint32_t behind = state - STATE_LIVE;

        sum->blocks++;
        sum->bytes += class->bytes - (behind < class->bytes ? behind : class->bytes);
        sum->slot_bytes += class->bytes;
    }
}

/* head: the first bytes of the record, up to PIECE of them. */
static int sum_span(const struct reader *r, const struct ward_status_class *class, uint64_t record,
                    const unsigned char *head)
{
    uint32_t fresh = word32(head + r->status->fresh);
    uint64_t size = word64(head + r->status->size);
    uint64_t at = record + class->states;
    uint16_t states[PIECE / 2];

    r->sum->kept_bytes += word64(head + r->status->kept);
    fresh = fresh < class->slots ? fresh : class->slots;
    for (uint32_t slot = 0; slot < fresh;) {
        uint32_t some = fresh - slot < PIECE / 2 ? fresh - slot : PIECE / 2;
        int error = r->read(r->arg, at + (uint64_t)2 * slot, states, (size_t)2 * some);

        if (error)
            return error;
        for (uint32_t i = 0; i < some; i++)
            count_state(r->sum, class, states[i], size);
        slot += some;
    }
    return 0;
}

static int sum_class(const struct reader *r, const struct ward_status_class *class)
{
    size_t head_bytes = class->record_bytes < PIECE ? class->record_bytes : PIECE;
    unsigned char head[PIECE];
    uint32_t made;
    int error = r->read(r->arg, class->made, &made, sizeof made);

    made = error ? 0 : made < class->spans ? made : class->spans;
    r->sum->counted |= class->spans != 0;
    r->sum->spans += made;
    head_bytes = head_bytes < class->states ? head_bytes : class->states;
    for (uint32_t i = 0; i < made && !error; i++) {
        uint64_t record = class->records + (uint64_t)i * class->record_bytes;

        error = r->read(r->arg, record, head, head_bytes);
        if (!error)
            error = sum_span(r, class, record, head);
    }
    return error;
}

/* --- Blocks in mappings of their own, and owners ---------------------------------------------- */

static int sum_huge(const struct reader *r)
{
    uint32_t bytes = r->status->huge_bytes, at_once = PIECE / bytes;
    unsigned char piece[PIECE];

    for (uint32_t i = 0; i < r->status->huge_count; i += at_once) {
        uint32_t left = r->status->huge_count - i, some = left < at_once ? left : at_once;
        int error =
            r->read(r->arg, r->status->huge + (uint64_t)i * bytes, piece, (size_t)some * bytes);

        if (error)
            return error;
        for (uint32_t j = 0; j < some; j++) {
            uint64_t at = word64(piece + (size_t)j * bytes);

            if (at && !(at & 1))
                count_state(r->sum, NULL, STATE_SIZED,
                            word64(piece + (size_t)j * bytes + r->status->huge_size));
        }
    }
    return 0;
}

/* What is in hand first: a thread that takes slots meanwhile makes the difference too large by
 * those, never negative. */
static int sum_owner(const struct reader *r, uint64_t owner)
{
    unsigned char taken[4], hand[64], held[8];
    int error = r->read(r->arg, owner + r->status->taken, taken, sizeof taken);

    r->sum->threads += !error && word32(taken);
    for (uint32_t i = 0; i < r->status->hand_classes && !error; i++) {
        uint64_t at = owner + r->status->hands + (uint64_t)i * r->status->hand_bytes;
        uint64_t issued;

        error = r->read(r->arg, at, hand, r->status->hand_bytes);
        if (!error)
            error = r->read(r->arg, owner + r->status->held + (uint64_t)8 * i, held, sizeof held);
        if (error)
            return error;
        issued = word64(held) - count_bits(word64(hand + r->status->hand_bits)) -
                 (word64(hand + r->status->hand_next) != 0);
        r->sum->allocations += issued;
        r->sum->allocated_bytes += issued * r->status->class_of[i].bytes;
    }
    return error;
}

static int sum_owners(const struct reader *r)
{
    uint32_t made;
    int error = r->read(r->arg, r->status->owners_made, &made, sizeof made);

    made = error ? 0 : made < r->status->owners_most ? made : r->status->owners_most;
    for (uint32_t i = 1; i < made && !error; i++)
        error = sum_owner(r, r->status->owners + (uint64_t)i * r->status->owner_bytes);
    return error;
}

/* --- All -------------------------------------------------------------------------------------- */

int ward_status_sum(const struct ward_status *status, ward_status_reader *read, void *arg,
                    struct ward_status_totals *sum)
{
    struct reader r = { read, arg, status, sum };
    int error = 0;

    *sum = (struct ward_status_totals){ 0 };
    if (!ward_status_ok(status))
        return -EINVAL;
    for (uint32_t i = 0; i < status->classes && !error; i++)
        error = sum_class(&r, &status->class_of[i]);
    if (!error)
        error = sum_huge(&r);
    if (!error)
        error = sum_owners(&r);
    if (error) {
        *sum = (struct ward_status_totals){ 0 };
        return error;
    }
    sum->allocations +=
        status->counters[WARD_STATUS_BIG_ALLOCS] + status->counters[WARD_STATUS_GUARDED];
    if (!sum->counted) {
        *sum = (struct ward_status_totals){ .allocations = sum->allocations,
                                            .allocated_bytes = sum->allocated_bytes,
                                            .threads = sum->threads };
        return 0;
    }
    sum->blocks += status->counters[WARD_STATUS_GUARDED_LIVE];
    sum->bytes += status->counters[WARD_STATUS_GUARDED_BYTES];
    sum->slot_bytes += status->counters[WARD_STATUS_GUARDED_BYTES];
    sum->frees = sum->allocations > sum->blocks ? sum->allocations - sum->blocks : 0;
    return 0;
}
