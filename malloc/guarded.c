/* SPDX-License-Identifier: MIT */
#include <ward/host.h>

#include "door.h"
#include "guarded.h"
#include "guarded_check.h"
#include "memory.h"
#include "start.h"
#include "status.h"

enum {
    RANGE_LOG2 = 36,         /* to a class, where all blocks go there */
    RANGE_LOG2_SAMPLED = 32, /* for the sample */
    RANGE_LOG2_LEAST = 22,
    CLASSES_SAMPLED = 6, /* of which the largest holds any small block */
    COMMITTED_LOG2 = 23, /* larger slots are opened and closed as mappings */
    SHARE = 8,           /* of a short address space, what the sample may have */
    LOOKS = 32,          /* at slots that may be free, before a new one is taken */
    LOOKS_FULL = 1024,   /* the same when there are no new ones */
};

static struct guarded_pool *const pools = ward_root_.guarded_pools;
static _Atomic size_t opened; /* bytes of pages of all that are live */

/* --- Start ------------------------------------------------------------------------------------ */

static size_t pitch_of(unsigned class)
{
    return (2 * ward_root_.page) << class;
}

static void lay_out(unsigned class, bool markers)
{
    struct guarded_class *info = &ward_root_.guarded.classes[class];
    size_t count = ((size_t)1 << ward_root_.guarded.range_log2) / pitch_of(class);

    info->pitch_log2 = (uint8_t)__builtin_ctzll(pitch_of(class));
    info->count = (uint32_t)count;
    info->wait = (uint32_t)(count / 4 < GUARDED_WAIT ? count / 4 : GUARDED_WAIT);
    info->committed = markers && info->pitch_log2 <= COMMITTED_LOG2;
}

/* The records of each class begin on a page of their own. Returns the bytes of them all; at: 0 if
 * only that is asked. */
static size_t place_records(unsigned classes, uintptr_t at)
{
    size_t off = 0;

    for (unsigned class = 0; class < classes; class ++) {
        struct guarded_class *info = &ward_root_.guarded.classes[class];

        info->base = ward_root_.guarded.base + ((size_t) class << ward_root_.guarded.range_log2);
        info->slots = (struct guarded *)(at + off);
        off += round_up(info->count * sizeof(struct guarded), ward_root_.page);
    }
    return off;
}

/* False: no room, and nothing is reserved. */
static bool reserve(unsigned classes, unsigned range_log2)
{
    struct guarded_root *root = &ward_root_.guarded;
    size_t bytes = (size_t)classes << range_log2;
    unsigned char *records;
    bool markers;

    if (ward_root_.shared.bytes && bytes > ward_root_.shared.bytes)
        return false; /* address space is short, and others need some */
    root->range_log2 = range_log2;
    root->base = ward_reserve_(bytes, WARD_NONE);
    if (!root->base)
        return false;
    markers = ward_host_advise(root->base, ward_root_.page, WARD_HOST_GUARD) == 0;
    for (unsigned class = 0; class < classes; class ++)
        lay_out(class, markers);
    records = ward_reserve_(place_records(classes, 0), WARD_READ);
    if (!records) {
        ward_unreserve_(root->base, bytes);
        root->base = NULL;
        return false;
    }
    (void)place_records(classes, (uintptr_t)records);
    (void)!ward_host_advise(root->base, bytes, WARD_HOST_HUGE_OFF);
    root->bytes = bytes;
    return true;
}

static void unreserve(unsigned classes)
{
    void *records = ward_root_.guarded.classes[0].slots;

    ward_unreserve_(records, place_records(classes, 0));
    ward_unreserve_(ward_root_.guarded.base, ward_root_.guarded.bytes);
    ward_root_.guarded.bytes = 0;
}

/* What is left of a short address space is the program's, too: then half of what there is room for
 * must do, and the sample does without if it would take much of it. */
bool ward_guarded_start_(void)
{
    bool all = (ward_root_.policy & POLICY_PAGES) != 0;
    unsigned classes = all ? GUARDED_CLASSES : CLASSES_SAMPLED;
    unsigned log2 = all ? RANGE_LOG2 : RANGE_LOG2_SAMPLED;
    size_t memory = all ? ward_moment_memory_() / 2 : 0;

    ward_root_.guarded.memory = memory ? memory : SIZE_MAX;
    if (!all && ward_root_.shared.bytes &&
        (size_t)classes << log2 > ward_root_.shared.bytes / SHARE)
        return false;
    if (reserve(classes, log2))
        return true;
    while (all && --log2 > RANGE_LOG2_LEAST)
        if (reserve(classes, log2)) {
            unreserve(classes);
            return reserve(classes, log2 - 1);
        }
    return false;
}

/* --- Taking a slot ---------------------------------------------------------------------------- */

/* One that was freed long enough ago. */
static struct guarded *reuse(const struct guarded_class *class, struct guarded_pool *pool)
{
    uint32_t made = LOAD(&pool->next), looks = made < class->count ? LOOKS : LOOKS_FULL;

    if (made == 0 || LOAD(&pool->issued) < class->wait)
        return NULL;
    for (uint32_t i = 0; i < looks; i++) {
        uint32_t number = atomic_fetch_add(&pool->cursor, 1) % made, state = GUARDED_FREE;
        struct guarded *slot = &class->slots[number];

        if (atomic_load(&slot->state) == GUARDED_FREE &&
            LOAD(&pool->issued) - LOAD(&slot->freed_at) >= class->wait &&
            atomic_compare_exchange_strong(&slot->state, &state, GUARDED_BETWEEN))
            return slot;
    }
    return NULL;
}

enum { FIRST_STEP = 64 << 10 };

static bool commit(const struct guarded_class *class, struct guarded_pool *pool, size_t count)
{
    struct prefix records = { (unsigned char *)class->slots, FIRST_STEP,
                              round_up(class->count * sizeof(struct guarded), ward_root_.page),
                              false };
    struct prefix blocks = { class->base, FIRST_STEP, (size_t) class->count << class->pitch_log2,
                             true };

    return ward_memory_commit_(&records, &pool->records, count * sizeof(struct guarded)) &&
           (!class->committed ||
            ward_memory_commit_(&blocks, &pool->blocks, count << class->pitch_log2));
}

static unsigned char *start_of(const struct guarded_class *class, const struct guarded *slot)
{
    return class->base + ((size_t)(slot - class->slots) << class->pitch_log2);
}

/* One that nobody ever had. All of it is shut. */
static struct guarded *make(const struct guarded_class *class, struct guarded_pool *pool)
{
    uint32_t number = LOAD(&pool->next);

    do {
        if (number >= class->count)
            return NULL;
    } while (!atomic_compare_exchange_weak(&pool->next, &number, number + 1));
    if (!commit(class, pool, (size_t)number + 1))
        return NULL; /* the number is lost: memory is short anyway */
    return &class->slots[number];
}

static struct guarded *take(const struct guarded_class *class, struct guarded_pool *pool)
{
    struct guarded *slot = reuse(class, pool);

    return slot ? slot : make(class, pool);
}

/* --- Its pages -------------------------------------------------------------------------------- */

static bool open(const struct guarded_class *class, struct guarded_pages pages)
{
    if (pages.len == 0)
        return true;
    if (class->committed)
        return ward_host_advise(pages.at, pages.len, WARD_HOST_UNGUARD) == 0;
    if (!ward_memory_budget_take_())
        return false;
    if (ward_host_protect(pages.at, pages.len, WARD_RW | WARD_HOST_KEEP_KEY) == 0)
        return true;
    ward_memory_budget_give_();
    return false;
}

/* False: they cannot be shut (memory that the program locked); then at least they are empty. */
static bool shut(const struct guarded_class *class, struct guarded_pages pages)
{
    if (pages.len == 0 ||
        (class->committed && ward_host_advise(pages.at, pages.len, WARD_HOST_GUARD) == 0))
        return true;
    ward_memory_release_(pages.at, pages.len);
    if (class->committed || ward_host_protect(pages.at, pages.len, WARD_NONE | WARD_HOST_KEEP_KEY))
        return false;
    ward_memory_budget_give_();
    return true;
}

static bool afford(size_t len)
{
    if (atomic_fetch_add(&opened, len) + len <= ward_root_.guarded.memory)
        return true;
    atomic_fetch_sub(&opened, len);
    return false;
}

/* --- Allocating ------------------------------------------------------------------------------- */

/* The class of a slot that has room for the block, whatever its number, and a guard. */
static unsigned class_for(size_t size, size_t align)
{
    size_t room = align > ward_root_.page ? size + align : round_up(size, align), pages;

    pages = (room + 2 * ward_root_.page - 1) / ward_root_.page;
    return pages <= 2 ? 0 : 63 - (unsigned)__builtin_clzll(pages - 1);
}

/* The slot holds the block from now on. */
static void *settle(struct guarded_pool *pool, struct guarded *slot)
{
    struct guarded_pages pages = guarded_pages(slot);

    if (pages.len)
        ward_guarded_arm_(slot);
    slot->family = 0;
    slot->issued = ward_moment_take_();
    slot->freed = (struct moment){ 0, 0, 0 };
    atomic_store(&slot->state, GUARDED_LIVE);
    atomic_fetch_add(&pool->issued, 1);
    status_add(WARD_STATUS_GUARDED, 1);
    status_add(WARD_STATUS_GUARDED_LIVE, 1);
    status_add(WARD_STATUS_GUARDED_BYTES, slot->size);
    ward_status_use_(slot->size);
    ward_status_look_();
    atomic_fetch_add(&pool->live, 1);
    atomic_fetch_add(&pool->used, slot->size);
    atomic_fetch_add(&pool->open, pages.len);
    return slot->block;
}

/* It could not be opened: the next may have it. */
static void *give_up(struct guarded_pool *pool, struct guarded *slot)
{
    slot->size = 0;
    STORE(&slot->freed_at, LOAD(&pool->issued));
    atomic_store(&slot->state, GUARDED_FREE);
    return NULL;
}

static void *alloc(unsigned number, size_t size, size_t align)
{
    const struct guarded_class *class = &ward_root_.guarded.classes[number];
    struct guarded_pool *pool = &pools[number];
    struct guarded *slot;
    struct guarded_pages pages;
    unsigned char *end;

    if (!class->count || !(slot = take(class, pool)))
        return NULL;
    end = start_of(class, slot) + ((size_t)1 << class->pitch_log2) - ward_root_.page;
    slot->size = size;
    slot->block = end - size - ((uintptr_t)(end - size) & (align - 1));
    pages = guarded_pages(slot);
    if (!afford(pages.len))
        return give_up(pool, slot);
    if (open(class, pages))
        return settle(pool, slot);
    atomic_fetch_sub(&opened, pages.len);
    return give_up(pool, slot);
}

void *ward_guarded_alloc_(size_t size, size_t align)
{
    unsigned number = class_for(size, align);
    bool door = door_open(POLICY_KEYS);
    void *block = number < GUARDED_CLASSES ? alloc(number, size, align) : NULL;

    door_close(door);
    return block;
}

void *ward_guarded_page_(size_t size, size_t align)
{
    static const char text[] = "==ward== pages: no memory, addresses or mappings are left for all "
                               "blocks: others are as in balanced\n";
    static _Atomic bool said;
    void *block;

    if (ward_root_.guarded.exact && align == CLASS_STEP)
        align = 1;
    block = ward_guarded_alloc_(size, align);
    if (!block && class_for(size, align) < GUARDED_CLASSES && !atomic_exchange(&said, true))
        ward_host_write(text, sizeof text - 1);
    return block;
}

/* --- Freeing ---------------------------------------------------------------------------------- */

bool ward_guarded_find_(const void *addr, struct guarded_place *place)
{
    size_t off = (uintptr_t)addr - (uintptr_t)ward_root_.guarded.base, mask;
    const struct guarded_class *class =
        &ward_root_.guarded.classes[off >> ward_root_.guarded.range_log2];

    if (off >= ward_root_.guarded.bytes)
        return false;
    mask = ((size_t)1 << ward_root_.guarded.range_log2) - 1;
    place->class = class;
    place->slot = &class->slots[(off & mask) >> class->pitch_log2];
    place->start = start_of(class, place->slot);
    return atomic_load(&place->slot->state) != GUARDED_NEVER && place->slot->block;
}

static void retire(struct guarded_pool *pool, struct guarded *slot, size_t len)
{
    atomic_fetch_sub(&pool->live, 1);
    status_sub(WARD_STATUS_GUARDED_LIVE, 1);
    status_sub(WARD_STATUS_GUARDED_BYTES, slot->size);
    status_unuse(slot->size);
    atomic_fetch_sub(&pool->used, slot->size);
    atomic_fetch_sub(&pool->open, len);
    atomic_fetch_sub(&opened, len);
}

static void free_slot(void *block)
{
    uint32_t live = GUARDED_LIVE, then = GUARDED_RETIRED;
    struct guarded_place place;
    struct guarded_pages pages;
    struct guarded_pool *pool;

    if (!ward_guarded_find_(block, &place)) {
        ward_guarded_bad_free_(block, NULL);
        return;
    }
    if (place.slot->block != block ||
        !atomic_compare_exchange_strong(&place.slot->state, &live, GUARDED_BETWEEN)) {
        ward_guarded_bad_free_(block, place.slot);
        return;
    }
    pool = &pools[place.class - ward_root_.guarded.classes];
    pages = guarded_pages(place.slot);
    place.slot->freed = ward_moment_take_();
    if (!ward_guarded_is_damaged_(place.slot) && shut(place.class, pages))
        then = GUARDED_FREE;
    retire(pool, place.slot, pages.len);
    STORE(&place.slot->freed_at, LOAD(&pool->issued));
    atomic_store(&place.slot->state, then);
}

void ward_guarded_free_(void *block)
{
    bool door = door_open(POLICY_KEYS);

    free_slot(block);
    door_close(door);
}

/* --- Asking ----------------------------------------------------------------------------------- */

size_t ward_guarded_size_(const void *block)
{
    bool door = door_open(POLICY_KEYS);
    struct guarded_place place;
    size_t size = ward_guarded_find_(block, &place) && place.slot->block == block &&
                          atomic_load(&place.slot->state) == GUARDED_LIVE
                      ? place.slot->size
                      : SIZE_MAX;

    door_close(door);
    return size;
}

size_t ward_guarded_sampled_(void)
{
    size_t live = 0;

    for (unsigned class = 0; class < CLASSES_SAMPLED; class ++)
        live += LOAD(&pools[class].live);
    return live;
}

struct guarded_counts ward_guarded_count_(void)
{
    struct guarded_counts sum = { .live = 0 };

    for (unsigned class = 0; class < GUARDED_CLASSES && ward_root_.guarded.bytes; class ++) {
        bool big = pitch_of(class) > CLASS_MAX;

        *(big ? &sum.big : &sum.live) += LOAD(&pools[class].live);
        *(big ? &sum.big_open : &sum.open) += LOAD(&pools[class].open);
        sum.used += big ? 0 : LOAD(&pools[class].used);
    }
    return sum;
}
