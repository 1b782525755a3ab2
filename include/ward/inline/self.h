/* SPDX-License-Identifier: MIT */
/*
 * Self by table where it is known when compiled: its bounds are constants, and what is not the fast
 * way is left to the space.
 */
#ifndef WARD_INLINE_SELF_H
#define WARD_INLINE_SELF_H

#include <ward/inline/space.h>
#include <ward/self.h>

WARD_EXTERN_C_BEGIN

/* The whole access, after the fast way failed: kind is that of its fault, 0: it was not tried. */
WARD_API int ward_self_read_u64_(uint64_t a, uint64_t kind, uint64_t *value, struct ward_fault *why)
    WARD_COLD;
WARD_API int ward_self_write_u64_(uint64_t a, uint64_t kind, uint64_t value, struct ward_fault *why)
    WARD_COLD;

WARD_EXTERN_C_END

/* One test says that a is aligned and inside: that none of these bits is set in its offset. They
 * leave out what lies more than 2^62 bytes in, where no machine has memory; the slow way knows the
 * bounds to the byte. */
#define WARD_SELF_STRAY_ (UINT64_C(3) << 62 | 7)

WARD_CHECKED WARD_INLINE int ward_self_read_u64(uint64_t a, uint64_t *value, struct ward_fault *why)
{
    uint64_t got, slow, off = a - WARD_SELF_FIRST;
    int error;

    if (WARD_LIKELY(!ward_touch_load_unless_(off, WARD_SELF_STRAY_, (uintptr_t)a, &got))) {
        ward_fault_clear_(why);
        *value = got;
        return 0;
    }
    error = ward_self_read_u64_(a, off & WARD_SELF_STRAY_ ? 0 : got, &slow, why);
    *value = slow;
    return error;
}

WARD_CHECKED WARD_INLINE int ward_self_write_u64(uint64_t a, uint64_t value, struct ward_fault *why)
{
    uint64_t put = value, off = a - WARD_SELF_FIRST;

    if (WARD_LIKELY(!ward_touch_store_unless_(off, WARD_SELF_STRAY_, (uintptr_t)a, &put))) {
        ward_fault_clear_(why);
        return 0;
    }
    return ward_self_write_u64_(a, off & WARD_SELF_STRAY_ ? 0 : put, value, why);
}

#endif
