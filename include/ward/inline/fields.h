/* SPDX-License-Identifier: MIT */
/*
 * Sums over the named members of a type, as constant expressions, with a check of each.
 */
#ifndef WARD_INLINE_FIELDS_H
#define WARD_INLINE_FIELDS_H

#include <ward/base.h>

/* What a member that needs a validator adds to a sum: more than any size. */
#define WARD_FIELD_NEEDS_CHECK_     ((size_t)1 << 48)

#define WARD_FIELD_SIZE_(T, MEMBER) sizeof(((T *)0)->MEMBER)

/* A member that may hold any bits. */
#define WARD_FIELD_PLAIN_(T, MEMBER)                                                               \
    (WARD_IS_PLAIN_FIELD(T, MEMBER) ? WARD_FIELD_SIZE_(T, MEMBER) : WARD_FIELD_NEEDS_CHECK_)

#define WARD_FIELD_CHECKED_(T, MEMBER) (WARD_FIELD_SIZE_(T, MEMBER) + WARD_FIELD_NEEDS_CHECK_)

/* A member of a type that user pointers NAME were defined for. */
#define WARD_FIELD_OF_(NAME, T, MEMBER)                                                            \
    (sizeof(NAME##_inout) > 0 && WARD_IS_SAME_TYPE(NAME##_type, __typeof__(((T *)0)->MEMBER))      \
         ? WARD_FIELD_SIZE_(T, MEMBER)                                                             \
         : (size_t)0)

#define WARD_FIELDS_(F, T, ...)                                                                    \
    WARD_FIELDS_PICK_(__VA_ARGS__, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)       \
    (F, T, __VA_ARGS__)
#define WARD_FIELDS_PICK_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, COUNT, ...)              \
    WARD_FIELDS_##COUNT##_
#define WARD_FIELDS_1_(F, T, a)       F(T, a)
#define WARD_FIELDS_2_(F, T, a, ...)  F(T, a) + WARD_FIELDS_1_(F, T, __VA_ARGS__)
#define WARD_FIELDS_3_(F, T, a, ...)  F(T, a) + WARD_FIELDS_2_(F, T, __VA_ARGS__)
#define WARD_FIELDS_4_(F, T, a, ...)  F(T, a) + WARD_FIELDS_3_(F, T, __VA_ARGS__)
#define WARD_FIELDS_5_(F, T, a, ...)  F(T, a) + WARD_FIELDS_4_(F, T, __VA_ARGS__)
#define WARD_FIELDS_6_(F, T, a, ...)  F(T, a) + WARD_FIELDS_5_(F, T, __VA_ARGS__)
#define WARD_FIELDS_7_(F, T, a, ...)  F(T, a) + WARD_FIELDS_6_(F, T, __VA_ARGS__)
#define WARD_FIELDS_8_(F, T, a, ...)  F(T, a) + WARD_FIELDS_7_(F, T, __VA_ARGS__)
#define WARD_FIELDS_9_(F, T, a, ...)  F(T, a) + WARD_FIELDS_8_(F, T, __VA_ARGS__)
#define WARD_FIELDS_10_(F, T, a, ...) F(T, a) + WARD_FIELDS_9_(F, T, __VA_ARGS__)
#define WARD_FIELDS_11_(F, T, a, ...) F(T, a) + WARD_FIELDS_10_(F, T, __VA_ARGS__)
#define WARD_FIELDS_12_(F, T, a, ...) F(T, a) + WARD_FIELDS_11_(F, T, __VA_ARGS__)
#define WARD_FIELDS_13_(F, T, a, ...) F(T, a) + WARD_FIELDS_12_(F, T, __VA_ARGS__)
#define WARD_FIELDS_14_(F, T, a, ...) F(T, a) + WARD_FIELDS_13_(F, T, __VA_ARGS__)
#define WARD_FIELDS_15_(F, T, a, ...) F(T, a) + WARD_FIELDS_14_(F, T, __VA_ARGS__)
#define WARD_FIELDS_16_(F, T, a, ...) F(T, a) + WARD_FIELDS_15_(F, T, __VA_ARGS__)

#endif
