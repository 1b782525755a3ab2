/* SPDX-License-Identifier: MIT */
/*
 * Address spaces: areas say what may be there, entries of the page tables what is.
 *
 *   an entry allows no more than the area it lies in
 *   an entry is writable only if its frame is no other space's
 *   a frame leaves an entry first, then every CPU's translations, and is dropped last
 *   a frame with pins is one space's alone, stays in its entry, and fork copies it
 *
 * Pages come when they are touched: a first access brings a page of zeroes; a first write marks it
 * dirty, and copies it if a fork shares it; a pin copies a shared page whatever the access.
 */
#include "host.h"
#include "kernel.h"

enum { MAP_FIRST = 0x10000 };

static const uint64_t map_base = (uint64_t)1 << 34;

/* --- Areas ------------------------------------------------------------------------------------ */

/* What leads to the first area that ends behind addr. */
static struct area **link_at(struct vm *vm, uint64_t addr)
{
    struct area **link = &vm->areas;

    while (*link && (*link)->end <= addr)
        link = &(*link)->next;
    return link;
}

static bool is_range(uint64_t at, uint64_t n)
{
    return (at | n) % PAGE == 0 && n > 0 && at >= MAP_FIRST && n <= USER_END - PAGE &&
           at <= USER_END - PAGE - n;
}

unsigned vm_check(struct vm *vm, uint64_t *at, uint64_t end, unsigned access)
{
    for (const struct area *area = *link_at(vm, *at); *at < end; area = area->next) {
        if (!area || area->first > *at)
            return WARD_FAULT_UNMAPPED;
        if (access & ~area->prot)
            return WARD_FAULT_PROT;
        *at = area->end;
    }
    return 0;
}

/* Makes `at` a border between areas; false: no memory. One too many does no harm. */
static bool split_at(struct vm *vm, uint64_t at)
{
    struct area *area = *link_at(vm, at), *high;

    if (!area || area->first >= at)
        return true;
    high = heap_alloc(AREAS);
    if (!high)
        return false;
    *high = *area;
    high->first = area->end = at;
    area->next = high;
    return true;
}

/* --- Pages ------------------------------------------------------------------------------------ */

static void *frame_of(uint64_t entry)
{
    return direct(arch_address(entry));
}

/* Code is written, and every CPU knows, before anybody may fetch it. */
void vm_sync_code(struct vm *vm, const void *frame)
{
    arch_sync_code(frame);
    vm_flush(vm);
}

static void set_page(struct vm *vm, uint64_t *entry, const void *frame, unsigned flags)
{
    if (flags & WARD_EXEC && *entry == 0)
        vm_sync_code(vm, frame);
    if (flags & WARD_WRITE)
        flags |= PAGE_DIRTY;
    entry_set(entry, arch_leaf(physical(frame), flags | PAGE_USER));
}

/* A frame that is this space's alone, in place of what is in the entry: zeroes, or a copy. The
 * entry is empty then: no CPU sees it change from one frame to another. NULL: no memory. */
static void *replace(struct vm *vm, uint64_t *entry)
{
    void *frame = frame_alloc(), *was = frame_of(*entry);

    if (!frame || *entry == 0)
        return frame;
    entry_set(entry, 0);
    vm_flush(vm);
    memcpy(frame, was, PAGE);
    frame_drop(was);
    return frame;
}

unsigned vm_page(struct vm *vm, uint64_t addr, unsigned access, void **frame)
{
    const struct area *area = *link_at(vm, addr);
    unsigned wanted;
    uint64_t *entry;

    if (!area || addr < area->first)
        return WARD_FAULT_UNMAPPED;
    if (access & ~(area->prot | VM_ALONE))
        return WARD_FAULT_PROT;
    entry = tables_walk(vm->root, addr, true);
    if (!entry)
        return WARD_FAULT_NO_MEMORY;
    wanted = access | arch_flags(*entry) | (access & VM_ALONE ? area->prot : 0u);
    *frame = frame_of(*entry);
    if (*entry == 0 || (access & (WARD_WRITE | VM_ALONE) && frame_is_shared(*frame)))
        *frame = replace(vm, entry);
    if (!*frame)
        return WARD_FAULT_NO_MEMORY;
    set_page(vm, entry, *frame,
             (area->prot & (wanted | WARD_READ | WARD_EXEC)) | (wanted & PAGE_DIRTY));
    return 0;
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
        if (frame_is_pinned(frame_of(*entry)))
            return true;
    return false;
}

/* The entry allows no more than prot; to write also no more than it did: that comes by faults. */
static uint64_t restricted(uint64_t entry, unsigned prot)
{
    unsigned kept = arch_flags(entry) & (PAGE_USER | PAGE_DIRTY | (prot & WARD_WRITE));

    if (prot & WARD_EXEC)
        arch_sync_code(frame_of(entry));
    return arch_leaf(arch_address(entry), kept | (prot & (WARD_READ | WARD_EXEC)));
}

/* What goes is closed first: its frames wait until no CPU knows them any more. */
static void change_pages(struct vm *vm, uint64_t from, uint64_t end, unsigned prot)
{
    uint64_t *entry, at = from;
    bool changed = false;

    for (; (entry = tables_next(vm->root, &at, end)) != NULL; at += PAGE, changed = true)
        entry_set(entry, restricted(*entry, prot));
    if (changed)
        vm_flush(vm);
    for (at = from; prot == VM_GONE && (entry = tables_next(vm->root, &at, end)); at += PAGE) {
        frame_drop(frame_of(*entry));
        entry_set(entry, 0);
    }
}

/* --- Changes of a range ----------------------------------------------------------------------- */

/* Writable implies readable, on every machine. */
static unsigned complete(unsigned prot)
{
    return prot & (WARD_WRITE | WARD_EXEC) ? prot | WARD_READ : prot;
}

/* With the lock: all or nothing. */
static int change(struct vm *vm, uint64_t at, uint64_t end, unsigned prot)
{
    struct area *area, **link;

    if (is_pinned(vm, at, end))
        return -EBUSY;
    if (!split_at(vm, at) || !split_at(vm, end))
        return -ENOMEM;
    change_pages(vm, at, end, prot);
    for (link = link_at(vm, at); (area = *link) && area->first < end;) {
        area->prot = prot;
        if (prot != VM_GONE) {
            link = &area->next;
            continue;
        }
        *link = area->next;
        heap_free(AREAS, area);
    }
    return 0;
}

int vm_change(struct vm *vm, uint64_t at, uint64_t n, unsigned prot)
{
    uint64_t from = at;
    int error = -ENOMEM;

    if (!is_range(at, n) || (prot != VM_GONE && prot & ~7u))
        return -EINVAL;
    lock_take(&vm->lock);
    if (prot == VM_GONE || vm_check(vm, &from, at + n, 0) == 0)
        error = change(vm, at, at + n, complete(prot));
    lock_drop(&vm->lock);
    return error;
}

/* The first hole from map_base on that is large enough; 0: none. */
static uint64_t find_hole(struct vm *vm, uint64_t n)
{
    uint64_t at = map_base;

    for (const struct area *area = *link_at(vm, at); area; area = area->next) {
        if (area->first >= at && area->first - at >= n)
            break;
        at = area->end;
    }
    return is_range(at, n) ? at : 0;
}

/* With the lock. What was there goes. */
static int put_area(struct vm *vm, uint64_t at, uint64_t end, unsigned prot)
{
    struct area *area = heap_alloc(AREAS), **link;
    int error = area ? change(vm, at, end, VM_GONE) : -ENOMEM;

    if (error) {
        heap_free(AREAS, area);
        return error;
    }
    link = link_at(vm, at);
    *area = (struct area){ *link, at, end, complete(prot) };
    *link = area;
    return 0;
}

int vm_map(struct vm *vm, uint64_t *at, uint64_t n, unsigned prot)
{
    int error;

    if ((*at && !is_range(*at, n)) || n == 0 || n % PAGE || prot & ~7u)
        return -EINVAL;
    lock_take(&vm->lock);
    if (*at == 0)
        *at = find_hole(vm, n);
    error = *at ? put_area(vm, *at, *at + n, prot) : -ENOMEM;
    lock_drop(&vm->lock);
    return error;
}

int64_t vm_brk(struct vm *vm, uint64_t end)
{
    const struct area *next;
    int error = 0;

    lock_take(&vm->lock);
    end = end ? (end + PAGE - 1) / PAGE * PAGE : vm->brk;
    next = *link_at(vm, vm->brk);
    if (end < vm->brk_first || end > USER_END / 2)
        error = -EINVAL;
    else if (end < vm->brk)
        error = change(vm, end, vm->brk, VM_GONE);
    else if (end > vm->brk)
        error = next && next->first < end ? -ENOMEM : put_area(vm, vm->brk, end, WARD_RW);
    if (!error)
        vm->brk = end;
    lock_drop(&vm->lock);
    return error ? error : (int64_t)end;
}

/* --- Whole spaces ----------------------------------------------------------------------------- */

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
    struct area *next;

    if (!vm || __atomic_sub_fetch(&vm->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    tables_free(vm->root);
    for (struct area *area = vm->areas; area; area = next) {
        next = area->next;
        heap_free(AREAS, area);
    }
    heap_free(SPACES, vm);
}

/* A pinned page is copied at once: who pinned it goes on writing to the parent's. */
static bool fork_page(struct vm *child, uint64_t va, uint64_t *entry, unsigned prot)
{
    uint64_t *to = tables_walk(child->root, va, true);
    void *frame = frame_of(*entry), *copy;

    if (to && frame_share(frame)) {
        entry_set(entry, arch_leaf(physical(frame), arch_flags(*entry) & ~(unsigned)WARD_WRITE));
        entry_set(to, *entry);
        return true;
    }
    copy = to ? frame_alloc() : NULL;
    if (copy)
        set_page(child, to, memcpy(copy, frame, PAGE), prot);
    return copy != NULL;
}

struct vm *vm_fork(struct vm *parent)
{
    struct vm *child = vm_make();
    bool done = child != NULL;
    uint64_t va = 0, *entry;

    if (!child)
        return NULL;
    lock_take(&parent->lock);
    child->brk_first = parent->brk_first;
    child->brk = parent->brk;
    for (const struct area *area = parent->areas; area && done; area = area->next) {
        done = put_area(child, area->first, area->end, area->prot) == 0;
        for (; done && (entry = tables_next(parent->root, &va, area->end)); va += PAGE)
            done = fork_page(child, va, entry, area->prot);
    }
    vm_flush(parent);
    lock_drop(&parent->lock);
    if (!done)
        vm_drop(child);
    return done ? child : NULL;
}
