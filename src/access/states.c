/* SPDX-License-Identifier: MIT */
#include "access/states.h"

/* Eight states at a time: the array begins at a multiple of eight bytes. */
typedef uint64_t __attribute__((may_alias)) eight;

#define EIGHT ((size_t)8)

static uint64_t spread(unsigned bits)
{
    return bits * UINT64_C(0x0101010101010101);
}

WARD_INLINE uint64_t load(const uint8_t *states, size_t page)
{
    const eight *at = (const eight *)(const void *)(states + page);

    return __atomic_load_n(at, __ATOMIC_RELAXED);
}

static size_t find_one(const uint8_t *states, size_t from, size_t to, unsigned mask, unsigned want)
{
    while (from < to && (ward_state_(states, from) & mask) == want)
        from++;
    return from;
}

static size_t up_to_eight(size_t from, size_t to)
{
    size_t next = (from + EIGHT - 1) & ~(EIGHT - 1);

    return next < to ? next : to;
}

/* The first eight pages, of [from, to), of which not all are as wanted. Four times eight in one
 * step, as long as all of them are. */
static size_t find_eight(const uint8_t *states, size_t from, size_t to, uint64_t mask,
                         uint64_t want)
{
    for (; to - from >= 4 * EIGHT; from += 4 * EIGHT) {
        uint64_t other = load(states, from) ^ want;

        other |= load(states, from + EIGHT) ^ want;
        other |= load(states, from + 2 * EIGHT) ^ want;
        other |= load(states, from + 3 * EIGHT) ^ want;
        if (other & mask)
            break;
    }
    while (to - from >= EIGHT && ((load(states, from) ^ want) & mask) == 0)
        from += EIGHT;
    return from;
}

size_t ward_states_find_(const uint8_t *states, size_t from, size_t to, unsigned mask,
                         unsigned want)
{
    size_t at = find_one(states, from, up_to_eight(from, to), mask, want);

    if (at == to || at % EIGHT != 0)
        return at;
    at = find_eight(states, at, to, spread(mask), spread(want));
    return find_one(states, at, to, mask, want);
}

size_t ward_states_run_(const uint8_t *states, size_t from, size_t to, unsigned mask)
{
    return ward_states_find_(states, from, to, mask, ward_state_(states, from) & mask);
}

size_t ward_states_run_back_(const uint8_t *states, size_t page, size_t least, unsigned mask,
                             unsigned want)
{
    while (page > least && (ward_state_(states, page - 1) & mask) == want)
        page--;
    return page;
}

void ward_states_change_(uint8_t *states, size_t from, size_t to, unsigned keep, unsigned set)
{
    while (from < to) {
        if (from % EIGHT == 0 && to - from >= EIGHT) {
            uint64_t value = (load(states, from) & spread(keep)) | spread(set);

            __atomic_store_n((eight *)(void *)(states + from), value, __ATOMIC_RELAXED);
            from += EIGHT;
        } else {
            unsigned value = (ward_state_(states, from) & keep) | set;

            __atomic_store_n(&states[from], (uint8_t)value, __ATOMIC_RELAXED);
            from++;
        }
    }
}
