/* SPDX-License-Identifier: MIT */
/*
 * Pieces of 64 bytes at once, where ward_clear_has_lines_() said that the processor can (AVX-512).
 *
 * This is inline in functions that are made for any processor, where compilers neither use these
 * registers nor let one say that they change. As they are none of the first sixteen, later
 * instructions on smaller ones do not wait for them (Intel's optimization manual, "Mixing AVX code
 * with SSE code").
 */
#ifndef WARD_MALLOC_LINES_H
#define WARD_MALLOC_LINES_H

#include <ward/base.h>

#ifdef __x86_64__

#ifdef __AVX512F__
#define LINES_CHANGE "memory", "xmm16", "xmm17", "k1"
#else
#define LINES_CHANGE "memory"
#endif

/* Eight pieces, as in clear.h: are all clear? */
WARD_INLINE bool line_pieces_are_clear(const unsigned char *at, size_t bytes, size_t step)
{
    const unsigned char *fifth = at + 4 * step;
    bool clear;

    __asm__ volatile("vmovdqu64 (%[at]), %%zmm16\n\t"
                     "vmovdqu64 (%[at],%[step]), %%zmm17\n\t"
                     "vporq (%[at],%[step],2), %%zmm16, %%zmm16\n\t"
                     "vporq (%[second],%[step],2), %%zmm17, %%zmm17\n\t"
                     "vporq (%[fifth]), %%zmm16, %%zmm16\n\t"
                     "vporq (%[fifth],%[step]), %%zmm17, %%zmm17\n\t"
                     "vporq (%[fifth],%[step],2), %%zmm16, %%zmm16\n\t"
                     "vporq -64(%[at],%[bytes]), %%zmm17, %%zmm17\n\t"
                     "vporq %%zmm17, %%zmm16, %%zmm16\n\t"
                     "vptestmq %%zmm16, %%zmm16, %%k1\n\t"
                     "kortestw %%k1, %%k1"
                     : "=@ccz"(clear)
                     : [at] "r"(at), [second] "r"(at + step), [fifth] "r"(fifth), [step] "r"(step),
                       [bytes] "r"(bytes)
                     : LINES_CHANGE);
    return clear;
}

WARD_INLINE void line_pieces_clear(unsigned char *at, size_t bytes, size_t step)
{
    unsigned char *fifth = at + 4 * step;

    __asm__ volatile("vpxorq %%zmm16, %%zmm16, %%zmm16\n\t"
                     "vmovdqu64 %%zmm16, (%[at])\n\t"
                     "vmovdqu64 %%zmm16, (%[at],%[step])\n\t"
                     "vmovdqu64 %%zmm16, (%[at],%[step],2)\n\t"
                     "vmovdqu64 %%zmm16, (%[second],%[step],2)\n\t"
                     "vmovdqu64 %%zmm16, (%[fifth])\n\t"
                     "vmovdqu64 %%zmm16, (%[fifth],%[step])\n\t"
                     "vmovdqu64 %%zmm16, (%[fifth],%[step],2)\n\t"
                     "vmovdqu64 %%zmm16, -64(%[at],%[bytes])"
                     :
                     : [at] "r"(at), [second] "r"(at + step), [fifth] "r"(fifth), [step] "r"(step),
                       [bytes] "r"(bytes)
                     : LINES_CHANGE);
}

#else /* there are none: never called */

WARD_INLINE bool line_pieces_are_clear(const unsigned char *at, size_t bytes, size_t step)
{
    (void)at, (void)bytes, (void)step;
    return false;
}

WARD_INLINE void line_pieces_clear(unsigned char *at, size_t bytes, size_t step)
{
    (void)at, (void)bytes, (void)step;
}

#endif

#endif
