/* SPDX-License-Identifier: MIT */
/*
 * The states of a guest's pages: a byte for each, in the metadata. They are changed by who holds
 * the guest's lock, and looked at by everybody at any time, so all accesses are atomic.
 */
#ifndef WARD_ACCESS_STATES_H
#define WARD_ACCESS_STATES_H

#include <ward/base.h>
#include <ward/prot.h>

/* The low bits are the protection (WARD_READ, WARD_WRITE, WARD_EXEC). */
enum {
    WARD_STATE_PROT_ = 7,
    WARD_STATE_MAPPED_ = 8,
    WARD_STATE_OPEN_ = 16, /* the host's page may be accessible, as the protection says */
    WARD_STATE_ALL_ = 31,
};

WARD_STATIC_ASSERT((WARD_READ | WARD_WRITE | WARD_EXEC) == WARD_STATE_PROT_,
                   "a protection is a part of a state as it is");

WARD_INLINE unsigned ward_state_(const uint8_t *states, size_t page)
{
    return __atomic_load_n(&states[page], __ATOMIC_RELAXED);
}

/* The first page of [from, to) that has other bits than `want` among those of mask; to: none. */
size_t ward_states_find_(const uint8_t *states, size_t from, size_t to, unsigned mask,
                         unsigned want);

/* The end of the run of pages from `from` on that agree with it in the bits of mask. */
size_t ward_states_run_(const uint8_t *states, size_t from, size_t to, unsigned mask);

/* The first page of the run, of pages that are as wanted in the bits of mask, that ends before
 * `page`: at `least` or behind. `page`: the one before is not. */
size_t ward_states_run_back_(const uint8_t *states, size_t page, size_t least, unsigned mask,
                             unsigned want);

/* Every page of [from, to) becomes (state & keep) | set. */
void ward_states_change_(uint8_t *states, size_t from, size_t to, unsigned keep, unsigned set);

#endif
