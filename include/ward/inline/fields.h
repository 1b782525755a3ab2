/* SPDX-License-Identifier: MIT */
/*
 * Sums over the named members of a type, as constant expressions, with a check of each.
 */
#ifndef WARD_INLINE_FIELDS_H
#define WARD_INLINE_FIELDS_H

#include <ward/base.h>

/* May the member of T hold any bits: is it an integer, a floating-point number or an array of such?
 * C sees an enumeration as the integer it is made of. */
#ifdef __cplusplus
extern "C++" {
template <class T> struct ward_plain_ {
    static const bool is = !__is_enum(T) && !__is_class(T) && !__is_union(T);
};
template <class T> struct ward_plain_<T *> {
    static const bool is = false;
};
template <> struct ward_plain_<bool> {
    static const bool is = false;
};
template <class T, size_t N> struct ward_plain_<T[N]> : ward_plain_<T> {
};
template <class T> struct ward_plain_<const T> : ward_plain_<T> {
};
}
#define WARD_IS_PLAIN_FIELD(T, MEMBER) (ward_plain_<decltype(((T *)0)->MEMBER)>::is)
#define WARD_IS_SAME_TYPE(A, B)        (ward_same_<A, B>::is)
extern "C++" {
template <class A, class B> struct ward_same_ {
    static const bool is = false;
};
template <class A> struct ward_same_<A, A> {
    static const bool is = true;
};
}
#else
#define WARD_PLAIN_TYPE_(E, T, MEMBER)                                                             \
    E * : 1,                                                                                       \
        E(*)[sizeof(((T *)0)->MEMBER) / sizeof(E) + !(sizeof(((T *)0)->MEMBER) / sizeof(E))] : 1
#define WARD_IS_PLAIN_FIELD(T, MEMBER)                                                             \
    _Generic(&((T *)0)->MEMBER, WARD_PLAIN_TYPE_(char, T, MEMBER),                                 \
             WARD_PLAIN_TYPE_(signed char, T, MEMBER), WARD_PLAIN_TYPE_(unsigned char, T, MEMBER), \
             WARD_PLAIN_TYPE_(short, T, MEMBER), WARD_PLAIN_TYPE_(unsigned short, T, MEMBER),      \
             WARD_PLAIN_TYPE_(int, T, MEMBER), WARD_PLAIN_TYPE_(unsigned, T, MEMBER),              \
             WARD_PLAIN_TYPE_(long, T, MEMBER), WARD_PLAIN_TYPE_(unsigned long, T, MEMBER),        \
             WARD_PLAIN_TYPE_(long long, T, MEMBER),                                               \
             WARD_PLAIN_TYPE_(unsigned long long, T, MEMBER), WARD_PLAIN_TYPE_(float, T, MEMBER),  \
             WARD_PLAIN_TYPE_(double, T, MEMBER), default : 0)
#define WARD_IS_SAME_TYPE(A, B) __builtin_types_compatible_p(A, B)
#endif

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
