/* survives */
/* SPDX-License-Identifier: MIT */
/* Flips every bit of every byte of a slab's metadata that can be written (the state, the rows of
 * the slots, generations, quarantine), for every policy and at several moments of its life, and
 * lets an honest program go on with it. Whatever the bit was: no block is issued twice or
 * outside a slot, none loses its contents, no stale handle is taken, nothing crashes, and
 * reports end. Prints how many flips were seen, and what becomes of a sample of two flips at
 * once.
 *
 * Geometry and secrets are read-only: see damaged_geometry.c. */
#include "attack.h"

enum {
    SIZE_LARGEST = 1024,
    SLOTS_MAX = 300,
    STALE_MAX = 2 * SLOTS_MAX,
    REPORTS_MAX = 8,
    DOUBLES = 300
};

/* Of a slab's life. */
enum moment { FRESH, HALF, FULL, WAITING, FREED, AGAIN, MOMENTS };

static const char *const moment_names[] = { "fresh",        "half full", "full",
                                            "half waiting", "all freed", "filled again" };

struct setting {
    size_t size, align;
    unsigned policy;
    uint32_t slots;
    unsigned every; /* one bit of so many is flipped */
};

/* What the program believes to own. */
struct owned {
    unsigned char *block;
    size_t size;
    unsigned char tag;
    bool disputed; /* its free was reported: it must not be issued any more */
    ward_handle handle;
};

static struct ward_slab slab;
static const struct setting *setting;
static struct owned owned[SLOTS_MAX];
static ward_handle stale[STALE_MAX];
static unsigned stale_count;
static unsigned char next_tag;
static const unsigned char zero[SIZE_LARGEST];
static unsigned char pattern[256 + SIZE_LARGEST]; /* 0, 1, 2, ... */
static const void *freeing;                       /* at this moment */
static bool freed_in_vain;

/* --- violations ------------------------------------------------------------------------------- */

static sigjmp_buf broken;
static const char *broken_how;

__attribute__((noreturn)) static void violated(const char *how)
{
    broken_how = how;
    siglongjmp(broken, 1);
}

#define MUST(C) ((C) ? (void)0 : violated(#C))

static void on_signal(int number)
{
    violated(number == SIGALRM ? "it hangs" : "it crashes");
}

/* --- the honest program ----------------------------------------------------------------------- */

/* The slot of a block, by the geometry, which is trusted. */
static uint32_t slot_of(const void *block)
{
    uint64_t slot = ward_slab_index_(slab.geometry, &slab.geometry->spec, block);

    MUST(slot < slab.geometry->capacity);
    return (uint32_t)slot;
}

static void fill(struct owned *mine)
{
    mine->tag = ++next_tag;
    memcpy(mine->block, pattern + mine->tag, mine->size);
}

static void check_contents(void)
{
    for (uint32_t slot = 0; slot < setting->slots; slot++)
        MUST(!owned[slot].block ||
             memcmp(owned[slot].block, pattern + owned[slot].tag, owned[slot].size) == 0);
}

static bool allocate(size_t size)
{
    unsigned char *block = (unsigned char *)ward_slab_alloc(&slab, size);
    struct owned *mine;

    if (!block)
        return false;
    mine = &owned[slot_of(block)];
    MUST(!mine->block); /* not issued twice */
    MUST(!mine->disputed);
    MUST(!(setting->policy & WARD_ZERO) || memcmp(block, zero, size) == 0);
    mine->block = block;
    mine->size = size;
    mine->handle = ward_slab_handle(&slab, block);
    fill(mine);
    return true;
}

static enum ward_verdict contain(const struct ward_bug *bug, void *arg)
{
    (void)arg;
    attack_seen.reports++;
    freed_in_vain = freed_in_vain || (freeing && (bug->block == freeing || bug->addr == freeing));
    return WARD_CONTAIN;
}

static void give_back(struct owned *mine, bool by_handle)
{
    unsigned char *block = mine->block;

    mine->block = NULL;
    freeing = block;
    freed_in_vain = false;
    if (by_handle && mine->handle.word)
        ward_slab_free_handle(&slab, mine->handle);
    else
        ward_slab_free(&slab, block, mine->size);
    freeing = NULL;
    mine->disputed = freed_in_vain;
    if (mine->handle.word && !mine->disputed && stale_count < STALE_MAX)
        stale[stale_count++] = mine->handle;
}

/* Sizes of all kinds, powers of two among them. */
static size_t some_size(unsigned i)
{
    const size_t sizes[] = { setting->size, 1, setting->size / 2, 16, 8, setting->size - 1 };
    size_t size = sizes[i % (sizeof sizes / sizeof sizes[0])];

    return size && size <= setting->size ? size : setting->size;
}

static unsigned allocate_some(unsigned most)
{
    unsigned got = 0;

    while (got < most && allocate(some_size(got)))
        got++;
    return got;
}

/* Frees one of `of`; in an order that is not that of addresses. */
static void free_some(unsigned of)
{
    for (uint32_t i = 0; i < setting->slots; i++) {
        struct owned *mine = &owned[(i * 11 + 3) % setting->slots];

        if (mine->block && i % of == 0)
            give_back(mine, i % 2);
    }
}

static void check_handles(void)
{
    for (unsigned i = 0; i < stale_count; i++)
        MUST(!ward_slab_get(&slab, stale[i]));
    for (uint32_t slot = 0; slot < setting->slots; slot++) {
        if (!owned[slot].block)
            continue;
        MUST(ward_slab_usable(&slab, owned[slot].block) <= slab.geometry->stride);
        if (owned[slot].handle.word) {
            void *block = ward_slab_get(&slab, owned[slot].handle);

            MUST(!block || block == owned[slot].block);
        }
    }
}

static bool visit(void *block, size_t size, void *arg)
{
    const struct owned *mine = &owned[slot_of(block)];

    (void)arg;
    MUST(size <= slab.geometry->stride);
    MUST(mine->block == block || mine->disputed);
    return true;
}

static void look_around(void)
{
    ward_slab_each(&slab, visit, NULL);
    check_handles();
    check_contents();
}

static void go_on(void)
{
    look_around();
    MUST(ward_slab_release(&slab) >= 0);
    look_around();
    for (int lap = 0; lap < 2; lap++) {
        MUST(allocate_some(setting->slots + 1) <= setting->slots);
        look_around();
        free_some(2);
        allocate_some(setting->slots / 4);
        look_around();
        free_some(1);
        (void)ward_slab_verify(&slab);
    }
    MUST(ward_slab_reset(&slab) == 0);
    memset(owned, 0, setting->slots * sizeof *owned);
    MUST(allocate_some(setting->slots + 1) > 0);
    look_around();
    free_some(1);
    MUST(attack_seen.reports <= REPORTS_MAX);
}

/* --- the same moment again and again ---------------------------------------------------------- */

static struct {
    struct owned owned[SLOTS_MAX];
    ward_handle stale[STALE_MAX];
    unsigned stale_count;
    unsigned char next_tag;
    size_t committed;
    unsigned char *meta, *data; /* copies */
} saved;

static size_t meta_bytes(void)
{
    const struct ward_slab_geometry_ *g = slab.geometry;
    const void *end = g->waiting + g->waiting_random + g->waiting_fifo;

    return (size_t)((uintptr_t)end - (uintptr_t)g->state);
}

static unsigned char *slot(uint32_t index)
{
    return ward_slab_at_(slab.geometry, &slab.geometry->spec, index);
}

static void build(enum moment moment)
{
    const struct ward_slab_spec spec = { { setting->size, setting->align },
                                         setting->policy,
                                         8,
                                         setting->slots / 3 * (setting->size + 8) };

    memset(owned, 0, sizeof owned);
    stale_count = 0;
    attack_seen.reports = 0;
    REQUIRE(ward_slab_fini(&slab) == 0);
    REQUIRE(ward_slab_map(&slab, &spec, setting->slots) == 0);
    REQUIRE(slab.geometry->capacity == setting->slots);
    if (moment != FRESH)
        allocate_some(moment == HALF ? setting->slots / 2 : setting->slots);
    if (moment == WAITING)
        free_some(2);
    if (moment == FREED || moment == AGAIN)
        free_some(1);
    if (moment == AGAIN)
        allocate_some(setting->slots / 2);
    REQUIRE(attack_seen.reports == 0 && ward_slab_verify(&slab));
}

/* Copies every committed slot, and the byte of pattern before it. */
static void copy_data(bool back)
{
    size_t stride = slab.geometry->stride;

    for (uint32_t i = 0; i < slab.geometry->state->fresh; i++) {
        if (back)
            memcpy(slot(i), saved.data + i * stride, stride);
        else
            memcpy(saved.data + i * stride, slot(i), stride);
    }
}

static void save(void)
{
    memcpy(saved.owned, owned, setting->slots * sizeof *owned);
    memcpy(saved.stale, stale, stale_count * sizeof *stale);
    saved.stale_count = stale_count;
    saved.next_tag = next_tag;
    saved.committed = ward_region_committed(ward_slab_data(&slab));
    memcpy(saved.meta, slab.geometry->state, meta_bytes());
    copy_data(false);
}

static void restore(enum moment moment)
{
    attack_seen.reports = 0;
    if (ward_region_committed(ward_slab_data(&slab)) != saved.committed) {
        build(moment);
        save();
        return;
    }
    memcpy(owned, saved.owned, setting->slots * sizeof *owned);
    memcpy(stale, saved.stale, saved.stale_count * sizeof *stale);
    stale_count = saved.stale_count;
    next_tag = saved.next_tag;
    memcpy(slab.geometry->state, saved.meta, meta_bytes());
    copy_data(true);
}

/* --- flips ------------------------------------------------------------------------------------ */

struct tally {
    unsigned long flips, verified, reported, harmless, broken;
};

static void flip(size_t bit)
{
    unsigned char *byte = (unsigned char *)slab.geometry->state + bit / 8;

    *byte ^= (unsigned char)(1u << bit % 8);
}

/* Flips a bit, or two, and goes on. False: what must not happen did. */
static bool survives(enum moment moment, size_t one, size_t other, struct tally *tally)
{
    bool verified;

    restore(moment);
    flip(one);
    if (other != one)
        flip(other);
    tally->flips++;
    alarm(30);
    if (sigsetjmp(broken, 1)) {
        tally->broken++;
        return false;
    }
    verified = !ward_slab_verify(&slab);
    go_on();
    tally->verified += verified;
    tally->reported += attack_seen.reports != 0;
    tally->harmless += !verified && attack_seen.reports == 0;
    return true;
}

static void flip_each(enum moment moment, struct tally *tally)
{
    size_t bits = meta_bytes() * 8;

    for (size_t bit = moment % setting->every; bit < bits; bit += setting->every) {
        if (survives(moment, bit, bit, tally))
            continue;
        fprintf(stderr, "policy %u, %u slots of %zu, %s: bit %zu of byte %zu: not so: %s\n",
                setting->policy, setting->slots, setting->size, moment_names[moment], bit % 8,
                bit / 8, broken_how);
        exit(1);
    }
}

static size_t below(size_t n)
{
    static uint64_t state = 1; /* a fixed seed */

    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)((state >> 33) % n);
}

/* Two at once, for information. */
static void flip_pairs(enum moment moment, struct tally *tally)
{
    size_t bits = meta_bytes() * 8;

    for (int i = 0; i < DOUBLES; i++)
        if (!survives(moment, below(bits), below(bits), tally))
            build(moment), save();
}

static void print(const char *what, const struct tally *tally)
{
    printf("%s: %lu; seen by verify %lu, reported %lu, harmless %lu, broken %lu\n", what,
           tally->flips, tally->verified, tally->reported, tally->harmless, tally->broken);
}

static const struct setting settings[] = {
    { 40, 8, WARD_PLAIN, 24, 1 },
    { 40, 8, WARD_RANDOM_SLOT, 24, 1 },
    { 40, 8, WARD_ZERO, 24, 1 },
    { 40, 8, WARD_POISON, 24, 1 },
    { 40, 8, WARD_CANARY, 24, 1 },
    { 40, 8, WARD_QUARANTINE, 24, 1 },
    { 40, 8, WARD_GENERATION, 24, 1 },
    { 40, 8, WARD_SPAN_GUARD, 24, 1 },
    { 40, 8, WARD_STATISTICS, 24, 1 },
    { 40, 8, WARD_HARDENED, 24, 1 },
    { 40, 8, WARD_PARANOID & ~(unsigned)WARD_LOCK_META, 24, 1 },
    { 64, 1, WARD_HARDENED | WARD_GENERATION | WARD_STATISTICS, 7, 1 },
    { 8, 1, WARD_PLAIN, 1, 1 },
    /* More than are made ready at once, on pages committed one by one: only a sample. */
    { SIZE_LARGEST, 1, WARD_PLAIN, SLOTS_MAX, 61 },
    { SIZE_LARGEST, 1, WARD_HARDENED, SLOTS_MAX, 61 },
    { SIZE_LARGEST, 1, WARD_GENERATION | WARD_QUARANTINE, SLOTS_MAX, 61 },
};

int main(void)
{
    const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGALRM };
    struct tally singles = { 0 }, pairs = { 0 };

    ward_bug_handle(contain, NULL);
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (unsigned char)i;
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], on_signal);
    saved.meta = (unsigned char *)malloc(1 << 20);
    saved.data = (unsigned char *)malloc((size_t)SLOTS_MAX * SIZE_LARGEST * 2);
    REQUIRE(saved.meta && saved.data);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        setting = &settings[i];
        for (enum moment moment = FRESH; moment < MOMENTS; moment++) {
            build(moment);
            save();
            flip_each(moment, &singles);
            if (setting->every == 1)
                flip_pairs(moment, &pairs);
        }
    }
    print("single flips", &singles);
    print("pairs of flips", &pairs);
    return 0;
}
