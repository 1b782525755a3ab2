/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include <ward/host.h>

#include "door.h"
#include "foreign.h"
#include "kept.h"
#include "mapped.h"
#include "report.h"
#include "slow.h"
#include "status.h"

/* --- The table -------------------------------------------------------------------------------- */

static size_t hash(uintptr_t at)
{
    return (size_t)((at / ward_root_.page) * UINT64_C(0x9e3779b97f4a7c15) >> 40) %
           ward_root_.huge_count;
}

static size_t next(size_t i)
{
    return (i + 1) % ward_root_.huge_count;
}

/* The entry of a block that is live, else of one that was freed there; NULL: none. */
static struct huge *lookup(const void *block)
{
    struct huge *freed = NULL;

    if (!ward_root_.huge) /* the malloc could not start */
        return NULL;
    for (size_t i = hash((uintptr_t)block), n = 0; n < ward_root_.huge_count; i = next(i), n++) {
        uintptr_t at = atomic_load(&ward_root_.huge[i].at);

        if (at == (uintptr_t)block)
            return &ward_root_.huge[i];
        if (at == ((uintptr_t)block | HUGE_FREED) || at == ((uintptr_t)block | HUGE_HELD))
            freed = &ward_root_.huge[i];
        if (at == 0)
            break;
    }
    return freed;
}

/* The same of a live block only. */
static struct huge *lookup_live(const void *block)
{
    struct huge *entry = lookup(block);

    return entry && atomic_load(&entry->at) == (uintptr_t)block ? entry : NULL;
}

static bool is_vacant(uintptr_t at)
{
    return at == 0 || at == HUGE_NEVER || (at > HUGE_NEVER && (at & HUGE_HELD) == HUGE_FREED);
}

static struct huge *claim(uintptr_t block)
{
    for (size_t i = hash(block), n = 0; n < ward_root_.huge_count; i = next(i), n++) {
        uintptr_t at = atomic_load(&ward_root_.huge[i].at);

        if (is_vacant(at) &&
            atomic_compare_exchange_strong(&ward_root_.huge[i].at, &at, HUGE_CLAIMED))
            return &ward_root_.huge[i];
    }
    return NULL;
}

/* --- Addresses that wait ---------------------------------------------------------------------- */

enum { SEATS = 8 };

static _Atomic uint32_t seats[SEATS], turn; /* 1 + the number of an entry; 0: nobody */

/* Who had the seat leaves: its addresses may be anybody's. True: there was one. */
static bool seat_next(uint32_t seat, uint32_t sitter)
{
    uint32_t was = atomic_exchange(&seats[seat], sitter);
    struct huge *entry;
    uintptr_t at;

    if (was == 0)
        return false;
    entry = &ward_root_.huge[was - 1];
    at = atomic_exchange(&entry->at, HUGE_CLAIMED);
    (void)!ward_host_unmap(entry->origin, entry->mapped);
    atomic_store(&entry->at, (at & ~(uintptr_t)HUGE_HELD) | HUGE_FREED);
    return true;
}

static bool empty_seats(void)
{
    bool any = false;

    for (uint32_t seat = 0; seat < SEATS; seat++)
        any |= seat_next(seat, 0);
    return any;
}

bool ward_mapped_trim_(void)
{
    bool opened = door_open(POLICY_KEYS), any = empty_seats();

    door_close(opened);
    return any;
}

/* Of a block whose mapping is gone: by policy nothing else comes to its addresses for a while. What
 * came already stays. */
static void leave(struct huge *entry, unsigned char *block)
{
    void *at = entry->origin;

    if (!(ward_root_.policy & POLICY_LONG) || ward_root_.shared.bytes ||
        ward_host_map(&at, entry->mapped, WARD_HOST_ANON, WARD_NONE, 0)) {
        atomic_store(&entry->at, (uintptr_t)block | HUGE_FREED);
        return;
    }
    atomic_store(&entry->at, (uintptr_t)block | HUGE_HELD);
    (void)seat_next(atomic_fetch_add(&turn, 1) % SEATS, (uint32_t)(entry - ward_root_.huge) + 1);
}

/* --- Allocating ------------------------------------------------------------------------------- */

static size_t guard_bytes(struct owner *owner)
{
    return ward_root_.page * (1 + ward_random_below_(&owner->random, ward_root_.fork_word, 16));
}

static void *map_block(struct owner *owner, size_t size, size_t align)
{
    size_t inner = pages_for(size), front = guard_bytes(owner), back = guard_bytes(owner), mapped;
    unsigned char *block;
    struct huge *entry;
    void *origin = NULL;

    if (inner < size || __builtin_add_overflow(inner, front + align + back, &mapped) ||
        mapped > (size_t)PTRDIFF_MAX)
        return NULL;
    if (ward_host_map(&origin, mapped, WARD_HOST_ANON, WARD_NONE, 0)) {
        status_add(WARD_STATUS_NO_MEMORY, 1);
        return NULL;
    }
    block = (unsigned char *)round_up((uintptr_t)origin + front, align);
    entry = ward_host_protect(block, inner, WARD_RW | WARD_HOST_KEEP_KEY) ? NULL
                                                                          : claim((uintptr_t)block);
    if (!entry) {
        (void)!ward_host_unmap(origin, mapped);
        return NULL;
    }
    POKE(entry->size, size);
    entry->origin = origin;
    entry->mapped = mapped;
    entry->family = 0;
    atomic_store(&entry->at, (uintptr_t)block);
    status_add(WARD_STATUS_BIG_ALLOCS, 1);
    ward_kept_use_(inner);
    if (ward_root_.policy & POLICY_SLACK)
        slack_arm(block, size, inner - size);
    return block;
}

void *ward_mapped_alloc_(struct owner *owner, size_t size, size_t align)
{
    bool opened = door_open(POLICY_KEYS);
    void *block = map_block(owner, size, align);

    if (!block && empty_seats())
        block = map_block(owner, size, align);
    door_close(opened);
    return block;
}

/* --- Freeing ---------------------------------------------------------------------------------- */

static void free_foreign(void *block)
{
    bool shut = door_shut();

    status_add(WARD_STATUS_FOREIGN, 1);
    ward_root_.foreign.free(block);
    door_reopen(shut);
}

/* The entry is nobody else's until the mapping is gone: then another block may have it. */
static void unmap_block(unsigned char *block)
{
    struct huge *entry = lookup(block);
    uintptr_t live = (uintptr_t)block;

    if (!entry && ward_foreign_has_(block)) {
        free_foreign(block);
        return;
    }
    if (!entry) {
        ward_report_(WARD_BUG_WILD_FREE, block, NULL, "no block was ever there");
        return;
    }
    if (!atomic_compare_exchange_strong(&entry->at, &live, HUGE_CLAIMED)) {
        ward_report_(WARD_BUG_DOUBLE_FREE, block, NULL, "the block is free already");
        return;
    }
    if (ward_root_.policy & POLICY_SLACK &&
        !slack_is(block, entry->size, pages_for(entry->size) - entry->size))
        ward_report_overflow_(block, entry->size, pages_for(entry->size) - entry->size);
    status_unuse(pages_for(entry->size));
    (void)!ward_host_unmap(entry->origin, entry->mapped); /* else it stays, and nobody knows it */
    leave(entry, block);
}

void ward_mapped_free_(void *block)
{
    bool opened = door_open(POLICY_KEYS);

    unmap_block(block);
    door_close(opened);
}

/* --- Resizing --------------------------------------------------------------------------------- */

/* The first len bytes of the block are in another place, and anybody may have what was theirs. */
static void unmap_around(const struct huge *entry, unsigned char *block, size_t len)
{
    unsigned char *end = entry->origin + entry->mapped;

    (void)!ward_host_unmap(entry->origin, (size_t)(block - entry->origin));
    (void)!ward_host_unmap(block + len, (size_t)(end - (block + len)));
}

/* A new block that the contents did not get to. */
static void give_up(unsigned char *block, size_t inner, bool is_lost)
{
    struct huge *entry = lookup_live(block);

    if (!entry) /* another thread freed what nobody had yet */
        return;
    atomic_store(&entry->at, HUGE_CLAIMED);
    status_unuse(inner);
    if (is_lost)
        unmap_around(entry, block, inner);
    else
        (void)!ward_host_unmap(entry->origin, entry->mapped);
    atomic_store(&entry->at, HUGE_NEVER);
}

/* What the program changed in its pages' protection would keep them from being moved as one. */
static int move_pages(unsigned char *from, size_t len, unsigned char *to, size_t to_len)
{
    int error = ward_host_protect(from, len, WARD_RW | WARD_HOST_KEEP_KEY);

    return error ? error : ward_host_move(from, len, to, to_len);
}

/* The entry is nobody's while the pages move: a child whose fork cuts that off does not touch what
 * may be another's there. */
static bool move_block(struct huge *entry, unsigned char *from, unsigned char *to, size_t size)
{
    size_t was = pages_for(entry->size), is = pages_for(size), len = was < is ? was : is;
    uintptr_t live = (uintptr_t)from;
    int error;

    if (!atomic_compare_exchange_strong(&entry->at, &live, HUGE_CLAIMED)) {
        give_up(to, is, false);
        return false;
    }
    error = move_pages(from, len, to, is);
    if (error) {
        atomic_store(&entry->at, live);
        give_up(to, is, error == -EBUSY);
        return false;
    }
    slack_move(to, is, entry->size, size);
    unmap_around(entry, from, len);
    leave(entry, from);
    return true;
}

static void *resize_block(struct owner *owner, unsigned char *block, size_t size)
{
    struct huge *entry = lookup_live(block);
    unsigned char *to;
    size_t was;

    if (!entry)
        return NULL;
    was = entry->size;
    if (ward_root_.policy & POLICY_SLACK && !slack_is(block, was, pages_for(was) - was)) {
        ward_report_overflow_(block, was, pages_for(was) - was);
        return NULL;
    }
    if (pages_for(size) == pages_for(was) && !(ward_root_.policy & POLICY_PAGES)) {
        POKE(entry->size, size);
        slack_move(block, pages_for(size), was, size);
        return block;
    }
    status_unuse(pages_for(was)); /* first, as both together were never used */
    to = map_block(owner, size, ward_root_.page);
    if (to && move_block(entry, block, to, size))
        return to;
    ward_status_use_(pages_for(was));
    return NULL;
}

void *ward_mapped_resize_(struct owner *owner, void *block, size_t size)
{
    bool opened = door_open(POLICY_KEYS);
    void *resized = resize_block(owner, block, size);

    door_close(opened);
    return resized;
}

/* --- Asking ----------------------------------------------------------------------------------- */

size_t ward_mapped_size_(const void *block)
{
    bool opened = door_open(POLICY_KEYS);
    const struct huge *entry = lookup_live(block);
    size_t size = entry ? entry->size : SIZE_MAX;

    door_close(opened);
    return size;
}

bool ward_mapped_knows_(const void *block)
{
    bool opened = door_open(POLICY_KEYS), known = lookup(block) != NULL;

    door_close(opened);
    return known;
}

uint8_t *ward_mapped_family_(const void *block)
{
    struct huge *entry = lookup_live(block);

    return entry ? &entry->family : NULL;
}

void ward_mapped_inherit_(void)
{
    bool opened = door_open(POLICY_KEYS);

    for (size_t i = 0; i < ward_root_.huge_count; i++)
        if (atomic_load(&ward_root_.huge[i].at) == HUGE_CLAIMED)
            atomic_store(&ward_root_.huge[i].at, HUGE_NEVER);
    door_close(opened);
}
