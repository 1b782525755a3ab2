/* SPDX-License-Identifier: MIT */
/*
 * Guests: reaching their pages. Direct accesses come here when they have faulted; checked ones
 * always. The lock is held while states are compared with pages, and never while anything else
 * runs.
 */
#include <ward/arith.h>
#include <ward/host.h>
#include <ward/recover.h>

#include "access/guest.h"

WARD_STATIC_ASSERT(offsetof(struct ward_guest, space) == 0, "a guest is found by its space");

static struct ward_guest *guest_of(struct ward_space *space)
{
    return (struct ward_guest *)space;
}

static struct ward_guest *guest_of_way(struct ward_space *way)
{
    return (struct ward_guest *)(void *)((char *)way - offsetof(struct ward_guest, way));
}

/* --- What the states say ---------------------------------------------------------------------- */

static uint64_t address_of(const struct ward_guest *guest, size_t page)
{
    return guest->space.first + ((uint64_t)page << guest->page_log2);
}

static size_t page_behind(const struct ward_guest *guest, uint64_t a, size_t n)
{
    return ward_guest_page_(guest, a + n - 1) + 1;
}

static unsigned kind_of(unsigned state)
{
    return state & WARD_STATE_MAPPED_ ? WARD_FAULT_PROT : WARD_FAULT_UNMAPPED;
}

/* How many of the n bytes at a may be accessed so. Fewer than n: the fault names the next. */
static size_t allowed(const struct ward_guest *guest, uint64_t a, size_t n, unsigned access,
                      struct ward_fault *why)
{
    const unsigned need = WARD_STATE_MAPPED_ | access;
    size_t to = page_behind(guest, a, n);
    size_t page = ward_states_find_(guest->states, ward_guest_page_(guest, a), to, need, need);
    uint64_t bad = address_of(guest, page);

    if (page == to)
        return n;
    why->addr = bad > a ? bad : a;
    why->kind = kind_of(ward_state_(guest->states, page));
    return (size_t)(why->addr - a);
}

static bool guest_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                        struct ward_fault *why)
{
    return allowed(guest_of(space), a, n, access, why) == n;
}

/* --- Faults ----------------------------------------------------------------------------------- */

static unsigned kind_of_error(int error)
{
    return error == -ENOMEM ? WARD_FAULT_NO_MEMORY : WARD_FAULT_DENIED;
}

/* With the lock held: opens the area around a page, as far as it lies in the same aligned piece. */
static int open_around(struct ward_guest *guest, size_t page)
{
    const unsigned same = WARD_STATE_PROT_ | WARD_STATE_MAPPED_;
    size_t piece = (size_t)WARD_GUEST_AROUND_ >> guest->page_log2;
    size_t least = piece > 1 ? ward_round_down(page, piece) : page;
    size_t end = piece > 1 ? least + piece : page + 1;
    size_t pages = ward_guest_pages_(guest);
    unsigned want = ward_state_(guest->states, page) & same;

    end = end < pages ? end : pages;
    return ward_guest_open_(guest, ward_states_run_back_(guest->states, page, least, same, want),
                            ward_states_run_(guest->states, page, end, same));
}

/* The page may be accessed so, and is open now: RETRY. Else the fault says why not. */
static enum ward_answer open_at(struct ward_guest *guest, struct ward_fault *fault)
{
    const unsigned need = WARD_STATE_MAPPED_ | fault->access;
    size_t page = ward_guest_page_(guest, fault->addr);
    int error = ward_guest_enter_(guest);
    unsigned state;

    if (error) {
        fault->kind = kind_of_error(error);
        return WARD_FAIL;
    }
    state = ward_state_(guest->states, page);
    if ((state & need) == need)
        error = open_around(guest, page);
    ward_guest_leave_(guest);
    if ((state & need) == need && !error)
        return WARD_RETRY;
    fault->kind = error ? kind_of_error(error) : kind_of(state);
    return WARD_FAIL;
}

/* Only a page that cannot be accessed can be mended by opening it. */
static bool is_closed(const struct ward_fault *fault)
{
    return fault->kind == WARD_FAULT_UNMAPPED || fault->kind == WARD_FAULT_PROT;
}

static enum ward_answer way_fault(struct ward_space *way, struct ward_fault *fault)
{
    return is_closed(fault) ? open_at(guest_of_way(way), fault) : WARD_FAIL;
}

/* The host's word about what the states do not allow. */
static enum ward_answer ask_host(struct ward_guest *guest, struct ward_fault *fault)
{
    if (!guest->hooks || !guest->hooks->fault || ward_host_thread()->nofault > 0)
        return WARD_FAIL;
    return guest->hooks->fault(guest, fault);
}

static enum ward_answer direct_fault(struct ward_space *space, struct ward_fault *fault)
{
    struct ward_guest *guest = guest_of(space);

    if (!is_closed(fault))
        return WARD_FAIL;
    if (open_at(guest, fault) == WARD_RETRY)
        return WARD_RETRY;
    return is_closed(fault) ? ask_host(guest, fault) : WARD_FAIL;
}

/* --- Page by page ----------------------------------------------------------------------------- */

/* An access under way. */
struct transfer {
    struct ward_guest *guest;
    uint64_t a;
    size_t n, done;
    unsigned char *dst;       /* reading */
    const unsigned char *src; /* writing */
    struct ward_fault *why;
};

/* The states allowed it, and it was not so any more: look again. */
static bool has_changed(const struct ward_fault *fault)
{
    return is_closed(fault) && ward_host_thread()->nofault == 0;
}

/* What an operation says of a fault. */
static void tell(struct ward_fault *why, const struct ward_fault *fault)
{
    why->addr = fault->addr;
    why->kind = fault->kind;
}

/* What the states allow, over the way that faults like any other. */
static bool move_allowed(struct transfer *t, size_t n)
{
    struct ward_space *way = &t->guest->way;
    uint64_t at = t->a + t->done;
    struct ward_fault fault;
    int error = t->dst ? ward_space_read(way, at, t->dst + t->done, n, &fault)
                       : ward_space_write(way, at, t->src + t->done, n, &fault);

    t->done += error ? fault.done : n;
    tell(t->why, &fault);
    return !error || has_changed(&fault);
}

/* What the host serves itself, up to the end of the page. */
static bool move_served(struct transfer *t)
{
    const struct ward_guest_hooks *hooks = t->guest->hooks;
    uint64_t at = t->a + t->done, page = UINT64_C(1) << t->guest->page_log2;
    size_t room = (size_t)(page - (at & (page - 1))), left = t->n - t->done;
    size_t n = room < left ? room : left, done = 0;

    t->why->addr = at;
    t->why->kind = WARD_FAULT_CANNOT;
    if (t->dst && hooks->read)
        done = hooks->read(t->guest, at, t->dst + t->done, n, t->why);
    else if (!t->dst && hooks->write)
        done = hooks->write(t->guest, at, t->src + t->done, n, t->why);
    t->done += done;
    return done == n;
}

/* The next piece: what is allowed, or else what the host makes of it. False: it stops here. */
static bool step(struct transfer *t)
{
    struct ward_fault fault = { .access = t->dst ? WARD_READ : WARD_WRITE };
    size_t n = allowed(t->guest, t->a + t->done, t->n - t->done, fault.access, &fault);
    enum ward_answer said;

    if (n > 0)
        return move_allowed(t, n);
    fault.done = t->done;
    said = ask_host(t->guest, &fault);
    tell(t->why, &fault);
    return said == WARD_SERVE ? move_served(t) : said == WARD_RETRY;
}

static size_t transfer(struct transfer *t)
{
    unsigned tries = 0;

    while (t->done < t->n && tries < WARD_SPACE_RETRIES) {
        size_t before = t->done;

        if (!step(t))
            break;
        tries = t->done > before ? 0 : tries + 1;
    }
    return t->done;
}

static size_t guest_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                         struct ward_fault *why)
{
    struct transfer t = { .guest = guest_of(space), .a = a, .n = n, .dst = dst, .why = why };

    return transfer(&t);
}

static size_t guest_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                          struct ward_fault *why)
{
    struct transfer t = { .guest = guest_of(space), .a = a, .n = n, .src = src, .why = why };

    return transfer(&t);
}

/* An atomic is never served: the host has no such operation. */
static bool guest_atomic(struct ward_space *space, uint64_t a, struct ward_atomic *op,
                         struct ward_fault *why)
{
    unsigned access = op->op == WARD_ATOMIC_LOAD ? WARD_READ : WARD_RW;
    struct ward_guest *guest = guest_of(space);
    enum ward_answer said = WARD_RETRY;

    for (unsigned tries = 0; said == WARD_RETRY && tries < WARD_SPACE_RETRIES; tries++) {
        struct ward_fault fault = { .access = access };

        if (allowed(guest, a, op->width, access, &fault) == op->width) {
            if (!ward_space_atomic(&guest->way, a, op, &fault))
                return true;
            said = has_changed(&fault) ? WARD_RETRY : WARD_FAIL;
        } else {
            said = ask_host(guest, &fault);
        }
        why->kind = said == WARD_SERVE ? (unsigned)WARD_FAULT_CANNOT : fault.kind;
    }
    return false;
}

/* --- In advance, and for longer --------------------------------------------------------------- */

/* With the lock held: one more pin for each page, or for none. */
static bool count_up(struct ward_guest *guest, size_t from, size_t to, struct ward_fault *why)
{
    for (size_t page = from; page < to; page++)
        if (__atomic_load_n(&guest->pins[page], __ATOMIC_RELAXED) == WARD_GUEST_PINS) {
            why->kind = WARD_FAULT_PINS;
            if (page > from)
                why->addr = address_of(guest, page);
            return false;
        }
    __atomic_fetch_add(&guest->pinned, to - from, __ATOMIC_RELAXED);
    for (size_t page = from; page < to; page++)
        __atomic_fetch_add(&guest->pins[page], 1, __ATOMIC_RELAXED);
    return true;
}

/* Others may count up meanwhile, and look. The sum comes last: it is never less than it should. */
static void count_down(struct ward_guest *guest, size_t from, size_t to)
{
    for (size_t page = from; page < to; page++)
        __atomic_fetch_sub(&guest->pins[page], 1, __ATOMIC_RELEASE);
    __atomic_fetch_sub(&guest->pinned, to - from, __ATOMIC_RELEASE);
}

/* With the lock held: all pages are open. */
static bool open_all(struct ward_guest *guest, size_t from, size_t to, struct ward_fault *why)
{
    int error = ward_guest_open_(guest, from, to);

    if (error)
        why->kind = kind_of_error(error);
    return !error;
}

/* A touch of each page, which faults like any other. */
static bool touch_pages(struct ward_guest *guest, uint64_t a, size_t n, unsigned access,
                        struct ward_fault *why)
{
    size_t end = page_behind(guest, a, n);
    struct ward_fault fault;
    uint8_t seen;

    for (size_t page = ward_guest_page_(guest, a); page < end; page++) {
        struct ward_atomic nothing = { WARD_ATOMIC_ADD, 1, 0, 0, 0 };
        uint64_t at = address_of(guest, page);
        int error = access & WARD_WRITE ? ward_space_atomic(&guest->way, at, &nothing, &fault)
                                        : ward_space_read_u8(&guest->way, at, &seen, &fault);

        if (error) {
            why->addr = at > a ? at : a;
            why->kind = fault.kind;
            return false;
        }
    }
    return true;
}

/* Brings pages in that are open. By one call of the host's where it has that. */
static bool bring_in(struct ward_guest *guest, uint64_t a, size_t n, unsigned access,
                     struct ward_fault *why)
{
    size_t from = ward_guest_page_(guest, a), to = page_behind(guest, a, n);
    unsigned char *at = guest->region->base + (from << guest->page_log2);

    if (access & WARD_WRITE &&
        !ward_host_advise(at, (to - from) << guest->page_log2, WARD_HOST_POPULATE))
        return true;
    return touch_pages(guest, a, n, access, why);
}

/* Opens all of a range and, if asked, counts it as pinned. 1: done; 0: the fault says why not; -1:
 * the states do not allow it. */
static int secure(struct ward_guest *guest, uint64_t a, size_t n, unsigned access, bool pin,
                  struct ward_fault *why)
{
    size_t from = ward_guest_page_(guest, a), to = page_behind(guest, a, n);
    int error = ward_guest_enter_(guest), done = -1;

    if (error) {
        why->kind = kind_of_error(error);
        return 0;
    }
    if (allowed(guest, a, n, access, why) == n)
        done = open_all(guest, from, to, why) && (!pin || count_up(guest, from, to, why));
    ward_guest_leave_(guest);
    return done;
}

/* The host is asked about what is not allowed, here as in an access. */
static bool secure_or_ask(struct ward_guest *guest, uint64_t a, size_t n, unsigned access, bool pin,
                          struct ward_fault *why)
{
    for (unsigned tries = 0; tries < WARD_SPACE_RETRIES; tries++) {
        int done = secure(guest, a, n, access, pin, why);
        enum ward_answer said;

        if (done >= 0)
            return done == 1;
        said = ask_host(guest, why);
        if (said == WARD_SERVE)
            why->kind = WARD_FAULT_CANNOT;
        if (said != WARD_RETRY)
            return false;
    }
    return false;
}

static bool guest_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                           struct ward_fault *why)
{
    struct ward_guest *guest = guest_of(space);

    return secure_or_ask(guest, a, n, access, false, why) && bring_in(guest, a, n, access, why);
}

/* Once they are counted nobody takes the pages away, and they can be brought in at leisure. */
static bool guest_pin(struct ward_space *space, struct ward_pin *pin, struct ward_fault *why)
{
    struct ward_guest *guest = guest_of(space);
    size_t from = ward_guest_page_(guest, pin->a), to = page_behind(guest, pin->a, pin->n);

    if (!secure_or_ask(guest, pin->a, pin->n, pin->access, true, why))
        return false;
    if (!bring_in(guest, pin->a, pin->n, pin->access, why)) {
        count_down(guest, from, to);
        return false;
    }
    pin->host = (void *)ward_space_host_(&guest->way, pin->a); /* clamped */
    return true;
}

static void guest_unpin(struct ward_space *space, const struct ward_pin *pin)
{
    struct ward_guest *guest = guest_of(space);

    count_down(guest, ward_guest_page_(guest, pin->a), page_behind(guest, pin->a, pin->n));
}

/* --- The spaces ------------------------------------------------------------------------------- */

static const struct ward_space_ops way_ops = {
    .name = "guest",
    .fault = way_fault,
};

/* Of every guest. One that is checked is not direct, and then nobody asks the hook: its faults are
 * those of the way. */
static const struct ward_space_ops guest_ops = {
    .name = "guest",
    .read = guest_read,
    .write = guest_write,
    .atomic = guest_atomic,
    .check = guest_check,
    .populate = guest_populate,
    .fault = direct_fault,
    .pin = guest_pin,
    .unpin = guest_unpin,
};

void ward_guest_reach_(struct ward_guest *guest)
{
    struct ward_region *region = guest->region;
    uint64_t base = (uintptr_t)region->base;
    uint64_t first = guest->flags & WARD_GUEST_IDENTITY ? base : 0;

    guest->way = (struct ward_space){
        .ops = &way_ops,
        .first = first,
        .last = first + region->size - 1,
        .direct = region->size,
        .base = base,
        .mask = UINT64_MAX,
    };
    if (guest->flags & WARD_GUEST_CLAMP)
        guest->way.mask = region->size - 1;
    guest->space = guest->way;
    guest->space.ops = &guest_ops;
    if (guest->flags & WARD_GUEST_CHECKED)
        guest->space.direct = 0;
}
