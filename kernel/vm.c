/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: areas say what may be there, entries of the page tables what is.
 *
 *   an entry allows no more than the area it lies in
 *   an entry is writable only if its frame is nobody else's: uses - pins == 1
 *   a frame leaves an entry first, then every CPU's translations, and is dropped last
 *   a pinned frame stays in its entry, and is never shared: fork copies it
 *
 * Pages come when they are touched (fault.c has no other way in than vm_fault): a first access
 * brings a page of zeroes; a first write marks it dirty, and copies it if a fork shares it.
 */
#include "host.h"
#include "kernel.h"

enum { BATCH = 32, MAP_FIRST = 0x10000 };

static const uint64_t map_base = (uint64_t)1 << 34;

/* --- Areas --------------------------------------------------------------------------------------
 */

struct area *vm_area_at(struct vm *vm, uint64_t addr)
{
    struct area *area = vm->areas;

    while (area && area->end <= addr)
        area = area->next;
    return area;
}

static bool is_range(uint64_t at, uint64_t n)
{
    return (at | n) % PAGE == 0 && n > 0 && at >= MAP_FIRST && n <= USER_END - PAGE &&
           at <= USER_END - PAGE - n;
}

/* Is all of it in areas? */
static bool is_mapped(struct vm *vm, uint64_t at, uint64_t end)
{
    for (struct area *area = vm_area_at(vm, at); at < end; area = area->next) {
        if (!area || area->first > at)
            return false;
        at = area->end;
    }
    return true;
}

static void insert(struct vm *vm, struct area *area)
{
    struct area **to = &vm->areas;

    while (*to && (*to)->first < area->first)
        to = &(*to)->next;
    area->next = *to;
    *to = area;
}

/* Makes `at` a border between areas, with a spare area if it is not one. */
static void split_at(struct vm *vm, uint64_t at, struct area **spare)
{
    struct area *area = vm_area_at(vm, at), *high = *spare;

    if (!area || area->first >= at)
        return;
    *spare = high->next;
    *high = (struct area){ area->next, at, area->end, area->prot };
    area->end = at;
    area->next = high;
}

/* A change of a range makes two borders at most. */
static struct area *take_spares(void)
{
    struct area *first = heap_alloc(AREAS), *second = heap_alloc(AREAS);

    if (!first || !second) {
        heap_free(AREAS, first);
        heap_free(AREAS, second);
        return NULL;
    }
    first->next = second;
    second->next = NULL;
    return first;
}

static void free_areas(struct area *area)
{
    while (area) {
        struct area *next = area->next;

        heap_free(AREAS, area);
        area = next;
    }
}

/* --- Pages --------------------------------------------------------------------------------------
 */

static void *frame_of(uint64_t entry)
{
    return direct(arch_address(entry));
}

/* Nobody else's: but for pins, this space is the only one that uses it. */
static bool is_own(const void *frame)
{
    return frame_uses(frame) - frame_pins(frame) <= 1;
}

static uint64_t leaf_for(const void *frame, unsigned prot, unsigned access)
{
    unsigned flags = PAGE_USER | PAGE_ACCESSED | (prot & ~(unsigned)WARD_WRITE);

    if (access & WARD_WRITE)
        flags |= WARD_WRITE | PAGE_DIRTY;
    return arch_leaf(physical(frame), flags);
}

static unsigned bring_in(uint64_t *entry, unsigned prot, unsigned access)
{
    void *frame = frame_alloc();

    if (!frame)
        return WARD_FAULT_NO_MEMORY;
    *entry = leaf_for(frame, prot, access);
    return 0;
}

/* The first write to a page that is there already. */
static unsigned make_own(struct vm *vm, uint64_t *entry, unsigned prot)
{
    void *was = frame_of(*entry), *frame = was;

    if (!is_own(was)) {
        frame = frame_alloc();
        if (!frame)
            return WARD_FAULT_NO_MEMORY;
        memcpy(frame, was, PAGE);
        arch_sync_code(frame, prot & WARD_EXEC ? PAGE : 0);
    }
    *entry = leaf_for(frame, prot, WARD_WRITE);
    if (frame != was) {
        vm_flush(vm);
        frame_drop(was);
    }
    return 0;
}

unsigned vm_page(struct vm *vm, uint64_t addr, unsigned access, void **frame)
{
    const struct area *area = vm_area_at(vm, addr);
    unsigned kind = 0;
    uint64_t *entry;

    if (!area || addr < area->first)
        return WARD_FAULT_UNMAPPED;
    if (access & ~area->prot)
        return WARD_FAULT_PROT;
    entry = tables_walk(vm->root, addr, true);
    if (!entry)
        return WARD_FAULT_NO_MEMORY;
    if (*entry == 0)
        kind = bring_in(entry, area->prot, access);
    else if (access & WARD_WRITE && !(arch_flags(*entry) & WARD_WRITE))
        kind = make_own(vm, entry, area->prot);
    *frame = kind ? NULL : frame_of(*entry);
    return kind;
}

/* Who had an older translation in this CPU loses it; on others the same fault comes to the same. */
unsigned vm_fault(struct vm *vm, uint64_t addr, unsigned access)
{
    unsigned kind;
    void *frame;

    lock_take(&vm->lock);
    kind = vm_page(vm, addr, access, &frame);
    arch_flush_page(addr);
    lock_drop(&vm->lock);
    return kind;
}

static bool is_pinned(struct vm *vm, uint64_t at, uint64_t end)
{
    const uint64_t *entry;

    for (; (entry = tables_next(vm->root, &at, end)) != NULL; at += PAGE)
        if (frame_pins(frame_of(*entry)) > 0)
            return true;
    return false;
}

/* Empties a range's entries. The frames wait until no CPU knows them any more. */
static void drop_pages(struct vm *vm, uint64_t at, uint64_t end)
{
    void *frames[BATCH];
    uint64_t *entry;

    while (at < end) {
        size_t count = 0;

        for (; count < BATCH && (entry = tables_next(vm->root, &at, end)) != NULL; at += PAGE) {
            frames[count++] = frame_of(*entry);
            *entry = 0;
        }
        if (count > 0)
            vm_flush(vm);
        while (count > 0)
            frame_drop(frames[--count]);
    }
}

/* Entries that allow more than prot are made anew; what is allowed in addition comes by faults. */
static void restrict_pages(struct vm *vm, uint64_t at, uint64_t end, unsigned prot)
{
    bool changed = false;
    uint64_t *entry;

    for (; (entry = tables_next(vm->root, &at, end)) != NULL; at += PAGE) {
        unsigned flags = arch_flags(*entry);

        flags &= ~(unsigned)(WARD_RW | WARD_EXEC) | (prot & WARD_WRITE);
        flags |= prot & ~(unsigned)WARD_WRITE;
        arch_sync_code(frame_of(*entry), prot & WARD_EXEC ? PAGE : 0);
        *entry = arch_leaf(arch_address(*entry), flags);
        changed = true;
    }
    if (changed)
        vm_flush(vm);
}

/* --- Changes of a range
 * ---------------------------------------------------------------------------- */

/* What was there goes. -EBUSY: some of it is pinned. */
static int clear(struct vm *vm, uint64_t at, uint64_t end, struct area **spares)
{
    struct area **area = &vm->areas;

    if (is_pinned(vm, at, end))
        return -EBUSY;
    split_at(vm, at, spares);
    split_at(vm, end, spares);
    drop_pages(vm, at, end);
    while (*area && (*area)->end <= at)
        area = &(*area)->next;
    while (*area && (*area)->first < end) {
        struct area *gone = *area;

        *area = gone->next;
        gone->next = *spares;
        *spares = gone;
    }
    return 0;
}

/* The first hole from map_base on that is large enough; 0: none. */
static uint64_t find_hole(struct vm *vm, uint64_t n)
{
    uint64_t at = map_base;

    for (struct area *area = vm_area_at(vm, at); area; area = area->next) {
        if (area->first >= at && area->first - at >= n)
            break;
        at = area->end;
    }
    return n <= USER_END - PAGE && at <= USER_END - PAGE - n ? at : 0;
}

/* Writable implies readable, on every machine. */
static unsigned complete(unsigned prot)
{
    return prot & (WARD_WRITE | WARD_EXEC) ? prot | WARD_READ : prot;
}

int vm_map(struct vm *vm, uint64_t *at, uint64_t n, unsigned prot)
{
    struct area *spares, *area;
    int error = 0;

    if ((*at && !is_range(*at, n)) || n == 0 || n % PAGE || prot & ~7u)
        return -EINVAL;
    area = heap_alloc(AREAS);
    spares = take_spares();
    if (!area || !spares) {
        heap_free(AREAS, area);
        free_areas(spares);
        return -ENOMEM;
    }
    lock_take(&vm->lock);
    if (*at == 0)
        *at = find_hole(vm, n);
    error = *at == 0 ? -ENOMEM : clear(vm, *at, *at + n, &spares);
    if (!error) {
        *area = (struct area){ NULL, *at, *at + n, complete(prot) };
        insert(vm, area);
        area = NULL;
    }
    lock_drop(&vm->lock);
    heap_free(AREAS, area);
    free_areas(spares);
    return error;
}

int vm_unmap(struct vm *vm, uint64_t at, uint64_t n)
{
    struct area *spares;
    int error;

    if (!is_range(at, n))
        return -EINVAL;
    spares = take_spares();
    if (!spares)
        return -ENOMEM;
    lock_take(&vm->lock);
    error = clear(vm, at, at + n, &spares);
    lock_drop(&vm->lock);
    free_areas(spares);
    return error;
}

int vm_protect(struct vm *vm, uint64_t at, uint64_t n, unsigned prot)
{
    struct area *spares;
    int error = 0;

    if (!is_range(at, n) || prot & ~7u)
        return -EINVAL;
    spares = take_spares();
    if (!spares)
        return -ENOMEM;
    lock_take(&vm->lock);
    if (!is_mapped(vm, at, at + n))
        error = -ENOMEM;
    else if (is_pinned(vm, at, at + n))
        error = -EBUSY;
    else {
        split_at(vm, at, &spares);
        split_at(vm, at + n, &spares);
        for (struct area *a = vm_area_at(vm, at); a && a->first < at + n; a = a->next)
            a->prot = complete(prot);
        restrict_pages(vm, at, at + n, complete(prot));
    }
    lock_drop(&vm->lock);
    free_areas(spares);
    return error;
}

/* --- Whole spaces
 * ---------------------------------------------------------------------------------- */

struct vm *vm_make(void)
{
    struct vm *vm = heap_alloc(SPACES);
    uint64_t root = vm ? tables_make() : 0;

    if (!root) {
        heap_free(SPACES, vm);
        return NULL;
    }
    *vm = (struct vm){ .root = root, .refs = 1 };
    provider_init(vm);
    return vm;
}

void vm_drop(struct vm *vm)
{
    if (!vm || __atomic_sub_fetch(&vm->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    tables_free(vm->root);
    free_areas(vm->areas);
    heap_free(SPACES, vm);
}

/* A pinned page is copied at once: who pinned it goes on writing to the parent's. */
static bool fork_page(struct vm *child, uint64_t va, uint64_t *entry, unsigned prot)
{
    uint64_t *to = tables_walk(child->root, va, true);
    void *frame = frame_of(*entry), *copy;

    if (!to)
        return false;
    if (frame_pins(frame) == 0) {
        frame_use(frame);
        *entry = arch_leaf(physical(frame), arch_flags(*entry) & ~(unsigned)WARD_WRITE);
        *to = *entry;
        return true;
    }
    copy = frame_alloc();
    if (!copy)
        return false;
    memcpy(copy, frame, PAGE);
    *to = leaf_for(copy, prot, prot & WARD_WRITE);
    return true;
}

static bool fork_area(struct vm *parent, struct vm *child, const struct area *area)
{
    struct area *copy = heap_alloc(AREAS);
    uint64_t va = area->first, *entry;

    if (!copy)
        return false;
    *copy = *area;
    insert(child, copy);
    for (; (entry = tables_next(parent->root, &va, area->end)) != NULL; va += PAGE)
        if (!fork_page(child, va, entry, area->prot))
            return false;
    return true;
}

struct vm *vm_fork(struct vm *parent)
{
    struct vm *child = vm_make();
    bool done = child != NULL;

    if (!child)
        return NULL;
    lock_take(&parent->lock);
    child->brk_first = parent->brk_first;
    child->brk = parent->brk;
    for (const struct area *area = parent->areas; area && done; area = area->next)
        done = fork_area(parent, child, area);
    vm_flush(parent);
    lock_drop(&parent->lock);
    if (!done)
        vm_drop(child);
    return done ? child : NULL;
}
