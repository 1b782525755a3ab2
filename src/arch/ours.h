/* SPDX-License-Identifier: MIT */
/*
 * Copies in assembly are not seen by the sanitizers. In a build with one of them, our own side of a
 * copy is accessed once more in C, in advance; in all others this is nothing.
 */
#ifndef WARD_ARCH_OURS_H
#define WARD_ARCH_OURS_H

#include <ward/base.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WARD_SANITIZED_ 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WARD_SANITIZED_ 1
#endif
#endif
#ifndef WARD_SANITIZED_
#define WARD_SANITIZED_ 0
#endif

WARD_INLINE void ward_ours_read_(const void *src, size_t n)
{
    const volatile unsigned char *at = (const volatile unsigned char *)src;

    for (size_t i = 0; WARD_SANITIZED_ && i < n; i++)
        (void)at[i];
}

WARD_INLINE void ward_ours_written_(void *dst, size_t n)
{
    volatile unsigned char *at = (volatile unsigned char *)dst;

    for (size_t i = 0; WARD_SANITIZED_ && i < n; i++)
        at[i] = at[i];
}

#endif
