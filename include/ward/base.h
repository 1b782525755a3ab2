/* SPDX-License-Identifier: MIT */
/*
 * ward/base.h: what every other header needs and nothing more.
 *
 * Compiler words (inline, must-check, alignment), the error numbers and the version. No declaration
 * here costs anything at run time. Every conditional of the public headers stands in this file.
 *
 * Failure, one rule for the whole library:
 *   - a pointer function returns NULL, which means "cannot serve this now" and nothing else;
 *   - everything else returns 0 or a negative error number (lengths come back in the same value,
 *     as numbers >= 0). The result must be looked at;
 *   - after a failure objects are as they were, and value or structure outputs are all zero;
 *   - errno is never touched;
 *   - a bug of the program, or an attack, is not a failure: see ward/bug.h.
 */
#ifndef WARD_BASE_H
#define WARD_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Error numbers: the host's own where it has them (newlib, musl and glibc disagree on some), the
 * Linux ones in a freestanding build without an <errno.h>. */
#if defined(__has_include)
#if __has_include(<errno.h>)
#include <errno.h>
#endif
#endif
#ifndef EINVAL
#define EPERM        1
#define ESRCH        3
#define E2BIG        7
#define EAGAIN       11
#define ENOMEM       12
#define EFAULT       14
#define EBUSY        16
#define EINVAL       22
#define ENOSPC       28
#define ERANGE       34
#define ENAMETOOLONG 36
#define ENOSYS       38
#define EOVERFLOW    75
#define EILSEQ       84
#define ENOTSUP      95
#endif

#define WARD_VERSION_MAJOR 0
#define WARD_VERSION_MINOR 1
#define WARD_VERSION_PATCH 0

#define WARD_API           __attribute__((visibility("default")))
#define WARD_INLINE        static inline __attribute__((always_inline, unused))
#define WARD_CHECKED       __attribute__((warn_unused_result))
#define WARD_COLD          __attribute__((cold, noinline))
#define WARD_ALIGNOF(T)    __alignof__(T)
#define WARD_ALIGNED(N)    __attribute__((aligned(N)))
#define WARD_LIKELY(C)     __builtin_expect(!!(C), 1)
#define WARD_UNLIKELY(C)   __builtin_expect(!!(C), 0)

/* The accesses that may fault, of the machine compiled for. */
#if defined(__x86_64__)
#define WARD_TOUCH_HEADER <ward/inline/x86_64/touch.h>
#elif defined(__aarch64__)
#define WARD_TOUCH_HEADER <ward/inline/aarch64/touch.h>
#elif defined(__riscv)
#define WARD_TOUCH_HEADER <ward/inline/riscv64/touch.h>
#endif

/* A function that runs when its program or shared object is loaded, or unloaded. Where there is no
 * such thing (freestanding), it is an ordinary function, and somebody has to call it. */
#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#define WARD_AT_LOAD   __attribute__((constructor, used))
#define WARD_AT_UNLOAD __attribute__((destructor, used))
#else
#define WARD_AT_LOAD   __attribute__((unused))
#define WARD_AT_UNLOAD __attribute__((unused))
#endif

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

#ifdef __cplusplus
#define WARD_EXTERN_C_BEGIN         extern "C" {
#define WARD_EXTERN_C_END           }
#define WARD_STATIC_ASSERT(C, TEXT) static_assert(C, TEXT)
#else
#define WARD_EXTERN_C_BEGIN
#define WARD_EXTERN_C_END
#define WARD_STATIC_ASSERT(C, TEXT) _Static_assert(C, TEXT)
#endif

WARD_STATIC_ASSERT(sizeof(void *) == 8 && sizeof(size_t) == 8, "ward is for 64-bit machines");
WARD_STATIC_ASSERT(__CHAR_BIT__ == 8, "ward counts in bytes of eight bits");

#endif
