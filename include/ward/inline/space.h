/* SPDX-License-Identifier: MIT */
/*
 * The accesses of one word that fold into the caller: one test for range and alignment together,
 * then a load or store that has an entry in the exception table. All that is unusual (misaligned,
 * outside, not direct, faulted) is one call to a function that finds out and does it again, at
 * leisure.
 */
#ifndef WARD_INLINE_SPACE_H
#define WARD_INLINE_SPACE_H

#include <ward/inline/recover.h>
#include <ward/inline/touch.h>
#include <ward/inline/window.h>
#include <ward/space.h>

WARD_EXTERN_C_BEGIN

/* The whole access, after the fast way failed: kind is that of its fault, 0: it was not tried. */
WARD_API int ward_space_read_word_(struct ward_space *space, uint64_t a, unsigned width,
                                   uint64_t kind, uint64_t *value, struct ward_fault *why)
    WARD_COLD;
WARD_API int ward_space_write_word_(struct ward_space *space, uint64_t a, unsigned width,
                                    uint64_t kind, uint64_t value, struct ward_fault *why)
    WARD_COLD;

WARD_EXTERN_C_END

/* Is a aligned to 2^log2, and directly reached with all of the word? Rotated to the right by log2,
 * the offset of a misaligned address has its low bits on top and is larger than any limit; what is
 * directly reached is a multiple of 64 bytes, so that a word that begins inside ends inside. */
WARD_INLINE bool ward_space_is_near_(const struct ward_space *space, uint64_t a, unsigned log2)
{
    uint64_t off = a - space->first;

    if (log2 == 0)
        return off < space->direct;
    return (off >> log2 | off << (64 - log2)) < space->direct >> log2;
}

/* The host address of byte a. On the way of the data, not of a branch: a clamped space keeps to its
 * own bytes whatever was predicted. */
WARD_INLINE uintptr_t ward_space_host_(const struct ward_space *space, uint64_t a)
{
    return (uintptr_t)(space->base + ((a - space->first) & space->mask));
}

/* And back, for an address that was made so. */
WARD_INLINE uint64_t ward_space_of_host_(const struct ward_space *space, uintptr_t host)
{
    return space->first + (host - space->base);
}

WARD_INLINE void ward_fault_clear_(struct ward_fault *why)
{
    if (!why)
        return;
    why->addr = 0;
    why->done = 0;
    why->access = 0;
    why->kind = 0;
}

/* The fast way. False: it did not come to pass; *got is then the kind of the fault, 0: it was not
 * tried. */
WARD_INLINE bool ward_space_load_(const struct ward_space *space, uint64_t a, unsigned log2,
                                  uint64_t *got)
{
    bool faulted;

    if (WARD_UNLIKELY(!ward_space_is_near_(space, a, log2))) {
        *got = 0;
        return false;
    }
    ward_window_open_();
    faulted = ward_touch_load_(ward_space_host_(space, a), 1u << log2, got);
    ward_window_close_();
    return WARD_LIKELY(!faulted);
}

WARD_INLINE bool ward_space_store_(const struct ward_space *space, uint64_t a, unsigned log2,
                                   uint64_t *put)
{
    bool faulted;

    if (WARD_UNLIKELY(!ward_space_is_near_(space, a, log2))) {
        *put = 0;
        return false;
    }
    ward_window_open_();
    faulted = ward_touch_store_(ward_space_host_(space, a), 1u << log2, put);
    ward_window_close_();
    return WARD_LIKELY(!faulted);
}

WARD_CHECKED WARD_INLINE int ward_space_read_near_(struct ward_space *space, uint64_t a,
                                                   unsigned log2, uint64_t *value,
                                                   struct ward_fault *why)
{
    uint64_t got, slow; /* two, so that the one of the fast way stays in a register */
    int error;

    if (WARD_LIKELY(ward_space_load_(space, a, log2, &got))) {
        ward_fault_clear_(why);
        *value = got;
        return 0;
    }
    error = ward_space_read_word_(space, a, 1u << log2, got, &slow, why);
    *value = slow;
    return error;
}

WARD_CHECKED WARD_INLINE int ward_space_write_near_(struct ward_space *space, uint64_t a,
                                                    unsigned log2, uint64_t value,
                                                    struct ward_fault *why)
{
    uint64_t put = value;

    if (WARD_LIKELY(ward_space_store_(space, a, log2, &put))) {
        ward_fault_clear_(why);
        return 0;
    }
    return ward_space_write_word_(space, a, 1u << log2, put, value, why);
}

#define WARD_SPACE_WORD_(BITS, LOG2)                                                               \
    WARD_CHECKED WARD_INLINE int ward_space_read_u##BITS(                                          \
        struct ward_space *space, uint64_t a, uint##BITS##_t *value, struct ward_fault *why)       \
    {                                                                                              \
        uint64_t got = 0;                                                                          \
        int error = ward_space_read_near_(space, a, LOG2, &got, why);                              \
                                                                                                   \
        *value = (uint##BITS##_t)got;                                                              \
        return error;                                                                              \
    }                                                                                              \
    WARD_CHECKED WARD_INLINE int ward_space_write_u##BITS(                                         \
        struct ward_space *space, uint64_t a, uint##BITS##_t value, struct ward_fault *why)        \
    {                                                                                              \
        return ward_space_write_near_(space, a, LOG2, value, why);                                 \
    }

WARD_SPACE_WORD_(8, 0)
WARD_SPACE_WORD_(16, 1)
WARD_SPACE_WORD_(32, 2)
WARD_SPACE_WORD_(64, 3)

#undef WARD_SPACE_WORD_

#endif
