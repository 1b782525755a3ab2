/* SPDX-License-Identifier: MIT */
#include "alloc/slab.h"

#include <ward/host.h>

/* --- reports ---------------------------------------------------------------------------------- */

bool ward_slab_is_here_(const struct ward_slab_geometry_ *g)
{
    return !(g->mode & WARD_SLAB_FORK) || ward_host_fork_epoch() == g->epoch;
}

bool ward_slab_survived_(const struct ward_slab *slab)
{
    struct ward_bug bug = { WARD_BUG_FORKED,
                            slab,
                            NULL,
                            0,
                            slab->geometry->data,
                            "this slab's memory did not survive fork: initialise it again" };

    if (ward_slab_is_here_(slab->geometry))
        return true;
    ward_bug_raise(&bug);
    return false;
}

/* Four chains, since one would wait for its multiplications. Each step is one-to-one in the word,
 * so that a single wrong word always changes the sum. */
uint64_t ward_slab_sum_(const struct ward_slab_geometry_ *g)
{
    const unsigned char *at = (const unsigned char *)g;
    uint64_t chain[4] = { (uintptr_t)g, 1, 2, 3 };
    size_t words = offsetof(struct ward_slab_geometry_, check) / 8;

    for (size_t i = 0; i < words; i++) {
        uint64_t step = (chain[i & 3] ^ ward_load64_(at + 8 * i)) * UINT64_C(0x9e3779b97f4a7c15);

        chain[i & 3] = step >> 29 | step << 35;
    }
    return (chain[0] ^ chain[1]) + (chain[2] ^ chain[3]);
}

/* Nothing the geometry says is used for the report, nor the counter it leads to. */
bool ward_slab_sound_(const struct ward_slab_geometry_ *g)
{
    struct ward_bug bug = {
        WARD_BUG_METADATA, g, NULL, 0, NULL, "the geometry of a slab is not what its init wrote"
    };
    uint32_t before = 0;
    int key;

    if (WARD_LIKELY(ward_slab_sum_(g) == g->check))
        return true;
    key = ward_host_key();
    if (key >= 0)
        before = ward_key_close_(key);
    ward_bug_raise(&bug);
    if (key >= 0)
        ward_key_restore_(before);
    return false;
}

/* Counts and reports with the metadata closed: neither printing nor a handler may depend on its
 * being open, and a handler that jumps away must not leave it so. */
static void report(const struct ward_slab_geometry_ *g, enum ward_bug_kind kind, const void *addr,
                   const void *block, size_t size, const char *message)
{
    struct ward_bug bug = { kind, addr, block, size, g->data, message };
    uint32_t before = 0;

    g->state->bugs++;
    if (g->mode & WARD_SLAB_LOCKED)
        before = ward_key_close_(g->key);
    ward_bug_raise(&bug);
    ward_slab_leave_(g, before);
}

static void retire(const struct ward_slab_geometry_ *g, uint32_t index)
{
    g->rows[index].word = WARD_SLOT_RETIRED;
    g->state->retired++;
}

static void scrub(const struct ward_slab_geometry_ *g, uint32_t index, size_t size)
{
    ward_slab_scrub_(g, &g->spec, ward_slab_slot_(g, index), size);
}

/* --- the front pattern ------------------------------------------------------------------------ */

/* It is the canary of a slot that cannot be. Byte i of the word stands i + 1 before the slot when
 * the pattern is shorter than the word. */
static uint64_t front_word(const struct ward_slab_geometry_ *g)
{
    return ward_canary_word_(g->canary, UINT64_C(1) << 32);
}

void ward_slab_front_arm_(const struct ward_slab_geometry_ *g, unsigned char *first)
{
    uint64_t word = front_word(g);

    if (g->front >= 8)
        ward_canary_arm_(first - g->front, g->front, word);
    for (size_t i = 0; i < g->front && g->front < 8; i++)
        first[-1 - (ptrdiff_t)i] = (unsigned char)(word >> 8 * i);
}

bool ward_slab_front_is_(const struct ward_slab_geometry_ *g, const unsigned char *first)
{
    uint64_t word = front_word(g);
    bool same = true;

    if (g->front >= 8)
        return ward_canary_is_(first - g->front, g->front, word);
    for (size_t i = 0; i < g->front; i++)
        same = same && first[-1 - (ptrdiff_t)i] == (unsigned char)(word >> 8 * i);
    return same;
}

/* --- making slots ready ----------------------------------------------------------------------- */

/* Bytes of the region up to the end of slot `index`. */
static size_t end_of(const struct ward_slab_geometry_ *g, uint32_t index)
{
    return (size_t)(ward_slab_slot_(g, index) + g->stride - g->data->base);
}

/* Commits the data up to `end`, and further ahead the more there is, so that calls stay few. */
static int commit_to(struct ward_region *data, size_t end)
{
    size_t have = ward_region_committed(data), ahead = have, want = 0;

    if (end <= have)
        return 0;
    if (ahead > (size_t)32 << 20)
        ahead = (size_t)32 << 20;
    if (!ward_round_up(end, data->grain, &end) || end > data->size)
        end = data->size;
    if (ward_add(end, ward_round_down(ahead, data->grain), &want) && want < data->size &&
        ward_region_commit(data, 0, want) == 0)
        return 0;
    return ward_region_commit(data, 0, end);
}

/* How many spans have their guard. Where the count and its complement disagree none is taken to
 * have: guarding again does no harm, leaving a guard out would. */
static uint32_t guarded(const struct ward_slab_state_ *st)
{
    return st->spans_guarded == ~st->spans_guarded_not ? st->spans_guarded : 0;
}

/* Prepares a span: its front pattern, and the guard behind it. A guard the system refuses is
 * counted, not fatal. */
static int open_span(const struct ward_slab_geometry_ *g, uint32_t span)
{
    unsigned char *first = ward_slab_slot_(g, span * g->per_span);
    size_t end = end_of(g, span * g->per_span + g->per_span - 1), next = end;
    int err;

    if (span + 1 < g->spans)
        next = ward_round_down(
            (size_t)(ward_slab_slot_(g, (span + 1) * g->per_span) - g->data->base), g->data->grain);
    err = commit_to(g->data, next);
    if (err)
        return err;
    ward_slab_front_arm_(g, first);
    if (next == end || span < guarded(g->state))
        return 0;
    g->state->spans_guarded = span + 1;
    g->state->spans_guarded_not = ~g->state->spans_guarded;
    if (ward_region_protect(g->data, end, next - end, WARD_GUARD))
        g->state->guards_missing++;
    return 0;
}

/* What a slot needs before it is issued for the first time. It is done anew without harm. */
static int make_ready(const struct ward_slab_geometry_ *g, uint32_t index)
{
    bool spans = (g->spec.policy & WARD_SPAN_GUARD) != 0;
    int err = spans && index % g->per_span == 0 ? open_span(g, index / g->per_span)
                                                : commit_to(g->data, end_of(g, index));

    if (!err && index == 0 && !spans)
        ward_slab_front_arm_(g, g->base);
    return err;
}

/* --- repair ----------------------------------------------------------------------------------- */

static void forget_waiting(const struct ward_slab_geometry_ *g)
{
    uint32_t slots = g->waiting_random + g->waiting_fifo;

    if (slots)
        __builtin_memset(g->waiting, 0, slots * sizeof *g->waiting);
    g->state->next_fifo = 0;
    g->state->quarantined = 0;
}

/* What a slot's word becomes in a repair: what waited is free, what makes no sense is retired. */
static uint32_t repaired(const struct ward_slab_geometry_ *g, uint32_t word)
{
    if (word == WARD_SLOT_QUARANTINED)
        return g->spec.policy & WARD_POISON ? WARD_SLOT_POISONED : WARD_SLOT_FREE;
    if (ward_slab_word_is_free_(g, word) || ward_slab_word_is_live_(g, word))
        return word;
    return WARD_SLOT_RETIRED;
}

static bool is_new(const struct ward_slab_geometry_ *g, uint32_t index)
{
    return g->rows[index].word == WARD_SLOT_NEW;
}

/* Nobody can tell whether this slot was ever issued. What cannot be made ready was not; else it
 * must be taken for one that was, and is lost. */
static void lose(const struct ward_slab_geometry_ *g, uint32_t index)
{
    g->rows[index].word = make_ready(g, index) ? WARD_SLOT_NEW : WARD_SLOT_RETIRED;
}

/* The slots on either side of `fresh`: if one alone disagrees with it, its word may be damaged, or
 * the count be off by one. (Where more disagree, it is the count.) */
static void lose_straggler(const struct ward_slab_geometry_ *g)
{
    uint32_t at = g->state->fresh;

    if (at > g->capacity)
        return;
    if (at > 0 && is_new(g, at - 1) && (at == 1 || !is_new(g, at - 2)))
        lose(g, at - 1);
    if (at < g->capacity && !is_new(g, at) && (at + 1 == g->capacity || is_new(g, at + 1)))
        lose(g, at);
}

/* Makes stack, quarantine and counts anew from the words of the slots, which are the truth. Costs a
 * look at every slot, and runs only after damage. */
static void repair(const struct ward_slab_geometry_ *g)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t fresh = g->capacity;

    lose_straggler(g);
    while (fresh > 0 && (is_new(g, fresh - 1) || commit_to(g->data, end_of(g, fresh - 1))))
        fresh--;
    st->top = 0;
    st->low = 0;
    st->retired = 0;
    for (uint32_t i = 0; i < fresh; i++) {
        g->rows[i].word = repaired(g, g->rows[i].word);
        if (g->rows[i].word == WARD_SLOT_RETIRED)
            st->retired++;
        else if (ward_slab_word_is_free_(g, g->rows[i].word))
            g->rows[st->top++].entry = i;
    }
    st->fresh = fresh;
    forget_waiting(g);
}

void ward_slab_bad_entry_(const struct ward_slab_geometry_ *g, const void *at)
{
    repair(g);
    report(g, WARD_BUG_METADATA, at, NULL, 0, "the free list does not agree with the slots");
}

/* --- allocation off the fast path ------------------------------------------------------------- */

static unsigned char *first_other(unsigned char *at, size_t len, unsigned char byte)
{
    size_t i = 0;

    while (i < len && at[i] == byte)
        i++;
    return at + i;
}

/* The entry of the stack is no slot that may be issued: it leaves the stack, and its slot use. */
static void bad_slot(const struct ward_slab_geometry_ *g, uint32_t at)
{
    uint32_t index = g->rows[at].entry, word;
    unsigned char *block, *bad;

    if (index >= g->capacity || !ward_slab_word_is_free_(g, g->rows[index].word)) {
        ward_slab_bad_entry_(g, &g->rows[at].entry);
        return;
    }
    word = g->rows[index].word;
    block = ward_slab_slot_(g, index);
    bad = first_other(block, g->stride, word == WARD_SLOT_POISONED ? WARD_POISON_BYTE : 0);
    ward_slab_drop_(&g->spec, g->state, g->rows, g->state->top, at);
    retire(g, index);
    if (g->spec.policy & (WARD_ZERO | WARD_POISON) && bad < block + g->stride) {
        report(g, WARD_BUG_WRITE_AFTER_FREE, bad, block, 0,
               "a byte of a free block is not as free left it");
        scrub(g, index, 0);
    } else if (g->spec.policy & WARD_GENERATION && (uint32_t)g->generations[index] != UINT32_MAX) {
        report(g, WARD_BUG_METADATA, &g->generations[index], block, 0,
               "a generation does not agree with its complement");
    }
}

/* Slots never issued become free ones, a batch at a time; the lowest are issued first. Stops at one
 * that is not as new: the next refill reports it. */
static void take_fresh(const struct ward_slab_geometry_ *g)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t from = st->fresh, to = from;

    while (to < g->capacity && to - from < WARD_SLAB_WINDOW && is_new(g, to) && !make_ready(g, to))
        g->rows[to++].word = WARD_SLOT_FREE;
    st->fresh = to;
    while (to > from)
        g->rows[st->top++].entry = --to;
}

/* Takes everything out of the places [at, end) of the quarantine. False: nobody waited there. */
static bool drain_places(const struct ward_slab_geometry_ *g, uint32_t at, uint32_t end)
{
    uint32_t before = g->state->top;

    for (; at < end; at++) {
        struct ward_slab_place_ place = { NULL, NULL, 0, g->waiting[at] };

        if (!ward_slab_place_ok_(g, g->rows, &place) || g->state->top >= g->capacity) {
            ward_slab_bad_entry_(g, &g->waiting[at]);
            return true;
        }
        g->waiting[at] = 0;
        if (place.leaves == 0)
            continue;
        ward_slab_push_(&g->spec, g->state, g->rows, place.leaves - 1);
        g->state->quarantined--;
    }
    return g->state->top > before;
}

/* Takes everything out of one half of the quarantine: the queue, or, where that is empty, the
 * random half. (The queue may be long: it is looked at only if the few of the other half are not
 * all.) False: nobody waits in either. */
static bool drain(const struct ward_slab_geometry_ *g)
{
    uint32_t queue = g->waiting_random, few = 0;

    for (uint32_t i = 0; i < g->waiting_random; i++)
        few += g->waiting[i] != 0;
    if (g->state->quarantined != few && drain_places(g, queue, queue + g->waiting_fifo))
        return true;
    return drain_places(g, 0, g->waiting_random);
}

static bool needs_slots(const struct ward_slab_geometry_ *g)
{
    const struct ward_slab_state_ *st = g->state;

    return st->top == 0 || st->top > st->fresh || st->fresh > g->capacity ||
           (g->spec.policy & WARD_RANDOM_SLOT && st->top < WARD_SLAB_WINDOW &&
            st->fresh < g->capacity);
}

/* Sees to it that there is a free slot, and with random choices that there are many. */
static bool refill(const struct ward_slab_geometry_ *g)
{
    struct ward_slab_state_ *st = g->state;
    bool choose = (g->spec.policy & WARD_RANDOM_SLOT) != 0;

    if (needs_slots(g)) {
        if (!ward_slab_sound_(g))
            return false;
        if (st->top > st->fresh || !ward_slab_fresh_ok_(g))
            ward_slab_bad_entry_(g, &st->top);
        if (st->fresh < g->capacity && needs_slots(g))
            take_fresh(g);
    }
    while (st->top == 0 && st->quarantined > 0 && drain(g))
        continue;
    st->low =
        choose && st->fresh < g->capacity && st->top >= WARD_SLAB_WINDOW ? WARD_SLAB_WINDOW - 1 : 0;
    if (choose && !ward_random_is_ready_(&st->random, g->fork_word))
        ward_random_refill_(&st->random);
    return st->top > 0;
}

/* Until a slot is fit or none is left; every one that is not has been reported. */
static void *alloc(const struct ward_slab_geometry_ *g, size_t size, uint32_t at)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t index;

    if (at < st->top && st->top <= g->capacity) {
        if (!ward_slab_sound_(g))
            return NULL;
        bad_slot(g, at);
    }
    while (refill(g)) {
        at = g->spec.policy & WARD_RANDOM_SLOT ? ward_slab_choose_(st, st->top) : st->top - 1;
        index = g->rows[at].entry;
        if (ward_slab_is_fit_(g, &g->spec, g->rows, g->capacity, index)) {
            ward_slab_drop_(&g->spec, st, g->rows, st->top, at);
            return ward_slab_issue_(g, &g->spec, st, &g->rows[index], index, size);
        }
        if (!ward_slab_sound_(g))
            return NULL;
        bad_slot(g, at);
    }
    st->failures += g->spec.policy & WARD_STATISTICS ? 1 : 0;
    return NULL;
}

void *ward_slab_alloc_slow_(struct ward_slab *slab, size_t size, uint32_t at)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    uint32_t before;
    void *block;

    if (!ward_slab_survived_(slab))
        return NULL;
    before = ward_slab_enter_(g);
    block = alloc(g, size, at);
    ward_slab_leave_(g, before);
    return block;
}

/* --- free off the fast path ------------------------------------------------------------------- */

/* The slot an address lies in, by division: false if it lies in none. */
static bool slot_around(const struct ward_slab_geometry_ *g, const void *addr, uint32_t *index)
{
    size_t off = (uintptr_t)addr - (uintptr_t)g->base, span = 0;

    if (g->spec.policy & WARD_SPAN_GUARD) {
        span = off >> g->pitch_log2;
        off &= ((size_t)1 << g->pitch_log2) - 1;
    }
    if (span >= g->spans || off / g->stride >= g->per_span)
        return false;
    *index = (uint32_t)(span * g->per_span + off / g->stride);
    return true;
}

static void report_slot_start(const struct ward_slab_geometry_ *g, uint32_t index, void *block)
{
    uint32_t word = g->rows[index].word;

    if (index >= g->state->fresh)
        report(g, WARD_BUG_WILD_FREE, block, NULL, 0, "this slot was never issued");
    else if (ward_slab_word_is_live_(g, word))
        report(g, WARD_BUG_WRONG_SIZE, block, block, word,
               "the size at free is not the size that was requested");
    else if (ward_slab_word_is_free_(g, word) || word == WARD_SLOT_QUARANTINED ||
             word == WARD_SLOT_RETIRED)
        report(g, WARD_BUG_DOUBLE_FREE, block, block, 0, "the block is free already");
    else {
        retire(g, index);
        report(g, WARD_BUG_METADATA, &g->rows[index].word, block, 0,
               "what is recorded of the block is neither a size nor a state");
    }
}

/* Free was called with what is not a live block of that size. NULL is nothing. */
static void bad_free(const struct ward_slab_geometry_ *g, void *block)
{
    unsigned char *start;
    uint32_t index = 0;

    if (!block || !ward_slab_sound_(g))
        return;
    if (!slot_around(g, block, &index)) {
        report(g, WARD_BUG_WILD_FREE, block, NULL, 0, "no block of this slab was ever there");
        return;
    }
    start = ward_slab_slot_(g, index);
    if (start == block)
        report_slot_start(g, index, block);
    else
        report(g, WARD_BUG_INTERIOR_FREE, block, start,
               ward_slab_word_is_live_(g, g->rows[index].word) ? g->rows[index].word : 0,
               "the address is not the start of a block");
}

/* The first byte from `at` that is not as the canary was armed. */
static const unsigned char *first_broken(const unsigned char *at, size_t len, uint64_t word)
{
    size_t i = 0;

    while (i < len && at[i] == (unsigned char)ward_canary_from_(word, i))
        i++;
    return at + i;
}

/* A live block with something wrong around it was freed, or changed in size. */
static void damaged(const struct ward_slab_geometry_ *g, uint32_t index, size_t size)
{
    unsigned char *block = ward_slab_slot_(g, index);
    const unsigned char *bad =
        first_broken(block + size, g->stride - size, ward_canary_word_(g->canary, index));

    retire(g, index);
    if (g->spec.policy & WARD_STATISTICS)
        g->state->live_bytes -= size;
    if (ward_slab_is_first_(g, &g->spec, index) && !ward_slab_front_is_(g, block)) {
        ward_slab_front_arm_(g, block);
        report(g, WARD_BUG_UNDERFLOW, block - 1, block, size,
               "the pattern before the first block was overwritten");
    } else {
        report(g, WARD_BUG_OVERFLOW, bad, block, size, "the canary behind the block is broken");
    }
    scrub(g, index, size);
}

/* The live block's slot, or false without a report. */
static bool live_slot(const struct ward_slab_geometry_ *g, const void *block, uint32_t *index)
{
    uint64_t found = ward_slab_index_(g, &g->spec, block);

    *index = (uint32_t)found;
    return found < g->capacity && found < g->state->fresh &&
           ward_slab_word_is_live_(g, g->rows[found].word);
}

/* A live block of that size with nothing wrong around it; else false, after a report. */
static bool check_live(const struct ward_slab_geometry_ *g, void *block, size_t size,
                       uint32_t *index)
{
    if (!live_slot(g, block, index) || g->rows[*index].word != size) {
        bad_free(g, block);
        return false;
    }
    if (ward_slab_is_intact_(g, &g->spec, *index, (unsigned char *)block, size) &&
        (!ward_slab_is_first_(g, &g->spec, *index) ||
         ward_slab_front_is_(g, (unsigned char *)block)))
        return true;
    if (ward_slab_sound_(g))
        damaged(g, *index, size);
    return false;
}

/* Lets a slot wait; who leaves the quarantine for it is free. */
static void wait(const struct ward_slab_geometry_ *g, uint32_t index)
{
    struct ward_slab_state_ *st = g->state;
    struct ward_slab_place_ place;

    if (!ward_random_is_ready_(&st->random, g->fork_word))
        ward_random_refill_(&st->random);
    g->rows[index].word = WARD_SLOT_QUARANTINED;
    st->quarantined++;
    place = ward_slab_place_find_(g, st);
    if (!ward_slab_place_ok_(g, g->rows, &place)) {
        if (ward_slab_sound_(g))
            ward_slab_bad_entry_(g, place.fifo ? place.fifo : place.random);
        return;
    }
    ward_slab_place_take_(st, &place, index);
    if (place.leaves == 0)
        return;
    st->quarantined--;
    ward_slab_push_(&g->spec, st, g->rows, place.leaves - 1);
}

static void free_block(const struct ward_slab_geometry_ *g, void *block, size_t size)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t index;

    if (!check_live(g, block, size, &index))
        return;
    scrub(g, index, size);
    if (g->spec.policy & WARD_STATISTICS) {
        st->frees++;
        st->live_bytes -= size;
    }
    if (st->top >= g->capacity) {
        g->rows[index].word = g->spec.policy & WARD_POISON ? WARD_SLOT_POISONED : WARD_SLOT_FREE;
        if (ward_slab_sound_(g))
            ward_slab_bad_entry_(g, &st->top);
    } else if (g->spec.policy & WARD_QUARANTINE) {
        wait(g, index);
    } else {
        ward_slab_push_(&g->spec, st, g->rows, index);
    }
}

void ward_slab_free_slow_(struct ward_slab *slab, void *block, size_t size)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    uint32_t before;

    if (!ward_slab_survived_(slab))
        return;
    before = ward_slab_enter_(g);
    free_block(g, block, size);
    ward_slab_leave_(g, before);
}

/* --- the same body for slabs whose spec is known at run time only ----------------------------- */

/* Instances for the two usual policies, and one that reads its bits from the geometry. Each is a
 * function of its own, so that the short ones need not save what the long one uses. */
#define INSTANCE(NAME, POLICY)                                                                     \
    static __attribute__((noinline)) void *alloc_##NAME(struct ward_slab *slab, size_t size)       \
    {                                                                                              \
        const struct ward_slab_geometry_ *g = slab->geometry;                                      \
        const struct ward_slab_spec spec = { g->spec.block, POLICY, 0, 0 };                        \
                                                                                                   \
        return ward_slab_alloc_(slab, &spec, size);                                                \
    }                                                                                              \
    static __attribute__((noinline)) void free_##NAME(struct ward_slab *slab, void *block,         \
                                                      size_t size)                                 \
    {                                                                                              \
        const struct ward_slab_geometry_ *g = slab->geometry;                                      \
        const struct ward_slab_spec spec = { g->spec.block, POLICY, 0, 0 };                        \
                                                                                                   \
        ward_slab_free_(slab, &spec, block, size);                                                 \
    }

INSTANCE(plain, WARD_PLAIN)
INSTANCE(hardened, WARD_HARDENED)
INSTANCE(any, g->spec.policy)

void *ward_slab_alloc(struct ward_slab *slab, size_t size)
{
    switch (slab->geometry->spec.policy) {
    case WARD_PLAIN: return alloc_plain(slab, size);
    case WARD_HARDENED: return alloc_hardened(slab, size);
    default: return alloc_any(slab, size);
    }
}

void ward_slab_free(struct ward_slab *slab, void *block, size_t size)
{
    switch (slab->geometry->spec.policy) {
    case WARD_PLAIN: free_plain(slab, block, size); break;
    case WARD_HARDENED: free_hardened(slab, block, size); break;
    default: free_any(slab, block, size); break;
    }
}

/* --- size and handles ------------------------------------------------------------------------- */

size_t ward_slab_usable(const struct ward_slab *slab, const void *block)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before, index;
    size_t size;

    if (!g || !ward_slab_is_here_(g))
        return 0;
    before = ward_slab_enter_(g);
    size = live_slot(g, block, &index) ? g->rows[index].word : 0;
    ward_slab_leave_(g, before);
    return size;
}

/* What becomes readable by growing was canary: it must not tell the secret. */
static void resize_slot(const struct ward_slab_geometry_ *g, uint32_t index, size_t was,
                        size_t size)
{
    unsigned char *block = ward_slab_slot_(g, index);

    g->rows[index].word = (uint32_t)size;
    if (g->spec.policy & WARD_STATISTICS) {
        g->state->live_bytes += size - was;
        if (g->state->live_bytes > g->state->peak_bytes)
            g->state->peak_bytes = g->state->live_bytes;
    }
    if (!(g->spec.policy & WARD_CANARY))
        return;
    if (size > was)
        __builtin_memset(block + was, g->spec.policy & WARD_POISON ? WARD_POISON_BYTE : 0,
                         size - was);
    ward_canary_arm_(block + size, g->stride - size, ward_canary_word_(g->canary, index));
}

int ward_slab_resize(struct ward_slab *slab, void *block, size_t was, size_t size)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before, index;
    bool live;

    if (!g || !block || size - 1 >= g->spec.block.size)
        return -EINVAL;
    if (!ward_slab_survived_(slab))
        return -EFAULT;
    before = ward_slab_enter_(g);
    live = check_live(g, block, was, &index);
    if (live)
        resize_slot(g, index, was, size);
    ward_slab_leave_(g, before);
    return live ? 0 : -EFAULT;
}

/* A handle: the low half is the slot's number + 1, the high half its generation under the salt. */
static uint64_t handle_word(const struct ward_slab_geometry_ *g, uint32_t index)
{
    uint64_t age = (uint32_t)g->generations[index] ^ g->salt;

    return age << 32 | (index + UINT64_C(1));
}

ward_handle ward_slab_handle(const struct ward_slab *slab, const void *block)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    ward_handle handle = { 0 };
    uint32_t before, index;

    if (!g || !(g->spec.policy & WARD_GENERATION) || !ward_slab_is_here_(g))
        return handle;
    before = ward_slab_enter_(g);
    if (live_slot(g, block, &index))
        handle.word = handle_word(g, index);
    ward_slab_leave_(g, before);
    return handle;
}

/* The live slot of a handle, with the metadata at hand. */
static bool handle_slot(const struct ward_slab_geometry_ *g, ward_handle handle, uint32_t *index)
{
    uint64_t generation;

    *index = (uint32_t)handle.word - 1;
    if (!(g->spec.policy & WARD_GENERATION) || *index >= g->capacity ||
        !ward_slab_word_is_live_(g, g->rows[*index].word))
        return false;
    generation = g->generations[*index];
    return (uint32_t)(generation >> 32) == ~(uint32_t)generation &&
           handle_word(g, *index) == handle.word;
}

void *ward_slab_get(const struct ward_slab *slab, ward_handle handle)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before, index;
    void *block;

    if (!g || !ward_slab_is_here_(g))
        return NULL;
    before = ward_slab_enter_(g);
    block = handle_slot(g, handle, &index) ? ward_slab_slot_(g, index) : NULL;
    ward_slab_leave_(g, before);
    return block;
}

void ward_slab_free_handle(struct ward_slab *slab, ward_handle handle)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before, index;

    if (!g || handle.word == 0 || !ward_slab_survived_(slab))
        return;
    before = ward_slab_enter_(g);
    if (handle_slot(g, handle, &index))
        free_block(g, ward_slab_slot_(g, index), g->rows[index].word);
    else
        report(g, WARD_BUG_STALE_HANDLE, index < g->capacity ? ward_slab_slot_(g, index) : NULL,
               NULL, 0, "the block this handle was made for is gone");
    ward_slab_leave_(g, before);
}
