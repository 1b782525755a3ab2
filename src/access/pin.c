/* SPDX-License-Identifier: MIT */
/* The checked front of pins: what reaches a space's operation is in range and not empty. */
#include <ward/host.h>
#include <ward/pin.h>

#include "access/range.h"

static bool take(struct ward_pin *pin, struct ward_fault *fault)
{
    struct ward_host_thread_state *thread = ward_host_thread();
    bool taken;

    if (!ward_is_in_range_(pin->space, pin->a, pin->n, fault))
        return false;
    fault->kind = WARD_FAULT_CANNOT;
    if (!pin->space->ops->pin || !pin->space->ops->unpin)
        return false;
    thread->accessing++;
    taken = pin->space->ops->pin(pin->space, pin, fault);
    thread->accessing--;
    return taken;
}

int ward_space_pin(struct ward_space *space, uint64_t a, size_t n, unsigned access,
                   struct ward_pin *pin, struct ward_fault *why)
{
    struct ward_pin taken = { pin, space, a, n, access, NULL, ward_host_fork_epoch() };
    struct ward_fault fault = { .addr = a, .access = access };

    *pin = (struct ward_pin){ 0 };
    ward_fault_clear_(why);
    if (access == 0 || (access & ~(unsigned)WARD_RW) != 0)
        return -EINVAL;
    if (n == 0 || take(&taken, &fault)) {
        *pin = taken;
        return 0;
    }
    if (why)
        *why = fault;
    return ward_fault_error(fault.kind);
}

/* --- Strings ---------------------------------------------------------------------------------- */

/* The bytes before the first zero. Reads no further than the end of the page in which it lies. */
static ptrdiff_t measure(struct ward_space *space, uint64_t a, size_t cap, struct ward_fault *why)
{
    char piece[256];

    for (size_t done = 0; done < cap; done += sizeof piece) {
        size_t want = cap - done < sizeof piece ? cap - done : sizeof piece;
        ptrdiff_t length = ward_space_read_str(space, a + done, piece, want, why);

        if (length >= 0)
            return (ptrdiff_t)done + length;
        if (length != -ENAMETOOLONG) {
            why->done += done;
            return length;
        }
    }
    return -ENAMETOOLONG;
}

/* Measures, pins so much, and measures again: what counts is the length of pinned bytes. */
static ptrdiff_t try_str(struct ward_space *space, uint64_t a, size_t cap, struct ward_pin *pin,
                         struct ward_fault *fault)
{
    ptrdiff_t length = measure(space, a, cap, fault);
    int error;

    if (length < 0)
        return length;
    error = ward_space_pin(space, a, (size_t)length + 1, WARD_READ, pin, fault);
    if (error)
        return error;
    length = measure(space, a, (size_t)length + 1, fault);
    if (length >= 0)
        return length;
    (void)ward_space_unpin(pin);
    if (length == -ENAMETOOLONG)
        fault->addr = a, fault->access = WARD_READ, fault->kind = WARD_FAULT_BUSY;
    return ward_fault_error(fault->kind);
}

ptrdiff_t ward_space_pin_str(struct ward_space *space, uint64_t a, size_t cap, struct ward_pin *pin,
                             struct ward_fault *why)
{
    struct ward_fault fault = { 0 };
    ptrdiff_t length = -EAGAIN;

    *pin = (struct ward_pin){ 0 };
    ward_fault_clear_(why);
    if (cap == 0)
        return -EINVAL;
    for (unsigned tries = 0; length == -EAGAIN && tries < WARD_SPACE_RETRIES; tries++)
        length = try_str(space, a, cap, pin, &fault);
    if (length < 0 && why)
        *why = fault;
    return length;
}

/* --- Releasing -------------------------------------------------------------------------------- */

/* Of two at once, one wins the space; the loser looks at nothing else. */
int ward_space_unpin(struct ward_pin *pin)
{
    const size_t tail = sizeof *pin - offsetof(struct ward_pin, a);
    struct ward_pin was;

    if (!pin || __atomic_load_n(&pin->self, __ATOMIC_RELAXED) != pin)
        return -EINVAL;
    was.space = __atomic_exchange_n(&pin->space, NULL, __ATOMIC_ACQ_REL);
    if (!was.space)
        return -EINVAL;
    __builtin_memcpy(&was.a, &pin->a, tail);
    __builtin_memset(&pin->a, 0, tail);
    __atomic_store_n(&pin->self, NULL, __ATOMIC_RELEASE);
    if (was.epoch != ward_host_fork_epoch())
        return -EPERM;
    if (was.n > 0)
        was.space->ops->unpin(was.space, &was);
    return 0;
}
