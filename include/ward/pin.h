/* SPDX-License-Identifier: MIT */
/*
 * ward/pin.h: user memory that stays where it is, for those who must not copy.
 *
 * A pin keeps a span mapped, with a protection that allows the access it was taken for, until it is
 * released. Whoever would take the memory away meanwhile (unmap, protect, shrink, the end of the
 * space) is answered -EBUSY and changes nothing. Between pin and unpin the bytes may be read and
 * written at pin->host by ordinary loads and stores, which do not fault.
 *
 * The bytes are not fixed, and nothing here makes them so: others may write them at any time. Look
 * at a value once and keep the copy. A pinned string has the length that was returned; its
 * terminator may be overwritten like any other byte.
 *
 * Pins may overlap: each page counts its own. A pin is released once: a second unpin, or one of a
 * copy of the pin, is refused. A child made by fork has none of its parent's pins.
 *
 * Who can: guest spaces, and page tables in a kernel; the others answer -ENOTSUP.
 *
 * Threads: any may pin, and any one may release. Not in signal handlers. Nothing here allocates.
 */
#ifndef WARD_PIN_H
#define WARD_PIN_H

#include <ward/space.h>

/* The caller's storage, from pin to unpin in one place. All of it is for reading only. */
struct ward_pin {
    const struct ward_pin *self; /* where it was taken */
    struct ward_space *space;    /* NULL: this holds nothing */
    uint64_t a;
    size_t n; /* bytes; 0 holds nothing, and is released like any other */
    unsigned access;
    void *host;     /* where byte a lies; NULL if n is 0 */
    uint64_t epoch; /* of the process that took it (ward_host_fork_epoch) */
};

WARD_EXTERN_C_BEGIN

/*
 * Pins [a, a + n) for access (of WARD_READ, WARD_WRITE), brought into memory. All of it or nothing:
 * on failure *pin is all zero. Errors are those of ward/space.h, and -EINVAL: other access flags,
 * or none; -ENOTSUP: this space has no pins; -ENOSPC: a page has as many pins as can be counted.
 * Length 0 succeeds at any address, in any space.
 */
WARD_API WARD_CHECKED int ward_space_pin(struct ward_space *space, uint64_t a, size_t n,
                                         unsigned access, struct ward_pin *pin,
                                         struct ward_fault *why);

/* Pins a null-terminated string for reading, with its terminator, at most cap bytes in all. Returns
 * its length as it was when it was pinned; at least that and the terminator is pinned.
 * -ENAMETOOLONG: none of the first cap bytes is zero; -EINVAL: cap is 0; -EAGAIN: others made it
 * longer again and again. On failure *pin is all zero. */
WARD_API WARD_CHECKED ptrdiff_t ward_space_pin_str(struct ward_space *space, uint64_t a, size_t cap,
                                                   struct ward_pin *pin, struct ward_fault *why);

/* Releases a pin; it is all zero then. -EINVAL: it holds nothing (a second time, a failed pin,
 * NULL) or is not where it was taken, and nothing changed; -EPERM: it was taken before a fork, in
 * the parent, where it stays: the child's *pin is all zero. */
WARD_API int ward_space_unpin(struct ward_pin *pin);

WARD_EXTERN_C_END

#endif
