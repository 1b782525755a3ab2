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

static struct vm *vm_of(struct ward_space *space)
{
    size_t at = space->direct ? offsetof(struct vm, here) : offsetof(struct vm, remote);

    return (struct vm *)(void *)((char *)space - at);
}

static size_t left_in_page(uint64_t a, size_t n)
{
    size_t left = PAGE - (size_t)(a % PAGE);

    return left < n ? left : n;
}

/* Is there no fault? Else this is it. */
static bool is_good(unsigned kind, uint64_t addr, struct ward_fault *why)
{
    if (kind == 0)
        return true;
    why->addr = addr;
    why->kind = kind;
    return false;
}

static bool check(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                  struct ward_fault *why)
{
    struct vm *vm = vm_of(space);
    uint64_t at = a;
    unsigned kind;

    lock_take(&vm->lock);
    kind = vm_check(vm, &at, a + n, access);
    lock_drop(&vm->lock);
    return is_good(kind, at, why);
}

static bool populate(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                     struct ward_fault *why)
{
    bool good = true;

    for (size_t off = 0; off < n && good; off += left_in_page(a + off, n - off))
        good = is_good(vm_fault(vm_of(space), a + off, access), a + off, why);
    return good;
}

/* What a direct access came upon. */
static enum ward_answer serve_fault(struct ward_space *space, struct ward_fault *fault)
{
    unsigned kind = vm_fault(vm_of(space), fault->addr, fault->access);

    return is_good(kind, fault->addr, fault) ? WARD_RETRY : WARD_FAIL;
}

/* A host address for all bytes of a pin: its pages lie one after the other in the direct half, as
 * one page does. More would have to be mapped somewhere; WARD_FAULT_CANNOT says that they are not.
 */
static bool pin(struct ward_space *space, struct ward_pin *pin, struct ward_fault *why)
{
    struct vm *vm = vm_of(space);
    char *frame = NULL;
    unsigned kind;

    if (left_in_page(pin->a, pin->n) < pin->n)
        return is_good(WARD_FAULT_CANNOT, pin->a + left_in_page(pin->a, pin->n), why);
    lock_take(&vm->lock);
    kind = vm_page(vm, pin->a, pin->access | VM_ALONE, (void **)&frame);
    if (kind == 0 && !frame_pin(frame))
        kind = WARD_FAULT_PINS;
    arch_flush_page(pin->a);
    lock_drop(&vm->lock);
    if (!is_good(kind, pin->a, why))
        return false;
    __atomic_fetch_add(&vm->refs, 1, __ATOMIC_RELAXED);
    pin->host = frame + pin->a % PAGE;
    return true;
}

/* The space may have ended meanwhile, all but this. */
static void unpin(struct ward_space *space, const struct ward_pin *pin)
{
    frame_unpin((char *)pin->host - pin->a % PAGE);
    vm_drop(vm_of(space));
}

/* --- Remote ----------------------------------------------------------------------------------- */

/* One page or less, to ours or from there; the kind of fault. */
static unsigned copy_piece(struct vm *vm, uint64_t a, char *ours, size_t n, unsigned access)
{
    char *frame = NULL;
    unsigned kind;

    lock_take(&vm->lock);
    kind = vm_page(vm, a, access, (void **)&frame);
    if (kind == 0 && access == WARD_READ)
        memcpy(ours, frame + a % PAGE, n);
    if (kind == 0 && access == WARD_WRITE) {
        memcpy(frame + a % PAGE, ours, n);
        if (vm_check(vm, &(uint64_t){ a }, a + 1, WARD_EXEC) == 0)
            vm_sync_code(vm, frame);
    }
    lock_drop(&vm->lock);
    return kind;
}

/* Bytes copied: up to the end, or to the page that fails. */
static size_t copy(struct ward_space *space, uint64_t a, void *ours, size_t n, unsigned access,
                   struct ward_fault *why)
{
    size_t done = 0, piece = 0;
    bool good = true;

    for (; done < n && good; done += good ? piece : 0) {
        piece = left_in_page(a + done, n - done);
        good = is_good(copy_piece(vm_of(space), a + done, (char *)ours + done, piece, access),
                       a + done, why);
    }
    return done;
}

static size_t read(struct ward_space *space, uint64_t a, void *to, size_t n, struct ward_fault *why)
{
    return copy(space, a, to, n, WARD_READ, why);
}

static size_t write(struct ward_space *space, uint64_t a, const void *from, size_t n,
                    struct ward_fault *why)
{
    return copy(space, a, (void *)(uintptr_t)from, n, WARD_WRITE, why);
}

static const struct ward_space_ops here_ops = {
    .name = "page tables",
    .check = check,
    .populate = populate,
    .fault = serve_fault,
    .pin = pin,
    .unpin = unpin,
};

static const struct ward_space_ops remote_ops = {
    .name = "page tables of another",
    .read = read,
    .write = write,
    .check = check,
    .populate = populate,
    .pin = pin,
    .unpin = unpin,
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
