/* SPDX-License-Identifier: MIT */
/*
 * The provider of the gates: page tables as address spaces (ward/space.h).
 *
 * `here` is direct: user addresses are addresses, and an access is a load or store that may fault.
 * The fault was fixed up when its hook is asked, outside of any trap, and the hook does what a
 * fault of the user's own does. All of it is the process's business then: there is nothing but
 * areas and tables to decide, and no lock is held while user memory is accessed.
 *
 * `remote` walks the tables, and copies through the direct half, a page at a time, under the lock
 * of the space; nothing faults. A write breaks sharing first, and marks page and entry as the
 * processor would.
 */
#include "host.h"
#include "kernel.h"

static struct vm *vm_of_here(struct ward_space *space)
{
    return (struct vm *)(void *)((char *)space - offsetof(struct vm, here));
}

static struct vm *vm_of_remote(struct ward_space *space)
{
    return (struct vm *)(void *)((char *)space - offsetof(struct vm, remote));
}

static size_t left_in_page(uint64_t a, size_t n)
{
    size_t left = PAGE - (size_t)(a % PAGE);

    return left < n ? left : n;
}

/* --- Both ----------------------------------------------------------------------------------------
 */

static bool fail(struct ward_fault *why, uint64_t addr, unsigned kind)
{
    why->addr = addr;
    why->kind = kind;
    return false;
}

static bool check(struct vm *vm, uint64_t a, size_t n, unsigned access, struct ward_fault *why)
{
    uint64_t at = a, end = a + n;
    bool good = true;

    lock_take(&vm->lock);
    for (const struct area *area = vm_area_at(vm, a); at < end && good; area = area->next) {
        if (!area || area->first > at)
            good = fail(why, at, WARD_FAULT_UNMAPPED);
        else if (access & ~area->prot)
            good = fail(why, at, WARD_FAULT_PROT);
        else
            at = area->end;
    }
    lock_drop(&vm->lock);
    return good;
}

static bool populate(struct vm *vm, uint64_t a, size_t n, unsigned access, struct ward_fault *why)
{
    for (size_t off = 0; off < n; off += left_in_page(a + off, n - off)) {
        unsigned kind = vm_fault(vm, a + off, access);

        if (kind)
            return fail(why, a + off, kind);
    }
    return true;
}

/* A host address for all bytes of a pin: its pages lie one after the other in the direct half, as
 * one page does. More would have to be mapped somewhere; WARD_FAULT_CANNOT says that they are not.
 */
static bool pin(struct vm *vm, struct ward_pin *pin, struct ward_fault *why)
{
    uint64_t first = pin->a - pin->a % PAGE;
    unsigned access = pin->access, kind;
    const struct area *area;
    void *frame = NULL;

    if (pin->a + pin->n > first + PAGE)
        return fail(why, first + PAGE, WARD_FAULT_CANNOT);
    lock_take(&vm->lock);
    area = vm_area_at(vm, pin->a); /* what may be written later is this space's own from now on */
    if (area && area->prot & WARD_WRITE)
        access |= WARD_WRITE;
    kind = vm_page(vm, pin->a, access, &frame);
    if (kind == 0 && !frame_pin(frame))
        kind = WARD_FAULT_PINS;
    arch_flush_page(pin->a);
    lock_drop(&vm->lock);
    if (kind)
        return fail(why, pin->a, kind);
    __atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
    pin->host = (char *)frame + pin->a % PAGE;
    return true;
}

/* The space may have ended meanwhile, all but this. */
static void unpin(struct vm *vm, const struct ward_pin *pin)
{
    uintptr_t host = (uintptr_t)pin->host;

    frame_unpin((void *)(host - host % PAGE));
    vm_drop(vm);
}

/* --- Here
 * ------------------------------------------------------------------------------------------ */

static enum ward_answer here_fault(struct ward_space *space, struct ward_fault *fault)
{
    unsigned kind = vm_fault(vm_of_here(space), fault->addr, fault->access);

    if (kind == 0)
        return WARD_RETRY;
    fault->kind = kind;
    return WARD_FAIL;
}

static bool here_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                       struct ward_fault *why)
{
    return check(vm_of_here(space), a, n, access, why);
}

static bool here_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                          struct ward_fault *why)
{
    return populate(vm_of_here(space), a, n, access, why);
}

static bool here_pin(struct ward_space *space, struct ward_pin *p, struct ward_fault *why)
{
    return pin(vm_of_here(space), p, why);
}

static void here_unpin(struct ward_space *space, const struct ward_pin *p)
{
    unpin(vm_of_here(space), p);
}

static const struct ward_space_ops here_ops = {
    .name = "page tables",
    .check = here_check,
    .populate = here_populate,
    .fault = here_fault,
    .pin = here_pin,
    .unpin = here_unpin,
};

/* --- Remote
 * ---------------------------------------------------------------------------------------- */

/* Bytes copied: up to the end, or to the page that fails. Exactly one of to and from is given. */
static size_t copy(struct vm *vm, uint64_t a, char *to, const char *from, size_t n,
                   struct ward_fault *why)
{
    unsigned access = to ? WARD_READ : WARD_WRITE, kind = 0;
    size_t done = 0;

    while (done < n && kind == 0) {
        size_t piece = left_in_page(a + done, n - done);
        char *frame = NULL;

        lock_take(&vm->lock);
        kind = vm_page(vm, a + done, access, (void **)&frame);
        if (kind == 0 && to)
            memcpy(to + done, frame + (a + done) % PAGE, piece);
        else if (kind == 0)
            memcpy(frame + (a + done) % PAGE, from + done, piece);
        lock_drop(&vm->lock);
        if (kind)
            (void)fail(why, a + done, kind);
        else
            done += piece;
    }
    return done;
}

static size_t remote_read(struct ward_space *space, uint64_t a, void *dst, size_t n,
                          struct ward_fault *why)
{
    return copy(vm_of_remote(space), a, dst, NULL, n, why);
}

static size_t remote_write(struct ward_space *space, uint64_t a, const void *src, size_t n,
                           struct ward_fault *why)
{
    return copy(vm_of_remote(space), a, NULL, src, n, why);
}

static bool remote_check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                         struct ward_fault *why)
{
    return check(vm_of_remote(space), a, n, access, why);
}

static bool remote_populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                            struct ward_fault *why)
{
    return populate(vm_of_remote(space), a, n, access, why);
}

static bool remote_pin(struct ward_space *space, struct ward_pin *p, struct ward_fault *why)
{
    return pin(vm_of_remote(space), p, why);
}

static void remote_unpin(struct ward_space *space, const struct ward_pin *p)
{
    unpin(vm_of_remote(space), p);
}

static const struct ward_space_ops remote_ops = {
    .name = "page tables of another",
    .read = remote_read,
    .write = remote_write,
    .check = remote_check,
    .populate = remote_populate,
    .pin = remote_pin,
    .unpin = remote_unpin,
};

/* The user half is a power of two: an address that was guessed wrongly stays in it all the same. */
void provider_init(struct vm *vm)
{
    vm->here = (struct ward_space){
        .ops = &here_ops,
        .last = USER_END - 1,
        .direct = USER_END,
        .mask = USER_END - 1,
    };
    vm->remote =
        (struct ward_space){ .ops = &remote_ops, .last = USER_END - 1, .mask = UINT64_MAX };
}
