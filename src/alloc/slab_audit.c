/* SPDX-License-Identifier: MIT */
/*
 * What looks at all slots of a slab: recounting, walking, giving pages back, starting over.
 */
#include "alloc/slab.h"

/* --- verify ----------------------------------------------------------------------------------- */

/* What a walk over the words of all slots counts. The sums tell whether two lists name the same
 * slots: each slot adds a secret word of its own. */
struct count {
    uint32_t free, live, waiting, retired;
    uint64_t free_sum, waiting_sum;
};

static uint64_t mark(const struct ward_slab_geometry_ *g, uint32_t index)
{
    return ward_canary_word_(g->canary, index);
}

static bool generation_ok(const struct ward_slab_geometry_ *g, uint32_t index)
{
    uint64_t word = g->spec.policy & WARD_GENERATION ? g->generations[index] : 0;

    return word == 0 || (uint32_t)(word >> 32) == ~(uint32_t)word;
}

/* Counts one slot. False: its word makes no sense, or its bytes are not what they should be. */
static bool count_slot(const struct ward_slab_geometry_ *g, uint32_t index, struct count *n)
{
    unsigned char *block = ward_slab_slot_(g, index);
    uint32_t word = g->rows[index].word;

    if (!generation_ok(g, index))
        return false;
    if (ward_slab_word_is_live_(g, word)) {
        n->live++;
        return ward_slab_is_intact_(g, &g->spec, index, block, word);
    }
    if (word == WARD_SLOT_QUARANTINED) {
        n->waiting++;
        n->waiting_sum += mark(g, index);
        return ward_slab_untouched_(
            g, &g->spec, g->spec.policy & WARD_POISON ? WARD_SLOT_POISONED : WARD_SLOT_FREE, block);
    }
    if (word == WARD_SLOT_RETIRED) {
        n->retired++;
        return true;
    }
    n->free++;
    n->free_sum += mark(g, index);
    return ward_slab_word_is_free_(g, word) && ward_slab_untouched_(g, &g->spec, word, block);
}

static bool stack_agrees(const struct ward_slab_geometry_ *g, const struct count *n)
{
    uint64_t sum = 0;

    if (n->free != g->state->top)
        return false;
    for (uint32_t i = 0; i < n->free; i++) {
        if (g->rows[i].entry >= g->state->fresh)
            return false;
        sum += mark(g, g->rows[i].entry);
    }
    return sum == n->free_sum;
}

static bool quarantine_agrees(const struct ward_slab_geometry_ *g, const struct count *n)
{
    uint32_t slots = g->waiting_random + g->waiting_fifo, found = 0;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < slots; i++) {
        if (g->waiting[i] > g->state->fresh)
            return false;
        if (g->waiting[i]) {
            found++;
            sum += mark(g, g->waiting[i] - 1);
        }
    }
    return found == n->waiting && found == g->state->quarantined && sum == n->waiting_sum;
}

static bool front_agrees(const struct ward_slab_geometry_ *g)
{
    for (uint32_t i = 0; i < g->state->fresh; i += g->per_span)
        if (!ward_slab_front_is_(g, ward_slab_slot_(g, i)))
            return false;
    return true;
}

static bool verify(const struct ward_slab_geometry_ *g)
{
    const struct ward_slab_state_ *st = g->state;
    struct count n = { 0, 0, 0, 0, 0, 0 };

    if (st->top > st->fresh || !ward_slab_fresh_ok_(g) || !front_agrees(g) ||
        (st->spans_guarded && st->spans_guarded != ~st->spans_guarded_not))
        return false;
    for (uint32_t i = 0; i < st->fresh; i++)
        if (!count_slot(g, i, &n))
            return false;
    for (uint32_t i = st->fresh; i < g->capacity; i++)
        if (g->rows[i].word != WARD_SLOT_NEW || !generation_ok(g, i))
            return false;
    return n.retired == st->retired && stack_agrees(g, &n) && quarantine_agrees(g, &n);
}

bool ward_slab_verify(const struct ward_slab *slab)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before;
    bool ok;

    if (!g || ward_slab_sum_(g) != g->check || !ward_slab_is_here_(g))
        return false;
    before = ward_slab_enter_(g);
    ok = verify(g);
    ward_slab_leave_(g, before);
    return ok;
}

/* --- info ------------------------------------------------------------------------------------- */

static void fill_info(const struct ward_slab_geometry_ *g, struct ward_slab_info *info)
{
    const struct ward_slab_state_ *st = g->state;

    info->capacity = g->capacity;
    info->free = st->top + (g->capacity - st->fresh);
    info->quarantined = st->quarantined;
    info->retired = st->retired;
    info->live = g->capacity - info->free - st->quarantined - st->retired;
    info->stride = g->stride;
    info->bugs = st->bugs;
    info->locked = (g->mode & WARD_SLAB_LOCKED) != 0;
    info->geometry_fixed = g->fixed;
    info->guards_missing = st->guards_missing;
    info->allocs = st->allocs;
    info->frees = st->frees;
    info->failures = st->failures;
    info->live_bytes = st->live_bytes;
    info->peak_bytes = st->peak_bytes;
}

void ward_slab_info_get(const struct ward_slab *slab, struct ward_slab_info *info)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before;

    if (!info)
        return;
    __builtin_memset(info, 0, sizeof *info);
    if (!g || ward_slab_sum_(g) != g->check || !ward_slab_is_here_(g))
        return;
    before = ward_slab_enter_(g);
    fill_info(g, info);
    ward_slab_leave_(g, before);
}

struct ward_region *ward_slab_data(const struct ward_slab *slab)
{
    return slab && slab->geometry ? slab->data : NULL;
}

struct ward_region *ward_slab_meta(const struct ward_slab *slab)
{
    return slab && slab->geometry ? slab->meta : NULL;
}

/* --- each ------------------------------------------------------------------------------------- */

/* The next live slot from *index on. */
static bool next_live(const struct ward_slab_geometry_ *g, uint32_t *index, uint32_t *size)
{
    uint32_t before = ward_slab_enter_(g), end = g->state->fresh, i = *index;

    if (end > g->capacity)
        end = g->capacity;
    while (i < end && !ward_slab_word_is_live_(g, g->rows[i].word))
        i++;
    *index = i;
    *size = i < end ? g->rows[i].word : 0;
    ward_slab_leave_(g, before);
    return i < end;
}

void ward_slab_each(struct ward_slab *slab, bool (*each)(void *block, size_t size, void *arg),
                    void *arg)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t index = 0, size = 0;

    if (!g || !each || !ward_slab_sound_(g) || !ward_slab_survived_(slab))
        return;
    while (next_live(g, &index, &size) && each(ward_slab_slot_(g, index), size, arg))
        index++;
}

/* --- release ---------------------------------------------------------------------------------- */

/* The bytes of slot `index` outside the released [from, to) are cleared too, so that the whole slot
 * is as fresh memory is, and its word says so. */
static void freshen(const struct ward_slab_geometry_ *g, uint32_t index, unsigned char *from,
                    unsigned char *to)
{
    unsigned char *slot = ward_slab_slot_(g, index), *end = slot + g->stride;

    if (end <= from || slot >= to)
        return;
    if (slot < from)
        __builtin_memset(slot, 0, (size_t)(from - slot));
    if (end > to)
        __builtin_memset(to, 0, (size_t)(end - to));
    g->rows[index].word = WARD_SLOT_FREE;
}

/* Releases the whole pages of the free slots [first, end), all of one span. */
static ptrdiff_t release_run(const struct ward_slab_geometry_ *g, uint32_t first, uint32_t end)
{
    size_t grain = g->data->grain, from = 0, to;
    int err;

    if (!ward_round_up((size_t)(ward_slab_slot_(g, first) - g->data->base), grain, &from))
        return 0;
    to = ward_round_down((size_t)(ward_slab_slot_(g, end - 1) + g->stride - g->data->base), grain);
    if (from >= to)
        return 0;
    err = ward_region_release(g->data, from, to - from);
    if (err)
        return err;
    for (uint32_t i = first; i < end; i++)
        freshen(g, i, g->data->base + from, g->data->base + to);
    return (ptrdiff_t)(to - from);
}

/* The end of the run of free slots that begins at `first`, within its span. */
static uint32_t free_run(const struct ward_slab_geometry_ *g, uint32_t first)
{
    uint64_t end = (uint64_t)first + g->per_span - first % g->per_span;
    uint32_t i = first;

    if (end > g->state->fresh)
        end = g->state->fresh;
    while (i < end && ward_slab_word_is_free_(g, g->rows[i].word))
        i++;
    return i;
}

static ptrdiff_t release(const struct ward_slab_geometry_ *g)
{
    ptrdiff_t total = 0, got = 0;
    uint32_t i = 0, end;

    while (i < g->state->fresh && got >= 0) {
        end = free_run(g, i);
        got = end > i ? release_run(g, i, end) : 0;
        total += got > 0 ? got : 0;
        i = end > i ? end : i + 1;
    }
    return got < 0 ? got : total;
}

ptrdiff_t ward_slab_release(struct ward_slab *slab)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before;
    ptrdiff_t got;

    if (!g)
        return -EINVAL;
    if (!ward_slab_sound_(g) || !ward_slab_survived_(slab))
        return -EFAULT;
    before = ward_slab_enter_(g);
    if (!ward_slab_fresh_ok_(g))
        ward_slab_bad_entry_(g, &g->state->fresh);
    got = release(g);
    ward_slab_leave_(g, before);
    return got;
}

/* --- reset ------------------------------------------------------------------------------------ */

static void reset_state(const struct ward_slab_geometry_ *g)
{
    struct ward_slab_state_ *st = g->state;
    uint32_t used = ward_slab_fresh_ok_(g) ? st->fresh : g->capacity;
    size_t waiting = (size_t)g->waiting_random + g->waiting_fifo;

    __builtin_memset(g->rows, 0, used * sizeof *g->rows);
    __builtin_memset(g->waiting, 0, waiting * sizeof *g->waiting);
    st->top = 0;
    st->fresh = 0;
    st->quarantined = 0;
    st->retired = 0;
    st->next_fifo = 0;
    st->live_bytes = 0;
    st->low = g->spec.policy & WARD_RANDOM_SLOT ? WARD_SLAB_WINDOW - 1 : 0;
}

int ward_slab_reset(struct ward_slab *slab)
{
    const struct ward_slab_geometry_ *g = slab ? slab->geometry : NULL;
    uint32_t before;
    int err;

    if (!g)
        return -EINVAL;
    if (!ward_slab_sound_(g) || !ward_slab_survived_(slab))
        return -EFAULT;
    err = ward_region_release(g->data, 0, ward_region_committed(g->data));
    if (err)
        return err;
    before = ward_slab_enter_(g);
    reset_state(g);
    ward_slab_leave_(g, before);
    return 0;
}
