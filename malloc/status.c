/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "mapped.h"
#include "owner.h"
#include "pool.h"
#include "status.h"

_Static_assert(SLOT_NEW == 0 && SLOT_FREE == 1 && SLOT_WAITING == 2 && SLOT_PENDING == 3 &&
                   SLOT_RETIRED == 4 && SLOT_BIG == 5 && SLOT_RESIZED == 6 && SLOT_LIVE == 16,
               "the states are those that ward/status.h describes");
_Static_assert(CLASS_COUNT <= sizeof ward_status_.class_of / sizeof ward_status_.class_of[0],
               "all classes fit");
_Static_assert(offsetof(struct huge, at) == 0, "at is what ward/status.h looks at first");

struct ward_status ward_status_;

/* The note by which it is found. */
__asm__(".pushsection .note.ward, \"a\", %note\n"
        ".balign 4\n"
        ".long 5, 8, 1\n" /* bytes of the name, of what follows; WARD_STATUS_NOTE */
        ".asciz \"ward\"\n"
        ".balign 4\n"
        "1: .quad ward_status_ - 1b\n"
        ".popsection\n");

static void describe_class(struct ward_status_class *to, unsigned class)
{
    const struct class_info *info = &ward_root_.classes[class];

    to->records = (uintptr_t)info->records + (size_t)info->first * info->record_bytes;
    to->made = ward_pool_made_at_(class);
    /* Where all share a range, their numbers have gaps. */
    to->spans = ward_root_.shared.bytes ? 0 : info->spans - info->first;
    to->record_bytes =
        (uint32_t)(ward_root_.shared.bytes ? ward_root_.shared.record_bytes : info->record_bytes);
    to->states = offsetof(struct span, states);
    to->slots = info->slots;
    to->bytes = info->bytes;
}

static void describe_owners(struct ward_status *status)
{
    status->taken = offsetof(struct owner, taken);
    status->hands = offsetof(struct owner, hands);
    status->hand_bytes = sizeof(struct hand);
    status->hand_next = offsetof(struct hand, block);
    status->hand_bits = offsetof(struct hand, bits);
    status->held = offsetof(struct owner, held);
    status->owner_bytes = sizeof(struct owner);
    status->owners_most = ward_root_.owners_most;
    status->hand_classes = CLASS_SMALL;
    status->owners = (uintptr_t)ward_root_.owners;
    status->owners_made = ward_owner_next_at_();
}

void ward_status_start_(const struct options *options, size_t wanted)
{
    struct ward_status *status = &ward_status_;

    status->version = WARD_STATUS_VERSION;
    status->bytes = sizeof *status;
    strncpy(status->profile, options->profile, sizeof status->profile - 1);
    status->range_bytes =
        ward_root_.shared.bytes ? ward_root_.shared.bytes : (uint64_t)1 << ward_root_.range_log2;
    status->range_wanted = wanted;
    status->page_bytes = (uint32_t)ward_root_.page;
    status->policy = ward_root_.policy;
    status->locked = ward_root_.policy & POLICY_LOCK   ? WARD_STATUS_LOCKED_ALL
                     : ward_root_.policy & POLICY_KEYS ? WARD_STATUS_LOCKED_COLD
                                                       : WARD_STATUS_LOCKED_NONE;
    status->classes = CLASS_COUNT;
    status->fresh = offsetof(struct span, fresh);
    status->size = offsetof(struct span, size);
    status->kept = offsetof(struct span, kept);
    describe_owners(status);
    status->huge = (uintptr_t)ward_root_.huge;
    status->huge_count = ward_root_.huge_count;
    status->huge_bytes = sizeof(struct huge);
    status->huge_size = offsetof(struct huge, size);
    for (unsigned class = 0; class < CLASS_COUNT; class ++)
        describe_class(&status->class_of[class], class);
    atomic_signal_fence(memory_order_seq_cst);
    status->magic = WARD_STATUS_MAGIC;
    if (options->stats)
        ward_status_at_end_(options->stats);
}

void ward_status_use_(size_t bytes)
{
    uint64_t *peak = &ward_status_.counters[WARD_STATUS_PEAK];
    uint64_t used = bytes + __atomic_fetch_add(&ward_status_.counters[WARD_STATUS_USED], bytes,
                                               __ATOMIC_RELAXED);
    uint64_t most = __atomic_load_n(peak, __ATOMIC_RELAXED);

    while (used > most && !__atomic_compare_exchange_n(peak, &most, used, true, __ATOMIC_RELAXED,
                                                       __ATOMIC_RELAXED))
        ;
}
