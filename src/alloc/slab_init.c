/* SPDX-License-Identifier: MIT */
/*
 * Making a slab: how large everything is, where it lies, the secrets, and the recipes.
 *
 *      metadata  | geometry | state | rows | generations | waiting |
 *                0          page    each part aligned to a cache line
 */
#include <ward/host.h>

#include "alloc/slab.h"
#include "core/wipe.h"

enum { LINE = 64 };

/* Quarantine by default; and where guards stand by default. */
static const size_t quarantine_bytes_default = 65536;
static const size_t span_bytes_default = 65536;

/* Where the parts of the metadata begin, in bytes from its start. */
struct parts {
    size_t state, generations, waiting, end;
};

static bool spec_ok(const struct ward_slab_spec *spec)
{
    return spec && ward_layout_ok(&spec->block) && WARD_POLICY_OK(spec->policy) &&
           spec->block.align <= ward_host_page_size();
}

static size_t stride_of(const struct ward_slab_spec *spec)
{
    return ward_round_down(spec->block.size + (spec->policy & WARD_CANARY ? 8 : 0) +
                               spec->block.align - 1,
                           spec->block.align);
}

static uint32_t smaller(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

/* --- the data side ---------------------------------------------------------------------------- */

static uint32_t per_span_of(const struct ward_slab_spec *spec, uint32_t capacity)
{
    size_t slots = spec->guard_every ? spec->guard_every : span_bytes_default / stride_of(spec);

    if (!(spec->policy & WARD_SPAN_GUARD))
        return capacity;
    slots = slots ? slots : 1;
    slots = slots < capacity ? slots : capacity;
    return smaller(slots, UINT32_C(1) << 31);
}

/* The distance of spans: a power of two, with room for a guard page. 0: too large. */
static unsigned pitch_log2_of(size_t span_bytes)
{
    size_t page = ward_host_page_size(), need = 0;
    unsigned log2 = 0;

    if (!ward_round_up(span_bytes, page, &need) || need > (size_t)1 << 46)
        return 0;
    while ((size_t)1 << log2 < need + page)
        log2++;
    return log2;
}

/* Sets stride, spans and capacity for at least `capacity` slots. False: there can be no such slab.
 */
static bool shape(struct ward_slab_geometry_ *g, const struct ward_slab_spec *spec,
                  uint32_t capacity)
{
    uint64_t slots;

    g->spec = *spec;
    g->stride = stride_of(spec);
    g->per_span = per_span_of(spec, capacity);
    g->spans = (uint32_t)(((uint64_t)capacity + g->per_span - 1) / g->per_span);
    slots = (uint64_t)g->spans * g->per_span;
    g->capacity = (uint32_t)slots;
    g->shift = ward_low_bit(g->stride);
    g->inverse = ward_slot_inverse_(g->stride >> g->shift);
    if (spec->policy & WARD_SPAN_GUARD) {
        g->span_reciprocal = ward_slot_reciprocal_(g->per_span);
        g->pitch_log2 = pitch_log2_of(g->per_span * g->stride);
    }
    return slots <= UINT32_MAX && (!(spec->policy & WARD_SPAN_GUARD) || g->pitch_log2);
}

/* Bytes from slot 0 to the end of the last; 0: too large. */
static size_t data_bytes(const struct ward_slab_geometry_ *g)
{
    size_t spans = 0, bytes = 0;

    if (!ward_mul(g->spans - 1, g->pitch_log2 ? (size_t)1 << g->pitch_log2 : 0, &spans) ||
        !ward_mul(g->per_span, g->stride, &bytes) || !ward_add(spans, bytes, &bytes) ||
        bytes > (size_t)PTRDIFF_MAX)
        return 0;
    return bytes;
}

/* The most slots that fit into bytes. */
static uint32_t slots_in(const struct ward_slab_spec *spec, size_t bytes)
{
    struct ward_slab_geometry_ g = { 0 };
    uint32_t most = smaller(bytes / stride_of(spec), UINT32_MAX);
    size_t one;

    if (!(spec->policy & WARD_SPAN_GUARD) || most == 0)
        return most;
    if (!shape(&g, spec, per_span_of(spec, most)))
        return 0;
    one = g.per_span * g.stride;
    return smaller(((bytes - one) >> g.pitch_log2) + 1, UINT32_MAX / g.per_span) * g.per_span;
}

/* --- the metadata side ------------------------------------------------------------------------ */

static void size_quarantine(struct ward_slab_geometry_ *g)
{
    size_t bytes = g->spec.quarantine_bytes ? g->spec.quarantine_bytes : quarantine_bytes_default;
    uint32_t slots = smaller(bytes / g->stride, g->capacity / 2);

    if (!(g->spec.policy & WARD_QUARANTINE))
        return;
    slots = slots ? slots : 1;
    g->waiting_random = smaller((slots + UINT64_C(1)) / 2, 256);
    g->waiting_fifo = slots - g->waiting_random;
}

/* A part of `bytes` bytes from *end on: its offset, with *end moved behind it. */
static size_t part(size_t *end, size_t bytes)
{
    size_t at = *end;

    *end = ward_round_down(at + bytes + LINE - 1, LINE);
    return at;
}

static struct parts parts_of(struct ward_slab_geometry_ *g)
{
    size_t n = g->capacity, end = 0;
    struct parts p;

    size_quarantine(g);
    part(&end, sizeof *g);
    end = ward_round_down(end + ward_host_page_size() - 1, ward_host_page_size());
    p.state = part(&end, sizeof *g->state + n * sizeof *g->rows);
    p.generations = part(&end, g->spec.policy & WARD_GENERATION ? n * sizeof *g->generations : 0);
    p.waiting = part(&end, ((size_t)g->waiting_random + g->waiting_fifo) * sizeof *g->waiting);
    p.end = ward_round_down(end + ward_host_page_size() - 1, ward_host_page_size());
    return p;
}

/* Sizes are kept in 32 bits. */
static bool block_fits(const struct ward_slab_spec *spec)
{
    return spec->block.size <= WARD_SLAB_STRIDE_MAX - spec->block.align - 8;
}

/* For what the caller gives there can be a slab. */
static int shape_checked(struct ward_slab_geometry_ *g, const struct ward_slab_spec *spec,
                         uint32_t capacity)
{
    if (!spec_ok(spec) || capacity == 0)
        return -EINVAL;
    if (!block_fits(spec))
        return -EOVERFLOW;
    return shape(g, spec, capacity) && data_bytes(g) ? 0 : -EOVERFLOW;
}

size_t ward_slab_meta_bytes(const struct ward_slab_spec *spec, uint32_t capacity)
{
    struct ward_slab_geometry_ g = { 0 };

    return shape_checked(&g, spec, capacity) ? 0 : parts_of(&g).end;
}

size_t ward_slab_data_bytes(const struct ward_slab_spec *spec, uint32_t capacity)
{
    struct ward_slab_geometry_ g = { 0 };

    return shape_checked(&g, spec, capacity) ? 0 : data_bytes(&g);
}

/* --- init ------------------------------------------------------------------------------------- */

/* Slots end where the region ends, at the guard. */
static void place_data(struct ward_slab_geometry_ *g, struct ward_region *data)
{
    uintptr_t end = ward_round_down((uintptr_t)data->base + data->size, g->spec.block.align);
    size_t page = ward_host_page_size();

    g->data = data;
    g->base = data->base + (end - (uintptr_t)data->base - data_bytes(g));
    g->front = (size_t)(g->base - data->base);
    if (g->spec.policy & WARD_SPAN_GUARD)
        g->front = (uintptr_t)g->base % page < g->front ? (uintptr_t)g->base % page : g->front;
    else if (g->front > page)
        g->front = page;
}

static void place_meta(struct ward_slab_geometry_ *g, struct ward_region *meta,
                       const struct parts *p)
{
    unsigned char *at = meta->base;

    g->meta = meta;
    g->state = (struct ward_slab_state_ *)(void *)(at + p->state);
    g->rows = g->state->rows;
    g->generations = (uint64_t *)(void *)(at + p->generations);
    g->waiting = (uint32_t *)(void *)(at + p->waiting);
}

/* The secrets that live blocks and handles carry: drawn once, kept across fork. */
static int draw_secrets(struct ward_slab_geometry_ *g)
{
    struct ward_random_root root;
    int err = ward_random_root_init(&root);

    if (err)
        return err;
    err = ward_random_keys(&root, WARD_FOR_CANARY, g->canary, sizeof g->canary);
    if (!err)
        err = ward_random_keys(&root, WARD_FOR_GENERATION, &g->salt, sizeof g->salt);
    g->salt &= UINT32_MAX;
    ward_wipe_(&root, sizeof root);
    return err;
}

/* The key for the metadata, if the policy wants one; without one the slab goes on unless it must
 * not. */
static int choose_key(struct ward_slab_geometry_ *g)
{
    int key;

    if (!(g->spec.policy & WARD_LOCK_META))
        return 0;
    key = ward_host_key();
    if (key < 0)
        return g->spec.policy & WARD_LOCK_REQUIRE ? key : 0;
    g->key = key;
    g->mode |= WARD_SLAB_LOCKED;
    return 0;
}

static void choose_fork(struct ward_slab_geometry_ *g)
{
    g->fork_word = ward_host_fork_word();
    g->epoch = ward_host_fork_epoch();
    if (g->data->facts & (WARD_IS_WIPED_ON_FORK | WARD_IS_ABSENT_ON_FORK))
        g->mode |= WARD_SLAB_FORK;
}

/* The most slots, at most `most`, whose metadata fits into bytes. */
static uint32_t slots_described(const struct ward_slab_spec *spec, size_t bytes, uint32_t most)
{
    uint32_t low = 0, high = most; /* low fits, high + 1 does not or is not asked for */

    while (low < high) {
        uint32_t middle = high - (high - low) / 2;
        size_t need = ward_slab_meta_bytes(spec, middle);

        if (need && need <= bytes)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* Shapes the slab for the region it is given: as many slots as fit on both sides, `most` at the
 * most. */
static int fit(struct ward_slab_geometry_ *g, struct parts *p, const struct ward_slab_spec *spec,
               struct ward_region *region, uint32_t most)
{
    struct ward_region *meta = ward_region_meta(region);
    uint32_t slots = 0;
    size_t skip, room;
    int err;

    if (!ward_region_ok(region) || !spec_ok(spec))
        return -EINVAL;
    if (!meta || meta->facts & (WARD_IS_WIPED_ON_FORK | WARD_IS_ABSENT_ON_FORK))
        return -ENOTSUP;
    skip = -(uintptr_t)region->base & (spec->block.align - 1);
    room = region->size > skip ? ward_round_down(region->size - skip, spec->block.align) : 0;
    if ((uintptr_t)meta->base % LINE)
        return -EINVAL;
    slots = slots_described(spec, meta->size, smaller(slots_in(spec, room), most));
    if (slots == 0)
        return block_fits(spec) ? -ENOSPC : -EOVERFLOW;
    err = shape_checked(g, spec, slots);
    if (err)
        return err;
    *p = parts_of(g);
    place_data(g, region);
    return 0;
}

/* Metadata that a slab may have left read-only or keyed is made plain memory again, and empty. A
 * region that cannot protect never was anything else. */
static int clear_meta(struct ward_region *meta, size_t bytes)
{
    int err;

    bytes = ward_round_down(bytes + meta->grain - 1, meta->grain);
    err = ward_region_commit(meta, 0, bytes);
    if (!err)
        err = ward_region_protect(meta, 0, bytes, WARD_RW);
    if (err == -ENOTSUP || err == -EPERM)
        err = 0;
    return err ? err : ward_region_release(meta, 0, bytes);
}

/* Writes the geometry, then closes the doors: the state behind the key, the geometry read-only. */
static int finish_meta(struct ward_slab_geometry_ *g, const struct parts *p)
{
    struct ward_slab_geometry_ *there = (struct ward_slab_geometry_ *)(void *)g->meta->base;
    int err;

    g->fixed = ward_region_protect(g->meta, 0, p->state, WARD_RW) == 0;
    if (g->mode & WARD_SLAB_LOCKED) {
        err = ward_region_protect(g->meta, p->state,
                                  ward_round_down(p->end + g->meta->grain - 1, g->meta->grain) -
                                      p->state,
                                  WARD_RW | WARD_KEYED);
        if (err && g->spec.policy & WARD_LOCK_REQUIRE)
            return err;
        if (err)
            g->mode &= ~(unsigned)WARD_SLAB_LOCKED;
    }
    g->limit = g->mode ? 0 : g->capacity;
    g->open = g->mode ? (struct ward_slab_state_ *)(void *)there->closed : g->state;
    *there = *g;
    there->check = ward_slab_sum_(there);
    return g->fixed ? ward_region_protect(g->meta, 0, p->state, WARD_READ) : 0;
}

static int start_state(const struct ward_slab_geometry_ *g)
{
    g->state->low = g->spec.policy & WARD_RANDOM_SLOT ? WARD_SLAB_WINDOW - 1 : 0;
    return g->spec.policy & (WARD_RANDOM_SLOT | WARD_QUARANTINE)
               ? ward_random_init(&g->state->random)
               : 0;
}

/* What lies in a region is of no use any more. */
static int drop_all(struct ward_region *region)
{
    return ward_region_release(region, 0, ward_region_committed(region));
}

static int init(struct ward_slab *slab, const struct ward_slab_spec *spec,
                struct ward_region *region, uint32_t most)
{
    struct ward_slab_geometry_ g = { 0 };
    struct parts p;
    int err;

    if (!slab)
        return -EINVAL;
    __builtin_memset(slab, 0, sizeof *slab);
    err = fit(&g, &p, spec, region, most);
    if (!err)
        err = choose_key(&g);
    if (!err)
        err = draw_secrets(&g);
    if (err)
        return err;
    place_meta(&g, ward_region_meta(region), &p);
    choose_fork(&g);
    err = clear_meta(g.meta, p.end);
    if (!err)
        err = drop_all(region);
    if (!err)
        err = start_state(&g);
    if (!err)
        err = finish_meta(&g, &p);
    if (err) {
        (void)clear_meta(g.meta, p.end);
    } else {
        slab->geometry = (const struct ward_slab_geometry_ *)(void *)g.meta->base;
        slab->data = region;
        slab->meta = g.meta;
    }
    ward_wipe_(&g, sizeof g);
    return err;
}

int ward_slab_init(struct ward_slab *slab, const struct ward_slab_spec *spec,
                   struct ward_region *region)
{
    return init(slab, spec, region, UINT32_MAX);
}

/* --- the recipes ------------------------------------------------------------------------------ */

/* Splits the mapped region and builds the slab on it. */
static int build(struct ward_slab *slab, const struct ward_slab_spec *spec,
                 struct ward_region *region, uint32_t capacity)
{
    struct ward_slab made;
    int err = ward_split_init(&slab->split, region, ward_slab_meta_bytes(spec, capacity));

    if (err)
        return err;
    err = init(&made, spec, &slab->split.region, capacity);
    if (err)
        return err;
    slab->geometry = made.geometry;
    slab->data = made.data;
    slab->meta = made.meta;
    return 0;
}

static void give_back(struct ward_slab *slab)
{
    (void)ward_region_fini(&slab->split.region);
    (void)ward_region_fini(&slab->own.region);
    (void)ward_region_fini(&slab->own_secret.region);
    __builtin_memset(slab, 0, sizeof *slab);
}

/* Maps with one of the two backings; both take the size and nothing else from here. */
static int map_with(struct ward_slab *slab, const struct ward_slab_spec *spec, uint32_t capacity,
                    bool secret)
{
    struct ward_slab_geometry_ g = { 0 };
    int err;

    if (!slab)
        return -EINVAL;
    __builtin_memset(slab, 0, sizeof *slab);
    err = shape_checked(&g, spec, capacity);
    if (err)
        return err;
    err = secret ? ward_secret_init(&slab->own_secret, data_bytes(&g))
                 : ward_map_init(&slab->own, data_bytes(&g), WARD_MAP_LAZY);
    if (err)
        return err;
    err = build(slab, spec, secret ? &slab->own_secret.region : &slab->own.region, g.capacity);
    if (err)
        give_back(slab);
    return err;
}

int ward_slab_map(struct ward_slab *slab, const struct ward_slab_spec *spec, uint32_t capacity)
{
    return map_with(slab, spec, capacity, false);
}

int ward_slab_map_secret(struct ward_slab *slab, const struct ward_slab_spec *spec,
                         uint32_t capacity)
{
    if (slab)
        __builtin_memset(slab, 0, sizeof *slab);
    if (!spec || !(spec->policy & WARD_ZERO))
        return -EINVAL;
    return map_with(slab, spec, capacity, true);
}

/* Gives back what map made, from the top down. What the host refuses stays, to be tried again. */
static int end_own(struct ward_slab *slab)
{
    struct ward_region *own[] = { &slab->split.region, &slab->own.region,
                                  &slab->own_secret.region };
    int result = 0;

    if (slab->geometry)
        (void)ward_slab_sound_(slab->geometry); /* nothing depends on it; but it should be known */
    for (unsigned i = 0; i < sizeof own / sizeof own[0]; i++) {
        int err = ward_region_fini(own[i]);

        if (err && err != -EPERM)
            return err;
        slab->geometry = NULL; /* it stood in the split */
        result = err ? err : result;
    }
    __builtin_memset(slab, 0, sizeof *slab);
    return result;
}

/* Empties regions that are the caller's. */
static int leave(struct ward_slab *slab)
{
    const struct ward_slab_geometry_ *g = slab->geometry;
    bool sound = ward_slab_sound_(g);
    bool here = !sound || ward_slab_is_here_(g); /* a child may not have the data */
    int err, next;

    err = clear_meta(slab->meta, sound ? ward_slab_meta_bytes(&g->spec, g->capacity)
                                       : ward_region_committed(slab->meta));
    next = here ? drop_all(slab->data) : 0;
    __builtin_memset(slab, 0, sizeof *slab);
    return err ? err : next;
}

int ward_slab_fini(struct ward_slab *slab)
{
    if (!slab)
        return 0;
    if (slab->split.region.ops || slab->own.region.ops || slab->own_secret.region.ops)
        return end_own(slab);
    return slab->geometry ? leave(slab) : 0;
}
