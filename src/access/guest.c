/* SPDX-License-Identifier: MIT */
/*
 * Guests: making them, and changing what is mapped.
 *
 * Whatever takes access away does so at the host's pages first, and writes the states when that has
 * succeeded; whatever gives access writes the states alone, and leaves the pages to their first
 * touch. So a state may promise less than a page for the time in between, never more, and a failure
 * half-way leaves the states as they were and pages at most more closed than they say. That a page
 * is open is therefore noted before it is opened: what may be accessible is never taken for closed.
 */
#include <ward/arith.h>
#include <ward/host.h>

#include "access/guest.h"
#include "core/lock.h"

#define KNOWN_FLAGS (WARD_GUEST_IDENTITY | WARD_GUEST_NULL | WARD_GUEST_CLAMP | WARD_GUEST_CHECKED)

/* --- The lock --------------------------------------------------------------------------------- */

/* Whatever somebody was doing to the pages when this child was made: all are closed, and open again
 * by their states when they are touched. */
static int mend(struct ward_guest *guest)
{
    int error = ward_region_protect(guest->region, 0, guest->region->size, WARD_NONE);

    if (error)
        return error;
    ward_states_change_(guest->states, 0, ward_guest_pages_(guest),
                        WARD_STATE_ALL_ & ~(unsigned)WARD_STATE_OPEN_, 0);
    guest->torn = false;
    return 0;
}

static void forget_pins(struct ward_guest *guest)
{
    if (guest->pinned > 0)
        __builtin_memset(guest->pins, 0, ward_guest_pages_(guest) * sizeof *guest->pins);
    guest->pinned = 0;
}

int ward_guest_enter_(struct ward_guest *guest)
{
    enum ward_lock_found_ found = ward_lock_enter_(&guest->lock);
    int error = 0;

    if (found != WARD_LOCK_AS_LEFT_)
        forget_pins(guest);
    guest->torn = guest->torn || found == WARD_LOCK_TORN_;
    if (guest->torn)
        error = mend(guest);
    if (error)
        ward_lock_leave_(&guest->lock);
    return error;
}

void ward_guest_leave_(struct ward_guest *guest)
{
    ward_lock_leave_(&guest->lock);
}

/* --- The host's pages ------------------------------------------------------------------------- */

/* No processor writes what it cannot read: only checked guests have such pages. */
static unsigned host_prot(unsigned state)
{
    return state & WARD_WRITE ? (unsigned)WARD_RW : state & WARD_READ;
}

static int protect_pages(struct ward_guest *guest, size_t from, size_t to, unsigned prot)
{
    return ward_region_protect(guest->region, from << guest->page_log2,
                               (to - from) << guest->page_log2, prot);
}

/* Run by run. Also what the states say is open: that this is asked for shows that it is not. */
int ward_guest_open_(struct ward_guest *guest, size_t from, size_t to)
{
    const unsigned same = WARD_STATE_PROT_ | WARD_STATE_MAPPED_;
    int error = 0;
    size_t end;

    for (; from < to && !error; from = end) {
        unsigned prot = host_prot(ward_state_(guest->states, from));

        end = ward_states_run_(guest->states, from, to, same);
        if (prot == WARD_NONE)
            continue;
        ward_states_change_(guest->states, from, end, WARD_STATE_ALL_, WARD_STATE_OPEN_);
        error = protect_pages(guest, from, end, prot);
    }
    return error;
}

static bool is_any(const struct ward_guest *guest, size_t from, size_t to, unsigned state)
{
    return ward_states_find_(guest->states, from, to, state, 0) < to;
}

static bool are_all(const struct ward_guest *guest, size_t from, size_t to, unsigned state)
{
    return ward_states_find_(guest->states, from, to, state, state) == to;
}

/* Closes the pages and drops what they hold: by one guard where the region can, which splits no
 * mapping. */
static int empty_pages(struct ward_guest *guest, size_t from, size_t to)
{
    bool open = is_any(guest, from, to, WARD_STATE_OPEN_);
    int error;

    if (open && !protect_pages(guest, from, to, WARD_GUARD))
        return 0;
    error = open ? protect_pages(guest, from, to, WARD_NONE) : 0;
    if (error)
        return error;
    return ward_region_release(guest->region, from << guest->page_log2,
                               (to - from) << guest->page_log2);
}

/* --- Ranges of pages -------------------------------------------------------------------------- */

struct pages {
    size_t from, to;
};

/* With the lock held: the pages of [a, a + n), which lie below the limit. */
static int pages_of(const struct ward_guest *guest, uint64_t a, size_t n, struct pages *pages)
{
    uint64_t off = a - guest->space.first, page = (UINT64_C(1) << guest->page_log2) - 1;

    if (((off | n) & page) != 0)
        return -EINVAL;
    if (!ward_within((size_t)off, n, guest->limit))
        return -ERANGE;
    pages->from = (size_t)off >> guest->page_log2;
    pages->to = pages->from + (n >> guest->page_log2);
    return 0;
}

static bool is_pinned(const struct ward_guest *guest, size_t from, size_t to)
{
    if (__atomic_load_n(&guest->pinned, __ATOMIC_ACQUIRE) == 0)
        return false;
    for (; from < to; from++)
        if (__atomic_load_n(&guest->pins[from], __ATOMIC_ACQUIRE) > 0)
            return true;
    return false;
}

static int prot_error(const struct ward_guest *guest, unsigned prot)
{
    if ((prot & ~(unsigned)WARD_STATE_PROT_) != 0)
        return -EINVAL;
    if ((prot & WARD_RW) == WARD_WRITE && !(guest->flags & WARD_GUEST_CHECKED))
        return -ENOTSUP;
    return 0;
}

/* --- What changes pages ----------------------------------------------------------------------- */

/* Done to the pages of [a, a + n) under the lock. */
static int change(struct ward_guest *guest, uint64_t a, size_t n,
                  int (*work)(struct ward_guest *guest, struct pages pages, unsigned prot),
                  unsigned prot)
{
    int error = ward_guest_enter_(guest);
    struct pages pages;

    if (error)
        return error;
    error = pages_of(guest, a, n, &pages);
    if (!error)
        error = work(guest, pages, prot);
    ward_guest_leave_(guest);
    return error;
}

static int map_pages(struct ward_guest *guest, struct pages pages, unsigned prot)
{
    if (is_any(guest, pages.from, pages.to, WARD_STATE_MAPPED_))
        return -EBUSY;
    if (guest->space.first == 0 && pages.from == 0 && pages.to > 0 &&
        !(guest->flags & WARD_GUEST_NULL))
        return -EPERM;
    ward_states_change_(guest->states, pages.from, pages.to, 0, WARD_STATE_MAPPED_ | prot);
    return 0;
}

int ward_guest_map(struct ward_guest *guest, uint64_t a, size_t n, unsigned prot)
{
    int error = prot_error(guest, prot);

    return error ? error : change(guest, a, n, map_pages, prot);
}

static int unmap_pages(struct ward_guest *guest, struct pages pages, unsigned prot)
{
    int error = is_pinned(guest, pages.from, pages.to) ? -EBUSY : 0;

    (void)prot;
    if (!error && is_any(guest, pages.from, pages.to, WARD_STATE_MAPPED_))
        error = empty_pages(guest, pages.from, pages.to);
    if (!error)
        ward_states_change_(guest->states, pages.from, pages.to, 0, 0);
    return error;
}

int ward_guest_unmap(struct ward_guest *guest, uint64_t a, size_t n)
{
    return change(guest, a, n, unmap_pages, WARD_NONE);
}

/* Gives open pages another protection. Where that fails half-way, some may have it already: all are
 * closed, and open again by their states. */
static int change_open(struct ward_guest *guest, struct pages pages, unsigned prot)
{
    int ignored, error = protect_pages(guest, pages.from, pages.to, prot);

    if (error) {
        ignored = protect_pages(guest, pages.from, pages.to, WARD_NONE);
        (void)ignored;
    }
    return error;
}

/* Where all of it is open, it stays open. A mixture is closed: pages nobody touches cost nothing.
 */
static int protect_some(struct ward_guest *guest, struct pages pages, unsigned prot)
{
    bool all = are_all(guest, pages.from, pages.to, WARD_STATE_OPEN_);
    unsigned host = all ? host_prot(prot) : (unsigned)WARD_NONE;
    unsigned open = host == WARD_NONE ? 0u : (unsigned)WARD_STATE_OPEN_;
    int error = 0;

    if (pages.from == pages.to)
        return 0;
    if (!are_all(guest, pages.from, pages.to, WARD_STATE_MAPPED_))
        return -EFAULT;
    if (is_pinned(guest, pages.from, pages.to))
        return -EBUSY;
    if (is_any(guest, pages.from, pages.to, WARD_STATE_OPEN_))
        error = change_open(guest, pages, host);
    if (!error)
        ward_states_change_(guest->states, pages.from, pages.to, 0,
                            WARD_STATE_MAPPED_ | open | prot);
    return error;
}

int ward_guest_protect(struct ward_guest *guest, uint64_t a, size_t n, unsigned prot)
{
    int error = prot_error(guest, prot);

    return error ? error : change(guest, a, n, protect_some, prot);
}

/* --- The limit -------------------------------------------------------------------------------- */

static int move_limit(struct ward_guest *guest, size_t limit, bool up)
{
    struct pages beyond = { limit >> guest->page_log2, guest->limit >> guest->page_log2 };
    int error = 0;

    if ((limit & (((size_t)1 << guest->page_log2) - 1)) != 0)
        return -EINVAL;
    if (limit > guest->region->size)
        return -ERANGE;
    if (up ? limit < guest->limit : limit > guest->limit)
        return -EINVAL;
    if (!up)
        error = unmap_pages(guest, beyond, WARD_NONE);
    if (!error)
        __atomic_store_n(&guest->limit, limit, __ATOMIC_RELEASE);
    return error;
}

static int change_limit(struct ward_guest *guest, size_t limit, bool up)
{
    int error = ward_guest_enter_(guest);

    if (error)
        return error;
    error = move_limit(guest, limit, up);
    ward_guest_leave_(guest);
    return error;
}

int ward_guest_grow(struct ward_guest *guest, size_t limit)
{
    return change_limit(guest, limit, true);
}

int ward_guest_shrink(struct ward_guest *guest, size_t limit)
{
    return change_limit(guest, limit, false);
}

size_t ward_guest_limit(const struct ward_guest *guest)
{
    return __atomic_load_n(&guest->limit, __ATOMIC_ACQUIRE);
}

/* --- Looking ---------------------------------------------------------------------------------- */

int ward_guest_get(const struct ward_guest *guest, uint64_t a, struct ward_guest_area *area)
{
    const unsigned same = WARD_STATE_PROT_ | WARD_STATE_MAPPED_;
    size_t page, from, to;
    unsigned state;

    *area = (struct ward_guest_area){ 0 };
    if (a < guest->space.first || a > guest->space.last)
        return -ERANGE;
    page = ward_guest_page_(guest, a);
    state = ward_state_(guest->states, page);
    from = ward_states_run_back_(guest->states, page, 0, same, state & same);
    to = ward_states_find_(guest->states, page, ward_guest_pages_(guest), same, state & same);
    to = to > page ? to : page + 1; /* it changed just now */
    area->first = guest->space.first + ((uint64_t)from << guest->page_log2);
    area->bytes = (uint64_t)(to - from) << guest->page_log2;
    area->prot = state & WARD_STATE_PROT_;
    area->mapped = (state & WARD_STATE_MAPPED_) != 0;
    return 0;
}

/* --- Making one ------------------------------------------------------------------------------- */

/* The states, filled up to a whole word, and the pins behind. */
static size_t states_bytes(size_t pages)
{
    return (pages + sizeof(uint64_t) - 1) & ~(sizeof(uint64_t) - 1);
}

static size_t meta_bytes(size_t pages)
{
    return states_bytes(pages) + pages * sizeof(uint32_t);
}

size_t ward_guest_meta_bytes(size_t size)
{
    size_t page = ward_host_page_size(), whole;

    if (!ward_round_up(size, page, &whole) || whole > (size_t)PTRDIFF_MAX)
        return 0;
    return meta_bytes(whole / page);
}

static int spec_error(const struct ward_guest_spec *spec, const struct ward_region *region)
{
    if ((spec->flags & ~(unsigned)KNOWN_FLAGS) != 0 || spec->limit > region->size)
        return -EINVAL;
    if (spec->flags & WARD_GUEST_CLAMP && !ward_is_pow2(region->size))
        return -EINVAL;
    return 0;
}

static int region_error(const struct ward_region *region, const struct ward_region *meta)
{
    const unsigned not_copied = WARD_IS_WIPED_ON_FORK | WARD_IS_ABSENT_ON_FORK;
    const unsigned cannot = not_copied | WARD_IS_LAZY | WARD_IS_LOCKED | WARD_IS_SECRET;

    if (!meta || region->facts & cannot || meta->facts & not_copied)
        return -ENOTSUP;
    if (region->grain < ward_host_page_size() || (uintptr_t)meta->base % sizeof(uint64_t) != 0)
        return -ENOTSUP;
    return meta_bytes(region->size / region->grain) <= meta->size ? 0 : -ENOSPC;
}

/* All of the metadata that is used is there, and zero. */
static int clear_meta(struct ward_region *meta, size_t bytes)
{
    size_t whole = bytes;
    int error = ward_round_up(bytes, meta->grain, &whole) ? 0 : -EINVAL;

    if (!error)
        error = ward_region_commit(meta, 0, whole);
    if (!error)
        error = ward_region_release(meta, 0, whole);
    if (error != -ENOTSUP)
        return error;
    __builtin_memset(meta->base, 0, bytes);
    return 0;
}

static unsigned open_prot(const struct ward_region *region)
{
    return region->facts & WARD_IS_CLOSED ? (unsigned)WARD_NONE : (unsigned)WARD_RW;
}

/* Nothing in it, and no access to it. */
static int close_region(struct ward_region *region)
{
    int ignored, error = ward_region_protect(region, 0, region->size, WARD_NONE);

    if (!error)
        error = ward_region_release(region, 0, region->size);
    if (error) {
        ignored = ward_region_protect(region, 0, region->size, open_prot(region));
        (void)ignored;
    }
    return error;
}

static void fill_in(struct ward_guest *guest, struct ward_region *region,
                    const struct ward_guest_spec *spec)
{
    size_t pages = region->size / region->grain;
    unsigned char *meta = ward_region_meta(region)->base;

    guest->region = region;
    guest->hooks = spec->hooks;
    guest->flags = spec->flags;
    guest->page_log2 = ward_low_bit(region->grain);
    guest->states = meta;
    guest->pins = (uint32_t *)(void *)(meta + states_bytes(pages));
    guest->limit = spec->limit ? ward_round_down(spec->limit + region->grain - 1, region->grain)
                               : region->size;
    guest->lock = ward_lock_free_();
    ward_guest_reach_(guest);
}

static int init_on(struct ward_guest *guest, struct ward_region *region,
                   const struct ward_guest_spec *spec)
{
    struct ward_region *meta = ward_region_meta(region);
    int error = ward_region_ok(region) ? spec_error(spec, region) : -EINVAL;

    if (!error)
        error = region_error(region, meta);
    if (!error)
        error = clear_meta(meta, meta_bytes(region->size / region->grain));
    if (!error)
        error = close_region(region);
    if (!error)
        fill_in(guest, region, spec);
    return error;
}

int ward_guest_init(struct ward_guest *guest, struct ward_region *region,
                    const struct ward_guest_spec *spec)
{
    static const struct ward_guest_spec plain = { 0 };

    if (!guest)
        return -EINVAL;
    *guest = (struct ward_guest){ 0 };
    return init_on(guest, region, spec ? spec : &plain);
}

/* --- The recipe ------------------------------------------------------------------------------- */

static int reserve(struct ward_guest *guest, const struct ward_guest_spec *spec)
{
    size_t bytes = ward_guest_meta_bytes(spec->size);
    int error = bytes > 0 ? 0 : -EINVAL;

    if (!error)
        error = ward_map_init(&guest->own, spec->size, WARD_MAP_CLOSED | WARD_MAP_RANDOM);
    if (!error)
        error = ward_split_init(&guest->own_split, &guest->own.region, bytes);
    if (!error)
        error = init_on(guest, &guest->own_split.region, spec);
    return error;
}

int ward_guest_reserve(struct ward_guest *guest, const struct ward_guest_spec *spec)
{
    int error;

    if (!guest)
        return -EINVAL;
    *guest = (struct ward_guest){ 0 };
    error = spec ? reserve(guest, spec) : -EINVAL;
    if (error) {
        (void)ward_region_fini(&guest->own_split.region);
        (void)ward_region_fini(&guest->own.region);
        *guest = (struct ward_guest){ 0 };
    }
    return error;
}

/* --- The end ---------------------------------------------------------------------------------- */

static int give_back(struct ward_region *region)
{
    int error = ward_region_release(region, 0, region->size);

    return error ? error : ward_region_protect(region, 0, region->size, open_prot(region));
}

/* The data first: if that fails, the guest is whole. A second try finds them gone, and goes on. */
static int end_own(struct ward_guest *guest)
{
    int error = ward_region_fini(&guest->own.region);

    return error ? error : ward_region_fini(&guest->own_split.region);
}

int ward_guest_fini(struct ward_guest *guest)
{
    int error;

    if (!guest || !guest->region)
        return 0;
    error = ward_guest_enter_(guest);
    if (error)
        return error;
    error = __atomic_load_n(&guest->pinned, __ATOMIC_ACQUIRE) > 0 ? -EBUSY : 0;
    ward_guest_leave_(guest);
    if (!error)
        error = guest->own_split.region.ops ? end_own(guest) : give_back(guest->region);
    if (!error)
        *guest = (struct ward_guest){ 0 };
    return error;
}

bool ward_guest_ok(const struct ward_guest *guest)
{
    return guest && ward_space_ok(&guest->space) && ward_space_ok(&guest->way) &&
           ward_region_ok(guest->region) && guest->states && guest->pins && guest->page_log2 < 48 &&
           (size_t)1 << guest->page_log2 == guest->region->grain &&
           guest->limit <= guest->region->size;
}
