/* SPDX-License-Identifier: MIT */
/*
 * Sums over the named members of a type, as constant expressions, with a check of each.
 *
 * A member that lies at [start, end) adds f(end) - f(start), where f(x) is 2^20 x^2 + x. Over
 * members that follow each other without a gap the sum telescopes: if they are all of T, it is
 * f(sizeof(T)). A member left out makes it less. One named in place of another changes it as well:
 * the low bits of what it adds are end - start, the high ones (end - start) (end + start), and the
 * two tell the place. And sizeof(T) does not pass for a sum.
 */
#ifndef WARD_INLINE_FIELDS_H
#define WARD_INLINE_FIELDS_H

#include <ward/base.h>

/* May this type hold any bits: is it an integer, a floating-point number or an array of such? C
 * sees an enumeration as the integer it is made of. Is B the type A, or an array of it? */
#ifdef __cplusplus
extern "C++" {
template <class T> struct ward_plain_ {
    static const bool is = false;
};
template <class T, size_t N> struct ward_plain_<T[N]> : ward_plain_<T> {
};
template <class T> struct ward_plain_<T &> : ward_plain_<T> { /* of an element: a[0] */
};
#define WARD_PLAIN_(E)                                                                             \
    template <> struct ward_plain_<E> {                                                            \
        static const bool is = true;                                                               \
    };
WARD_PLAIN_(char)
WARD_PLAIN_(signed char)
WARD_PLAIN_(unsigned char)
WARD_PLAIN_(short)
WARD_PLAIN_(unsigned short)
WARD_PLAIN_(int)
WARD_PLAIN_(unsigned)
WARD_PLAIN_(long)
WARD_PLAIN_(unsigned long)
WARD_PLAIN_(long long)
WARD_PLAIN_(unsigned long long)
WARD_PLAIN_(float)
WARD_PLAIN_(double)
#undef WARD_PLAIN_

template <class A, class B> struct ward_made_of_ {
    static const bool is = false;
};
template <class A> struct ward_made_of_<A, A> {
    static const bool is = true;
};
template <class A, class B, size_t N> struct ward_made_of_<A, B[N]> : ward_made_of_<A, B> {
};
template <class A, class B> struct ward_made_of_<A, B &> : ward_made_of_<A, B> {
};
}
#define WARD_IS_PLAIN_FIELD_(T, MEMBER) (ward_plain_<decltype(((T *)0)->MEMBER)>::is)
#define WARD_IS_PLAIN_SCALAR_(T)        (ward_plain_<T>::is)
#define WARD_IS_MADE_OF_(A, B)          (ward_made_of_<A, B>::is)
#define WARD_IS_UNION_(T)               __is_union(T)
#else
/* Each type, and an array of it: one of unknown length is compatible with every one. */
#define WARD_PLAIN_(E) E * : 1, E(*)[] : 1
#define WARD_IS_PLAIN_(POINTER)                                                                    \
    _Generic(POINTER, WARD_PLAIN_(char), WARD_PLAIN_(signed char), WARD_PLAIN_(unsigned char),     \
             WARD_PLAIN_(short), WARD_PLAIN_(unsigned short), WARD_PLAIN_(int),                    \
             WARD_PLAIN_(unsigned), WARD_PLAIN_(long), WARD_PLAIN_(unsigned long),                 \
             WARD_PLAIN_(long long), WARD_PLAIN_(unsigned long long), WARD_PLAIN_(float),          \
             WARD_PLAIN_(double), default : 0)
#define WARD_IS_PLAIN_FIELD_(T, MEMBER) WARD_IS_PLAIN_(&((T *)0)->MEMBER)
#define WARD_IS_PLAIN_SCALAR_(T)        WARD_IS_PLAIN_((T *)0)
#define WARD_IS_MADE_OF_(A, B)                                                                     \
    (__builtin_types_compatible_p(A, B) || __builtin_types_compatible_p(A[], B))
#ifdef __CHECKER__
#define WARD_IS_UNION_(T) 0
#else
#define WARD_IS_UNION_(T) (__builtin_classify_type(*(T *)0) == 13) /* union_type_class */
#endif
#endif

/* What a member that needs a validator adds to a sum: more than all sizes come to. */
#define WARD_FIELD_NEEDS_CHECK_ ((size_t)1 << 53)

/* What the bytes [START, END) add to a sum. (The zero is for clang-tidy, which takes a product of
 * two sizes for a slip.) */
#define WARD_PLACE_OF_(X)       ((((X) + 0) * ((X) + 0) << 20) + (X))
#define WARD_PLACE_(START, END) (WARD_PLACE_OF_(END) - WARD_PLACE_OF_(START))
#define WARD_FIELD_PLACE_(T, MEMBER)                                                               \
    WARD_PLACE_(__builtin_offsetof(T, MEMBER),                                                     \
                __builtin_offsetof(T, MEMBER) + sizeof(((T *)0)->MEMBER))

/* Are these all of T? */
#define WARD_FIELDS_COVER_(NAME, T, SUM)                                                           \
    WARD_STATIC_ASSERT(sizeof(T) >> 16 == 0, #NAME ": too large");                                 \
    WARD_STATIC_ASSERT((SUM) == WARD_PLACE_((size_t)0, sizeof(T)),                                 \
                       #NAME ": members not named, or padding, which would carry our bytes out");

/* A member that may hold any bits. */
#define WARD_FIELD_PLAIN_(T, MEMBER)                                                               \
    (WARD_IS_PLAIN_FIELD_(T, MEMBER) ? WARD_FIELD_PLACE_(T, MEMBER) : WARD_FIELD_NEEDS_CHECK_)

#define WARD_FIELD_CHECKED_(T, MEMBER) (WARD_FIELD_PLACE_(T, MEMBER) + WARD_FIELD_NEEDS_CHECK_)

/* A member of a type that user pointers NAME were defined for, in all directions: else there is no
 * NAME_is_checked_. */
#define WARD_FIELD_OF_(NAME, T, MEMBER)                                                            \
    (WARD_IS_MADE_OF_(NAME##_type, __typeof__(((T *)0)->MEMBER))                                   \
         ? WARD_FIELD_PLACE_(T, MEMBER) + NAME##_is_checked_ * WARD_FIELD_NEEDS_CHECK_             \
         : (size_t)0)

#define WARD_SCALAR_CHECKED_(T) (WARD_PLACE_((size_t)0, sizeof(T)) + WARD_FIELD_NEEDS_CHECK_)
#define WARD_SCALAR_(T)                                                                            \
    (WARD_IS_PLAIN_SCALAR_(T) ? WARD_PLACE_((size_t)0, sizeof(T)) : WARD_FIELD_NEEDS_CHECK_)

#define WARD_FIELDS_(F, T, ...)                                                                    \
    WARD_FIELDS_PICK_(__VA_ARGS__, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, \
                      16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)                    \
    (F, T, __VA_ARGS__)
#define WARD_FIELDS_PICK_(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12, m13, m14, m15, m16,   \
                          m17, m18, m19, m20, m21, m22, m23, m24, m25, m26, m27, m28, m29, m30,    \
                          m31, m32, COUNT, ...)                                                    \
    WARD_FIELDS_##COUNT##_
#define WARD_FIELDS_1_(F, T, m)       F(T, m)
#define WARD_FIELDS_2_(F, T, m, ...)  F(T, m) + WARD_FIELDS_1_(F, T, __VA_ARGS__)
#define WARD_FIELDS_3_(F, T, m, ...)  F(T, m) + WARD_FIELDS_2_(F, T, __VA_ARGS__)
#define WARD_FIELDS_4_(F, T, m, ...)  F(T, m) + WARD_FIELDS_3_(F, T, __VA_ARGS__)
#define WARD_FIELDS_5_(F, T, m, ...)  F(T, m) + WARD_FIELDS_4_(F, T, __VA_ARGS__)
#define WARD_FIELDS_6_(F, T, m, ...)  F(T, m) + WARD_FIELDS_5_(F, T, __VA_ARGS__)
#define WARD_FIELDS_7_(F, T, m, ...)  F(T, m) + WARD_FIELDS_6_(F, T, __VA_ARGS__)
#define WARD_FIELDS_8_(F, T, m, ...)  F(T, m) + WARD_FIELDS_7_(F, T, __VA_ARGS__)
#define WARD_FIELDS_9_(F, T, m, ...)  F(T, m) + WARD_FIELDS_8_(F, T, __VA_ARGS__)
#define WARD_FIELDS_10_(F, T, m, ...) F(T, m) + WARD_FIELDS_9_(F, T, __VA_ARGS__)
#define WARD_FIELDS_11_(F, T, m, ...) F(T, m) + WARD_FIELDS_10_(F, T, __VA_ARGS__)
#define WARD_FIELDS_12_(F, T, m, ...) F(T, m) + WARD_FIELDS_11_(F, T, __VA_ARGS__)
#define WARD_FIELDS_13_(F, T, m, ...) F(T, m) + WARD_FIELDS_12_(F, T, __VA_ARGS__)
#define WARD_FIELDS_14_(F, T, m, ...) F(T, m) + WARD_FIELDS_13_(F, T, __VA_ARGS__)
#define WARD_FIELDS_15_(F, T, m, ...) F(T, m) + WARD_FIELDS_14_(F, T, __VA_ARGS__)
#define WARD_FIELDS_16_(F, T, m, ...) F(T, m) + WARD_FIELDS_15_(F, T, __VA_ARGS__)
#define WARD_FIELDS_17_(F, T, m, ...) F(T, m) + WARD_FIELDS_16_(F, T, __VA_ARGS__)
#define WARD_FIELDS_18_(F, T, m, ...) F(T, m) + WARD_FIELDS_17_(F, T, __VA_ARGS__)
#define WARD_FIELDS_19_(F, T, m, ...) F(T, m) + WARD_FIELDS_18_(F, T, __VA_ARGS__)
#define WARD_FIELDS_20_(F, T, m, ...) F(T, m) + WARD_FIELDS_19_(F, T, __VA_ARGS__)
#define WARD_FIELDS_21_(F, T, m, ...) F(T, m) + WARD_FIELDS_20_(F, T, __VA_ARGS__)
#define WARD_FIELDS_22_(F, T, m, ...) F(T, m) + WARD_FIELDS_21_(F, T, __VA_ARGS__)
#define WARD_FIELDS_23_(F, T, m, ...) F(T, m) + WARD_FIELDS_22_(F, T, __VA_ARGS__)
#define WARD_FIELDS_24_(F, T, m, ...) F(T, m) + WARD_FIELDS_23_(F, T, __VA_ARGS__)
#define WARD_FIELDS_25_(F, T, m, ...) F(T, m) + WARD_FIELDS_24_(F, T, __VA_ARGS__)
#define WARD_FIELDS_26_(F, T, m, ...) F(T, m) + WARD_FIELDS_25_(F, T, __VA_ARGS__)
#define WARD_FIELDS_27_(F, T, m, ...) F(T, m) + WARD_FIELDS_26_(F, T, __VA_ARGS__)
#define WARD_FIELDS_28_(F, T, m, ...) F(T, m) + WARD_FIELDS_27_(F, T, __VA_ARGS__)
#define WARD_FIELDS_29_(F, T, m, ...) F(T, m) + WARD_FIELDS_28_(F, T, __VA_ARGS__)
#define WARD_FIELDS_30_(F, T, m, ...) F(T, m) + WARD_FIELDS_29_(F, T, __VA_ARGS__)
#define WARD_FIELDS_31_(F, T, m, ...) F(T, m) + WARD_FIELDS_30_(F, T, __VA_ARGS__)
#define WARD_FIELDS_32_(F, T, m, ...) F(T, m) + WARD_FIELDS_31_(F, T, __VA_ARGS__)

#endif
