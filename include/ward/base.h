/* SPDX-License-Identifier: MIT */
/*
 * ward/base.h: what every other header needs and nothing more.
 *
 * Compiler words (inline, must-check, alignment), the error numbers and the version. No declaration
 * here costs anything at run time. The conditionals of the public contract stand in this file.
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
