/* SPDX-License-Identifier: MIT */
/*
 * What the tests of the slab share: making slabs, containing bugs, and holding every slab to its
 * equation.
 */
#ifndef WARD_TESTS_UNIT_SLABS_H
#define WARD_TESTS_UNIT_SLABS_H

#include "backing.h"

#include <ward/bug.h>
#include <ward/slab.h>

#include "alloc/slab.h"

/* Every bit alone (those that need another with it), and the presets. */
static const unsigned all_policies[] = {
    WARD_PLAIN,
    WARD_RANDOM_SLOT,
    WARD_ZERO,
    WARD_POISON,
    WARD_CANARY,
    WARD_QUARANTINE,
    WARD_GENERATION,
    WARD_SPAN_GUARD,
    WARD_LOCK_META,
    WARD_STATISTICS,
    WARD_HARDENED,
    WARD_PARANOID,
    WARD_HARDENED | WARD_GENERATION | WARD_STATISTICS,
};

enum { POLICIES = sizeof all_policies / sizeof all_policies[0] };

static inline struct ward_slab_spec spec_of(size_t size, size_t align, unsigned policy)
{
    struct ward_slab_spec spec = { { size, align }, policy, 0, 0 };

    return spec;
}

/* A slab over a map of its own. */
static inline void make(struct ward_slab *slab, size_t size, unsigned policy, uint32_t capacity)
{
    const struct ward_slab_spec spec = spec_of(size, 8, policy);

    dirty(*slab);
    assert_int_equal(ward_slab_map(slab, &spec, capacity), 0);
}

static inline struct ward_slab_info info_of(const struct ward_slab *slab)
{
    struct ward_slab_info info;

    dirty(info);
    ward_slab_info_get(slab, &info);
    return info;
}

/* --- the equation ----------------------------------------------------------------------------- */

struct live_count {
    uint32_t blocks;
    uint64_t bytes;
    const unsigned char *last;
    bool ordered;
};

static inline bool count_live(void *block, size_t size, void *arg)
{
    struct live_count *count = (struct live_count *)arg;

    count->blocks++;
    count->bytes += size;
    count->ordered = count->ordered && (unsigned char *)block > count->last;
    count->last = (unsigned char *)block;
    return true;
}

/* verify recounts free, quarantined and retired from the metadata; the live are counted here. */
static inline bool is_whole(struct ward_slab *slab)
{
    struct ward_slab_info info = info_of(slab);
    struct live_count count = { 0, 0, NULL, true };

    ward_slab_each(slab, count_live, &count);
    return ward_slab_verify(slab) && count.blocks == info.live && count.ordered &&
           (uint64_t)info.free + info.live + info.quarantined + info.retired == info.capacity &&
           (info.live_bytes == 0 || info.live_bytes == count.bytes);
}

/* --- places ----------------------------------------------------------------------------------- */

struct ends {
    unsigned char *first, *last;
};

static inline bool note_ends(void *block, size_t size, void *arg)
{
    struct ends *ends = (struct ends *)arg;

    (void)size;
    ends->first = ends->first ? ends->first : (unsigned char *)block;
    ends->last = (unsigned char *)block;
    return true;
}

/* Takes every slot. Where the first and the last live block begin. */
static inline struct ends ends_of(struct ward_slab *slab, size_t size)
{
    struct ends ends = { NULL, NULL };

    while (ward_slab_alloc(slab, size))
        continue;
    ward_slab_each(slab, note_ends, &ends);
    return ends;
}

/* --- bugs ------------------------------------------------------------------------------------- */

enum { BUGS_KEPT = 16 };

static struct {
    unsigned count;
    struct ward_bug bug[BUGS_KEPT];
} seen;

static inline enum ward_verdict keep_bug(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    if (seen.count < BUGS_KEPT)
        seen.bug[seen.count] = *bug;
    seen.count++;
    return WARD_CONTAIN;
}

/* From here on bugs are contained and kept. */
static inline void contain_bugs(void)
{
    memset(&seen, 0, sizeof seen);
    ward_bug_handle(keep_bug, NULL);
}

/* Exactly one bug of this kind since the last question. */
static inline struct ward_bug one_bug(enum ward_bug_kind kind)
{
    struct ward_bug bug = seen.bug[0];

    assert_int_equal(seen.count, 1);
    assert_string_equal(ward_bug_code(bug.kind), ward_bug_code(kind));
    memset(&seen, 0, sizeof seen);
    return bug;
}

static inline void no_bug(void)
{
    if (seen.count)
        fail_msg("%s: %s", ward_bug_code(seen.bug[0].kind), seen.bug[0].message);
}

/* cmocka's teardown: the next test starts without handler. */
static inline int forget_bugs(void **state)
{
    (void)state;
    ward_bug_handle(NULL, NULL);
    memset(&seen, 0, sizeof seen);
    return 0;
}

#define slab_test(NAME) cmocka_unit_test_teardown(NAME, forget_bugs)

#endif
