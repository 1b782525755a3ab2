/* SPDX-License-Identifier: MIT */
/*
 * The slab against what people use instead: an in-line free list without any check, and the C
 * library's malloc; and each defence on its own against the plain slab.
 *
 *   pair   alloc, free at once: the hot slot
 *   burst  256 allocs, then 256 frees in a fixed shuffled order; the figure is per alloc and free
 *
 * Every side goes through functions that are not inlined, with a size the compiler does not know.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/slab.h>

#include "bench.h"

enum { CAPACITY = 65536, BURST = 256 };

#define NOINLINE     __attribute__((noinline))
#define MAYBE_UNUSED __attribute__((unused))

/* --- the peers -------------------------------------------------------------------------------- */

/* The slab everybody writes first: the link lies in the free block. */
struct inline_slab {
    void **head;
};

static void inline_init(struct inline_slab *s, size_t stride)
{
    char *blocks = calloc(CAPACITY, stride);

    if (!blocks)
        abort();
    s->head = NULL;
    for (size_t i = CAPACITY; i-- > 0;) {
        void **block = (void **)(void *)(blocks + i * stride);

        *block = s->head;
        s->head = block;
    }
}

static NOINLINE void *inline_alloc(struct inline_slab *s, size_t size)
{
    void **block = s->head;

    (void)size;
    if (!block)
        return NULL;
    s->head = *block;
    return block;
}

static NOINLINE void inline_free(struct inline_slab *s, void *at, size_t size)
{
    void **block = at;

    (void)size;
    *block = s->head;
    s->head = block;
}

static NOINLINE void *glibc_alloc(int *unused, size_t size)
{
    (void)unused;
    return malloc(size);
}

static NOINLINE void glibc_free(int *unused, void *block, size_t size)
{
    (void)unused;
    (void)size;
    free(block);
}

/* --- the work --------------------------------------------------------------------------------- */

/* A fixed shuffle of 0 .. BURST - 1: each step can be undone. */
static unsigned shuffled(unsigned i)
{
    unsigned x = (i * 167 + 13) % BURST;

    return x ^ x >> 4;
}

#define PAIRS(NAME, OBJECT, ALLOC, FREE, SIZE)                                                     \
    static MAYBE_UNUSED void NAME##_pair(size_t count)                                             \
    {                                                                                              \
        __typeof__(OBJECT) object = BENCH_HIDE_POINTER(OBJECT);                                    \
        size_t size = bench_hide(SIZE);                                                            \
                                                                                                   \
        for (size_t i = 0; i < count; i++) {                                                       \
            void *block = ALLOC(object, size);                                                     \
                                                                                                   \
            bench_use(block);                                                                      \
            FREE(object, block, size);                                                             \
        }                                                                                          \
    }

#define BURSTS(NAME, OBJECT, ALLOC, FREE, SIZE)                                                    \
    static MAYBE_UNUSED void NAME##_burst(size_t count)                                            \
    {                                                                                              \
        __typeof__(OBJECT) object = BENCH_HIDE_POINTER(OBJECT);                                    \
        size_t size = bench_hide(SIZE);                                                            \
        void *blocks[BURST];                                                                       \
                                                                                                   \
        for (size_t done = 0; done < count; done += BURST) {                                       \
            for (unsigned i = 0; i < BURST; i++) {                                                 \
                blocks[i] = ALLOC(object, size);                                                   \
                bench_use(blocks[i]);                                                              \
            }                                                                                      \
            for (unsigned i = 0; i < BURST; i++)                                                   \
                FREE(object, blocks[shuffled(i)], size);                                           \
        }                                                                                          \
    }

#define WORK(NAME, OBJECT, ALLOC, FREE, SIZE)                                                      \
    PAIRS(NAME, OBJECT, ALLOC, FREE, SIZE)                                                         \
    BURSTS(NAME, OBJECT, ALLOC, FREE, SIZE)

/* --- the contenders --------------------------------------------------------------------------- */

#define INLINE_SLAB(SIZE)                                                                          \
    static struct inline_slab inline##SIZE;                                                        \
    WORK(inline##SIZE, &inline##SIZE, inline_alloc, inline_free, SIZE)

#define GLIBC(SIZE)                                                                                \
    static int glibc##SIZE;                                                                        \
    WORK(glibc##SIZE, &glibc##SIZE, glibc_alloc, glibc_free, SIZE)

/* A slab whose geometry is a constant, as WARD_SLAB_DEFINE makes it. */
#define SLAB(NAME, SIZE, POLICY)                                                                   \
    static const struct ward_slab_spec NAME##SIZE##_spec = { { SIZE, 8 }, POLICY, 0, 0 };          \
    static struct ward_slab NAME##SIZE;                                                            \
    static NOINLINE void *NAME##SIZE##_alloc(struct ward_slab *s, size_t size)                     \
    {                                                                                              \
        return ward_slab_alloc_(s, &NAME##SIZE##_spec, size);                                      \
    }                                                                                              \
    static NOINLINE void NAME##SIZE##_free(struct ward_slab *s, void *block, size_t size)          \
    {                                                                                              \
        ward_slab_free_(s, &NAME##SIZE##_spec, block, size);                                       \
    }                                                                                              \
    WORK(NAME##SIZE, &NAME##SIZE, NAME##SIZE##_alloc, NAME##SIZE##_free, SIZE)

/* The same slab through the library's functions: geometry and policy read at run time. */
#define RUNTIME(NAME, SIZE)                                                                        \
    WORK(NAME##SIZE##_runtime, &NAME##SIZE, ward_slab_alloc, ward_slab_free, SIZE)

/* What the bar for a hardened pool is about: everything but the quarantine. */
#define HARDENED_NOW            (WARD_RANDOM_SLOT | WARD_ZERO | WARD_CANARY)

#define SIZES(OF)               OF(8) OF(64) OF(256)
#define PLAIN_(SIZE)            SLAB(plain, SIZE, WARD_PLAIN)
#define HARDENED_(SIZE)         SLAB(hardened, SIZE, HARDENED_NOW)
#define PRESET_(SIZE)           SLAB(preset, SIZE, WARD_HARDENED)
#define PARANOID_(SIZE)         SLAB(paranoid, SIZE, WARD_PARANOID)
#define PLAIN_RUNTIME_(SIZE)    RUNTIME(plain, SIZE)
#define HARDENED_RUNTIME_(SIZE) RUNTIME(hardened, SIZE)

SIZES(INLINE_SLAB)
SIZES(GLIBC)
SIZES(PLAIN_)
SIZES(HARDENED_)
SIZES(PRESET_)
SIZES(PARANOID_)
SIZES(PLAIN_RUNTIME_)
SIZES(HARDENED_RUNTIME_)

SLAB(random, 64, WARD_RANDOM_SLOT)
SLAB(zero, 64, WARD_ZERO)
SLAB(poison, 64, WARD_POISON)
SLAB(canary, 64, WARD_CANARY)
SLAB(quarantine, 64, WARD_QUARANTINE)
SLAB(generation, 64, WARD_GENERATION)
SLAB(span_guard, 64, WARD_SPAN_GUARD)
SLAB(lock_meta, 64, WARD_LOCK_META)
SLAB(statistics, 64, WARD_STATISTICS)

#define CASE(NAME, OURS, PEER, BAR)                                                                \
    {                                                                                              \
        "walls." NAME, #OURS, PEER_NAME, OURS, PEER, BAR                                           \
    }

#define VS_INLINE(NAME, SIZE, WHAT, BAR)                                                           \
    {                                                                                              \
        "walls." #NAME "." #WHAT #SIZE, #NAME, "inline", NAME##SIZE##_##WHAT,                      \
            inline##SIZE##_##WHAT, BAR                                                             \
    }
#define VS_GLIBC(NAME, SIZE, WHAT, BAR)                                                            \
    {                                                                                              \
        "walls." #NAME "." #WHAT #SIZE, #NAME, "glibc", NAME##SIZE##_##WHAT, glibc##SIZE##_##WHAT, \
            BAR                                                                                    \
    }
#define VS_PLAIN(NAME)                                                                             \
    { "walls." #NAME ".pair64", #NAME, "plain", NAME##64_pair, plain64_pair, 0 },                  \
    {                                                                                              \
        "walls." #NAME ".burst64", #NAME, "plain", NAME##64_burst, plain64_burst, 0                \
    }
#define RUNTIME_CASE(NAME, SIZE, WHAT, PEER)                                                       \
    {                                                                                              \
        "walls." #NAME "_runtime." #WHAT #SIZE, #NAME, #PEER, NAME##SIZE##_runtime_##WHAT,         \
            PEER##SIZE##_##WHAT, 0                                                                 \
    }

static const struct bench_case cases[] = {
    VS_INLINE(plain, 8, pair, 2.3),
    VS_INLINE(plain, 64, pair, 0),
    VS_INLINE(plain, 256, pair, 0),
    VS_INLINE(plain, 8, burst, 0),
    VS_INLINE(plain, 64, burst, 0),
    VS_INLINE(plain, 256, burst, 1.1),
    VS_GLIBC(plain, 64, pair, 0),
    VS_GLIBC(plain, 64, burst, 0),
    VS_GLIBC(hardened, 8, pair, 0),
    VS_GLIBC(hardened, 64, pair, 1.2),
    VS_GLIBC(hardened, 256, pair, 0),
    VS_GLIBC(hardened, 8, burst, 0),
    VS_GLIBC(hardened, 64, burst, 0),
    VS_GLIBC(hardened, 256, burst, 0),
    VS_GLIBC(preset, 8, pair, 0),
    VS_GLIBC(preset, 64, pair, 0),
    VS_GLIBC(preset, 256, pair, 0),
    VS_GLIBC(preset, 8, burst, 0),
    VS_GLIBC(preset, 64, burst, 0),
    VS_GLIBC(preset, 256, burst, 0),
    VS_GLIBC(paranoid, 64, pair, 0),
    VS_GLIBC(paranoid, 64, burst, 0),
    RUNTIME_CASE(plain, 8, pair, inline),
    RUNTIME_CASE(plain, 256, burst, inline),
    RUNTIME_CASE(hardened, 64, pair, glibc),
    RUNTIME_CASE(hardened, 64, burst, glibc),
    VS_PLAIN(random),
    VS_PLAIN(zero),
    VS_PLAIN(poison),
    VS_PLAIN(canary),
    VS_PLAIN(quarantine),
    VS_PLAIN(generation),
    VS_PLAIN(span_guard),
    VS_PLAIN(lock_meta),
    VS_PLAIN(statistics),
};

static void map(struct ward_slab *slab, const struct ward_slab_spec *spec)
{
    int err = ward_slab_map(slab, spec, CAPACITY);

    if (err) {
        fprintf(stderr, "ward_slab_map: error %d\n", -err);
        exit(1);
    }
}

#define MAP(NAME, SIZE) map(&NAME##SIZE, &NAME##SIZE##_spec);
#define MAP_SIZE(SIZE)                                                                             \
    inline_init(&inline##SIZE, SIZE);                                                              \
    MAP(plain, SIZE) MAP(hardened, SIZE) MAP(preset, SIZE) MAP(paranoid, SIZE)

/* Without protection keys a row of lock_meta would measure no lock: it is left out. */
static size_t choose_cases(struct bench_case *chosen, bool locked)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (locked || strcmp(cases[i].ours_name, "lock_meta") != 0)
            chosen[n++] = cases[i];
    return n;
}

int main(int argc, char **argv)
{
    static struct bench_case chosen[sizeof cases / sizeof *cases];
    struct ward_slab_info info;

    SIZES(MAP_SIZE)
    MAP(random, 64)
    MAP(zero, 64)
    MAP(poison, 64)
    MAP(canary, 64)
    MAP(quarantine, 64)
    MAP(generation, 64)
    MAP(span_guard, 64)
    MAP(lock_meta, 64)
    MAP(statistics, 64)
    ward_slab_info_get(&lock_meta64, &info);
    if (!info.locked)
        fprintf(stderr,
                "no protection keys here: no rows of lock_meta, and paranoid is unlocked\n");
    return bench_main(argc, argv, chosen, choose_cases(chosen, info.locked));
}
