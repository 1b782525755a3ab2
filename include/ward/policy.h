/* SPDX-License-Identifier: MIT */
/*
 * ward/policy.h: what an allocator does beyond its always-on checks. One bit, one defence.
 *
 * Always on, whatever the policy, in every build: second free, foreign, interior and misaligned
 * pointers, wrong sizes, damaged metadata. The bits add to that. The order is fixed:
 *
 *   allocate: pick slot -> verify it was not written -> arm canary -> account
 *   free:     locate -> live? -> size agrees? -> canary intact? -> poison or zero -> quarantine
 *
 * Each bit says what it stops, what it needs, what it costs (a pair of alloc and free of 64 bytes,
 * hot) and which program in tests/attack defeats an allocator without it. `./bench walls` prints
 * the costs on your machine.
 */
#ifndef WARD_POLICY_H
#define WARD_POLICY_H

#include <ward/base.h>

enum ward_policy {
    /* Issues a random one of up to 256 free slots. Stops: predicting which block comes next, or
     * next to which. Needs: host randomness. Costs: 1 ns. Attack: predict_slot.c */
    WARD_RANDOM_SLOT = 1,

    /* Clears a block when it is freed and checks that it still is zero when its slot is issued
     * again. Stops: reading freed secrets, uninitialised reads, writing after free (any byte but
     * 0). Costs: the time to write and to read the slot once. Attack: read_freed.c,
     * write_after_free.c */
    WARD_ZERO = 2,

    /* Fills a freed block with WARD_POISON_BYTE and checks it when its slot is issued again; also
     * finds zeroes written after free, and makes pointers read after free invalid. A block is
     * issued with poison in it (zero the first time). Excludes WARD_ZERO. Costs: as WARD_ZERO.
     * Attack: write_zero_after_free.c */
    WARD_POISON = 4,

    /* At least 8 secret bytes behind each block, bound to its slot, and every further byte up to
     * the end of the slot; checked at free. The first is never 0. Stops: overflow of a block, exact
     * to the byte. Needs: the slot is 8 bytes larger. Costs: 2 ns. Attack: overflow_one_byte.c,
     * overflow_nul.c */
    WARD_CANARY = 8,

    /* Freed slots wait, first in a random order and then in a queue, before they are issued again,
     * up to ward_slab_spec.quarantine_bytes. Stops: reuse of a block while stale pointers to it are
     * about; makes the second free certain for longer. Costs: 3 ns, and cold memory.
     * Attack: double_free_after_reuse.c */
    WARD_QUARANTINE = 16,

    /* Counts how often a slot was issued, so that a ward_handle tells a block from its successors.
     * Stops: stale references, for programs that keep handles. Needs: 8 bytes of metadata per slot.
     * Costs: 1 ns. Attack: stale_handle.c */
    WARD_GENERATION = 32,

    /* An inaccessible page behind every ward_slab_spec.guard_every slots; these end at it. Stops:
     * linear overflow into the next span. Needs: address space; no mappings where the system has
     * guard markers. Costs: 1 ns. Attack: overflow_span.c */
    WARD_SPAN_GUARD = 64,

    /* The metadata is inaccessible but during an operation (protection keys). Stops: every stray
     * write to the metadata. Best effort: where there is no key, ward_slab_info says so. Costs:
     * some 50 ns. Attack: stray_write.c */
    WARD_LOCK_META = 128,

    /* With WARD_LOCK_META: no key is a failure (-ENOTSUP, -ENOSPC) instead. */
    WARD_LOCK_REQUIRE = 256,

    /* Counts calls, bytes and the peak (see ward_slab_info). Costs: 1 ns. */
    WARD_STATISTICS = 512,

    WARD_PLAIN = 0,
    WARD_HARDENED = WARD_RANDOM_SLOT | WARD_ZERO | WARD_CANARY | WARD_QUARANTINE,
    WARD_PARANOID = WARD_RANDOM_SLOT | WARD_POISON | WARD_CANARY | WARD_QUARANTINE |
                    WARD_GENERATION | WARD_SPAN_GUARD | WARD_LOCK_META,
    WARD_POLICY_ALL_ = 1023
};

/* What a freed byte is filled with by WARD_POISON: eight of them are no valid address. */
#define WARD_POISON_BYTE 0xd5

/* A constant expression: does this combination make sense? */
#define WARD_POLICY_OK(P)                                                                          \
    (((P) & ~(unsigned)WARD_POLICY_ALL_) == 0 &&                                                   \
     ((P) & (WARD_ZERO | WARD_POISON)) != (WARD_ZERO | WARD_POISON) &&                             \
     ((P) & (WARD_LOCK_META | WARD_LOCK_REQUIRE)) != WARD_LOCK_REQUIRE)

#endif
