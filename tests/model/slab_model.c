/* SPDX-License-Identifier: MIT */
/*
 * slab_model SECONDS [SEED]: random operations on slabs and bump arenas of random shape, right ones
 * and wrong ones, beside a model that knows what must come of each. Prints the seed; the same seed
 * does the same again.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ward/ward.h>

/* --- randomness and failure ------------------------------------------------------------------- */

static uint64_t seed, stream;
static unsigned long episode, step;
static const char *doing;

static uint64_t next(void)
{
    uint64_t z = stream += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t below(size_t n)
{
    return (size_t)(next() % n);
}

__attribute__((noreturn)) static void fail(const char *what, int line)
{
    printf("slab_model.c:%d: not so: %s\n", line, what);
    printf("seed %llu, episode %lu, step %lu: %s\n", (unsigned long long)seed, episode, step,
           doing);
    exit(1);
}

#define EXPECT(C) ((C) ? (void)0 : fail(#C, __LINE__))

static struct ward_bug last_bug;
static unsigned bugs_seen;

static enum ward_verdict contain(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    last_bug = *bug;
    bugs_seen++;
    return WARD_CONTAIN;
}

/* --- the model of a slab ---------------------------------------------------------------------- */

enum { SLOTS_MAX = 700 };

struct block {
    unsigned char *at;
    size_t size;
    unsigned char fill;
    ward_handle handle;
};

static struct {
    struct ward_slab_spec spec;
    struct ward_slab slab;
    struct block live[SLOTS_MAX];
    uint32_t count, capacity, retired;
    uint64_t bugs, allocs, frees, failures, bytes, peak;
    unsigned char *freed[64]; /* some that were freed; they may be live again */
    ward_handle stale[64];    /* of these */
    unsigned freed_count;
    unsigned char *written[SLOTS_MAX]; /* free slots with a wrong byte in them */
    uint32_t written_count;
} m;

static bool has(unsigned bits)
{
    return (m.spec.policy & bits) != 0;
}

static void expect_bug(enum ward_bug_kind kind)
{
    EXPECT(bugs_seen == 1);
    EXPECT(last_bug.kind == kind);
    bugs_seen = 0;
    m.bugs++;
}

static struct block *pick(void)
{
    return m.count ? &m.live[below(m.count)] : NULL;
}

static bool holds(const struct block *block)
{
    for (size_t i = 0; i < block->size; i++)
        if (block->at[i] != block->fill)
            return false;
    return true;
}

static void forget(struct block *block)
{
    unsigned at = m.freed_count++ % 64;

    m.freed[at] = block->at;
    m.stale[at] = block->handle;
    m.bytes -= block->size;
    *block = m.live[--m.count];
}

/* Slots with a wrong byte are found, one by one, before a good one is issued. */
static void expect_found(void)
{
    while (bugs_seen > 0) {
        uint32_t i = 0;

        EXPECT(bugs_seen == 1 && last_bug.kind == WARD_BUG_WRITE_AFTER_FREE);
        while (i < m.written_count && m.written[i] != last_bug.block)
            i++;
        EXPECT(i < m.written_count);
        m.written[i] = m.written[--m.written_count];
        bugs_seen = 0;
        m.bugs++;
        m.retired++;
    }
}

static void do_alloc(void)
{
    size_t size = below(8) ? 1 + below(m.spec.block.size) : below(2) * (m.spec.block.size + 1);
    unsigned char *at;
    bool fits = size - 1 < m.spec.block.size;

    doing = "alloc";
    if (m.written_count > 1) /* one report an alloc is what this model can tell */
        return;
    at = ward_slab_alloc(&m.slab, size);
    expect_found();
    if (!fits) {
        EXPECT(!at);
        return;
    }
    EXPECT((at != NULL) == (m.count + m.retired < m.capacity));
    if (!at) {
        m.failures++;
        return;
    }
    EXPECT(((uintptr_t)at & (m.spec.block.align - 1)) == 0);
    EXPECT(ward_region_has(ward_slab_data(&m.slab), at, size));
    for (uint32_t i = 0; i < m.count; i++)
        EXPECT(at + size <= m.live[i].at || m.live[i].at + m.live[i].size <= at);
    for (size_t i = 0; has(WARD_ZERO) && i < size; i++)
        EXPECT(at[i] == 0);
    m.live[m.count].at = at;
    m.live[m.count].size = size;
    m.live[m.count].fill = (unsigned char)next();
    m.live[m.count].handle = ward_slab_handle(&m.slab, at);
    EXPECT((m.live[m.count].handle.word != 0) == has(WARD_GENERATION));
    memset(at, m.live[m.count].fill, size);
    m.count++;
    m.allocs++;
    m.bytes += size;
    m.peak = m.bytes > m.peak ? m.bytes : m.peak;
}

static void do_free(void)
{
    struct block *block = pick();

    doing = "free";
    if (!block)
        return;
    EXPECT(holds(block));
    if (has(WARD_GENERATION) && below(2))
        ward_slab_free_handle(&m.slab, block->handle);
    else
        ward_slab_free(&m.slab, block->at, block->size);
    m.frees++;
    forget(block);
}

static void do_resize(void)
{
    struct block *block = pick();
    size_t size = 1 + below(m.spec.block.size), kept;

    doing = "resize";
    if (!block)
        return;
    EXPECT(ward_slab_resize(&m.slab, block->at, block->size, size) == 0);
    kept = size < block->size ? size : block->size;
    for (size_t i = 0; i < kept; i++)
        EXPECT(block->at[i] == block->fill);
    m.bytes += size - block->size;
    m.peak = m.bytes > m.peak ? m.bytes : m.peak;
    block->size = size;
    memset(block->at, block->fill, size);
}

static void do_check_one(void)
{
    struct block *block = pick();

    doing = "usable and get";
    if (!block)
        return;
    EXPECT(holds(block));
    EXPECT(ward_slab_usable(&m.slab, block->at) == block->size);
    if (has(WARD_GENERATION))
        EXPECT(ward_slab_get(&m.slab, block->handle) == block->at);
}

/* --- misuse ----------------------------------------------------------------------------------- */

static bool is_live(const unsigned char *at)
{
    for (uint32_t i = 0; i < m.count; i++)
        if (m.live[i].at == at)
            return true;
    return false;
}

static void do_double_free(void)
{
    unsigned at = (unsigned)below(64);

    doing = "free of a free block";
    if (!m.freed[at] || is_live(m.freed[at]))
        return;
    ward_slab_free(&m.slab, m.freed[at], 1 + below(m.spec.block.size));
    expect_bug(WARD_BUG_DOUBLE_FREE);
}

static void do_wrong_size(void)
{
    struct block *block = pick();
    size_t size = next() >> below(64);

    doing = "free with a wrong size";
    if (!block || size == block->size)
        return;
    ward_slab_free(&m.slab, block->at, size);
    expect_bug(WARD_BUG_WRONG_SIZE);
}

static void do_interior_free(void)
{
    struct block *block = pick();
    struct ward_slab_info info;

    doing = "free inside a block";
    ward_slab_info_get(&m.slab, &info);
    if (!block || info.stride == 1)
        return;
    ward_slab_free(&m.slab, block->at + 1 + below(info.stride - 1), block->size);
    expect_bug(WARD_BUG_INTERIOR_FREE);
}

static void do_wild_free(void)
{
    struct ward_region *data = ward_slab_data(&m.slab);
    void *at = (void *)(uintptr_t)(next() >> below(60));

    doing = "free anywhere";
    if (!at || ward_region_has(data, at, 1))
        return;
    ward_slab_free(&m.slab, at, 1);
    expect_bug(WARD_BUG_WILD_FREE);
}

static void do_overflow(void)
{
    struct block *block = pick();
    struct ward_slab_info info;

    doing = "overflow";
    if (!block || !has(WARD_CANARY) || below(4))
        return;
    ward_slab_info_get(&m.slab, &info);
    block->at[block->size + below(info.stride - block->size)] ^= (unsigned char)(1 + below(255));
    EXPECT(!ward_slab_verify(&m.slab));
    if (below(2))
        ward_slab_free(&m.slab, block->at, block->size);
    else
        EXPECT(ward_slab_resize(&m.slab, block->at, block->size, 1) == -EFAULT);
    expect_bug(WARD_BUG_OVERFLOW);
    m.retired++;
    forget(block);
}

static void do_write_after_free(void)
{
    struct block *block = pick();
    unsigned char *at = block ? block->at : NULL;
    struct ward_slab_info info;

    doing = "write after free";
    if (!at || m.written_count || !has(WARD_ZERO | WARD_POISON) || below(4))
        return;
    ward_slab_info_get(&m.slab, &info);
    ward_slab_free(&m.slab, at, block->size);
    m.frees++;
    forget(block);
    at[below(info.stride)] ^= (unsigned char)(1 + below(255));
    m.written[m.written_count++] = at;
    EXPECT(!ward_slab_verify(&m.slab));
}

static void do_stale_handle(void)
{
    unsigned at = (unsigned)below(64);

    doing = "stale handle";
    if (m.stale[at].word == 0)
        return;
    EXPECT(!ward_slab_get(&m.slab, m.stale[at]));
    ward_slab_free_handle(&m.slab, m.stale[at]);
    expect_bug(WARD_BUG_STALE_HANDLE);
}

/* --- the whole -------------------------------------------------------------------------------- */

static bool visit(void *at, size_t size, void *arg)
{
    const struct block *found = NULL;

    for (uint32_t i = 0; i < m.count; i++)
        if (m.live[i].at == at)
            found = &m.live[i];
    EXPECT(found && found->size == size && holds(found));
    ++*(uint32_t *)arg;
    return true;
}

static void do_look_at_all(void)
{
    uint32_t visited = 0;

    doing = "each";
    ward_slab_each(&m.slab, visit, &visited);
    EXPECT(visited == m.count);
}

static void do_release(void)
{
    doing = "release";
    if (m.written_count == 0) /* it would be gone with the page */
        EXPECT(ward_slab_release(&m.slab) >= 0);
}

static void do_reset(void)
{
    doing = "reset";
    if (below(100))
        return;
    EXPECT(ward_slab_reset(&m.slab) == 0);
    for (uint32_t i = 0; i < m.count; i++)
        m.stale[i % 64] = m.live[i].handle;
    memset(m.freed, 0, sizeof m.freed); /* never issued, now */
    m.count = m.written_count = m.retired = 0;
    m.bytes = 0;
}

static void expect_counts(void)
{
    struct ward_slab_info info;

    ward_slab_info_get(&m.slab, &info);
    EXPECT(bugs_seen == 0);
    EXPECT(info.capacity == m.capacity && info.live == m.count && info.retired == m.retired);
    EXPECT((uint64_t)info.free + info.live + info.quarantined + info.retired == info.capacity);
    EXPECT(info.bugs == m.bugs);
    if (!has(WARD_STATISTICS))
        return;
    EXPECT(info.allocs == m.allocs && info.frees == m.frees && info.failures == m.failures);
    EXPECT(info.live_bytes == m.bytes && info.peak_bytes == m.peak);
}

static void run_step(void)
{
    static void (*const actions[])(void) = {
        do_alloc,        do_alloc,       do_alloc,
        do_alloc,        do_alloc,       do_alloc,
        do_alloc,        do_free,        do_free,
        do_free,         do_free,        do_free,
        do_resize,       do_resize,      do_check_one,
        do_double_free,  do_wrong_size,  do_interior_free,
        do_wild_free,    do_overflow,    do_write_after_free,
        do_stale_handle, do_look_at_all, do_release,
        do_reset,
    };
    unsigned phase = (unsigned)(step / 64 % 2); /* fill, then empty */

    if (phase == 1 && below(3) == 0)
        do_free();
    else
        actions[below(sizeof actions / sizeof actions[0])]();
    expect_counts();
    doing = "verify";
    if (step % 16 == 0)
        EXPECT(ward_slab_verify(&m.slab) == (m.written_count == 0));
}

static struct ward_slab_spec random_spec(void)
{
    struct ward_slab_spec spec = { { 1, 1 }, 0, 0, 0 };

    do
        spec.policy = (unsigned)below(WARD_POLICY_ALL_ + 1) & ~(unsigned)WARD_LOCK_REQUIRE;
    while (!WARD_POLICY_OK(spec.policy));
    spec.block.size = 1 + below((size_t)1 << (1 + below(10)));
    spec.block.align = (size_t)1 << below(below(4) ? 5 : 13);
    spec.guard_every = below(2) ? 0 : 1 + (uint32_t)below(40);
    spec.quarantine_bytes = below(2) ? 0 : 1 + below(8192);
    return spec;
}

/* Over a map of its own, or over someone's guarded split. */
static void run_slab(void)
{
    struct ward_slab_info info;
    struct ward_map map;
    struct ward_split split;
    struct ward_guard guard;
    bool theirs = below(2);

    memset(&m, 0, sizeof m);
    m.spec = random_spec();
    if (theirs) {
        EXPECT(ward_map_init(&map, 96 << 10, below(2) ? WARD_MAP_LAZY : 0) == 0);
        EXPECT(ward_split_init(&split, &map.region, 4 << 20) == 0);
        EXPECT(ward_guard_init(&guard, &split.region) == 0);
        EXPECT(ward_slab_init(&m.slab, &m.spec, &guard.region) == 0);
    } else {
        EXPECT(ward_slab_map(&m.slab, &m.spec, 1 + (uint32_t)below(SLOTS_MAX - 60)) == 0);
    }
    ward_slab_info_get(&m.slab, &info);
    m.capacity = info.capacity;
    for (step = 0; m.capacity <= SLOTS_MAX && step < 1000; step++)
        run_step();
    doing = "fini";
    EXPECT(ward_slab_fini(&m.slab) == 0);
    if (theirs) {
        EXPECT(ward_region_fini(&guard.region) == 0);
        EXPECT(ward_region_fini(&split.region) == 0);
        EXPECT(ward_region_fini(&map.region) == 0);
    }
}

/* --- the model of a bump arena ---------------------------------------------------------------- */

static struct {
    struct ward_bump bump;
    struct ward_region *region;
    struct block block[512];
    size_t align[512];
    unsigned count;
    struct {
        ward_bump_mark_point point;
        unsigned count;
    } mark[16];
    unsigned marks;
} b;

static struct ward_layout random_layout(void)
{
    const struct ward_layout layout = { 1 + below(below(8) ? 300 : 20000), (size_t)1 << below(9) };

    return layout;
}

static void expect_bump_holds(void)
{
    for (unsigned i = 0; i < b.count; i++) {
        EXPECT(holds(&b.block[i]));
        EXPECT(((uintptr_t)b.block[i].at & (b.align[i] - 1)) == 0);
        EXPECT(ward_region_has(b.region, b.block[i].at, b.block[i].size));
    }
}

static void bump_alloc(void)
{
    const struct ward_layout layout = random_layout();
    size_t used = ward_bump_used(&b.bump);
    uintptr_t base = (uintptr_t)b.region->base;
    size_t at = ((base + used + layout.align - 1) & ~(layout.align - 1)) - base;
    unsigned char *got = ward_bump_alloc(&b.bump, layout);

    doing = "bump alloc";
    EXPECT((got != NULL) == (at + layout.size <= b.region->size));
    EXPECT(ward_bump_used(&b.bump) == (got ? at + layout.size : used));
    if (!got)
        return;
    EXPECT(got == b.region->base + at);
    b.block[b.count].at = got;
    b.block[b.count].size = layout.size;
    b.block[b.count].fill = (unsigned char)next();
    b.align[b.count] = layout.align;
    memset(got, b.block[b.count].fill, layout.size);
    b.count++;
}

static void bump_resize(void)
{
    unsigned i = (unsigned)below(b.count + 1);
    const struct ward_layout now = random_layout();
    struct ward_layout was = { 1, 1 };
    unsigned char *got;
    size_t used = ward_bump_used(&b.bump);

    doing = "bump resize";
    if (i == b.count)
        return;
    was.size = b.block[i].size;
    was.align = b.align[i];
    got = ward_bump_resize(&b.bump, b.block[i].at, was, now);
    if (!got) {
        EXPECT(ward_bump_used(&b.bump) == used);
        return;
    }
    for (size_t k = 0; k < was.size && k < now.size; k++)
        EXPECT(got[k] == b.block[i].fill);
    b.block[i].at = got;
    b.block[i].size = now.size;
    b.align[i] = now.align;
    memset(got, b.block[i].fill, now.size);
}

static void bump_mark_or_rewind(void)
{
    doing = "bump mark and rewind";
    if (b.marks == 0 || (b.marks < 16 && below(2))) {
        b.mark[b.marks].point = ward_bump_mark(&b.bump);
        b.mark[b.marks++].count = b.count;
        return;
    }
    b.marks--;
    EXPECT(ward_bump_rewind(&b.bump, b.mark[b.marks].point) == 0);
    b.count = b.mark[b.marks].count;
}

static void bump_free(void)
{
    struct block *newest = &b.block[b.count ? b.count - 1 : 0];
    size_t used = ward_bump_used(&b.bump);

    doing = "bump free";
    if (b.count == 0 || (b.marks && b.mark[b.marks - 1].count == b.count))
        return;
    ward_bump_free(&b.bump, newest->at, newest->size);
    EXPECT(ward_bump_used(&b.bump) == used ||
           ward_bump_used(&b.bump) == (size_t)(newest->at - b.region->base));
    b.count--;
}

/* A block resized after a mark moves behind it, or grows over it: such marks are given up. */
static void run_bump(void)
{
    struct ward_map map;
    struct ward_split split;

    memset(&b, 0, sizeof b);
    EXPECT(ward_map_init(&map, 256 << 10, below(2) ? WARD_MAP_LAZY : 0) == 0);
    EXPECT(ward_split_init(&split, &map.region, 4096) == 0);
    b.region = below(2) ? &split.region : &map.region;
    EXPECT(ward_bump_init(&b.bump, b.region) == 0);
    for (step = 0; step < 600 && b.count < 511; step++) {
        size_t what = below(100);

        if (what < 60) {
            bump_alloc();
        } else if (what < 75) {
            bump_resize();
            b.marks = 0;
        } else if (what < 85) {
            bump_mark_or_rewind();
        } else if (what < 98) {
            bump_free();
        } else {
            ward_bump_reset(&b.bump);
            b.count = b.marks = 0;
        }
        expect_bump_holds();
    }
    EXPECT(ward_region_fini(&split.region) == 0);
    EXPECT(ward_region_fini(&map.region) == 0);
}

/* --- main ------------------------------------------------------------------------------------- */

static uint64_t seed_of_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000007 + (uint64_t)now.tv_nsec;
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 5;
    time_t end = time(NULL) + (time_t)seconds;

    seed = argc > 2 ? strtoull(argv[2], NULL, 10) : seed_of_now();
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    ward_bug_handle(contain, NULL);
    for (episode = 0; time(NULL) < end; episode++) {
        stream = seed + episode;
        if (below(5))
            run_slab();
        else
            run_bump();
    }
    printf("%lu episodes\n", episode);
    return 0;
}
