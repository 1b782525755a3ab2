/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault, for riscv64: the instructions. inline/pair.h makes functions of them.
 * Atomics are one reserved pair on the word of four or eight bytes around, tried a bounded number
 * of times.
 */
#ifndef WARD_INLINE_ISA_TOUCH_H
#define WARD_INLINE_ISA_TOUCH_H

#include <ward/base.h>
#include <ward/inline/pair.h>

#define WARD_TOUCH_ENTRY_(AT, TO, REG)                                                             \
    ".pushsection ward_extable,\"aR?\",@progbits\n"                                                \
    ".balign 4\n"                                                                                  \
    ".long " #AT " - ., " #TO " - .\n"                                                             \
    ".set .Lward_register, 0\n"                                                                    \
    ".irp name, zero, ra, sp, gp, tp, t0, t1, t2, s0, s1, a0, a1, a2, a3, a4, a5, a6, a7, s2, "    \
    "s3, s4, s5, s6, s7, s8, s9, s10, s11, t3, t4, t5, t6\n"                                       \
    ".ifc %[" #REG "], \\name\n"                                                                   \
    ".long .Lward_register\n"                                                                      \
    ".endif\n"                                                                                     \
    ".set .Lward_register, .Lward_register + 1\n"                                                  \
    ".endr\n"                                                                                      \
    ".popsection\n"

/* The value is compared in the bits of mask, and changed in those alone. lost: try again. */
#define WARD_TOUCH_PAIR_(SIZE, AT, WAS, EXPECTED, PUT, MASK, LOST, KIND)                           \
    __asm__ __volatile__ __inline__(                                                               \
        "li %[lost], 0\n"                                                                          \
        "1: lr." SIZE ".aqrl %[was], (%[at])\n"                                                    \
        "xor %[t], %[was], %[expected]\n"                                                          \
        "and %[t], %[t], %[mask]\n"                                                                \
        "bnez %[t], 2f\n"                                                                          \
        "xor %[t], %[was], %[put]\n"                                                               \
        "and %[t], %[t], %[mask]\n"                                                                \
        "xor %[t], %[t], %[was]\n"                                                                 \
        "3: sc." SIZE ".aqrl %[lost], %[t], (%[at])\n"                                             \
        "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e) WARD_TOUCH_ENTRY_(3b, 2b, e)                           \
        : [e] "+&r"(KIND), [was] "=&r"(WAS), [lost] "=&r"(LOST), [t] "=&r"(scratch)                \
        : [at] "r"(AT), [expected] "r"(EXPECTED), [put] "r"(PUT), [mask] "r"(MASK)                 \
        : "memory")

/* One try, as ward_pair_. */
WARD_INLINE uint64_t ward_touch_pair_(uintptr_t at, unsigned width, uint64_t expected, uint64_t put,
                                      uint64_t *was, bool *lost)
{
    unsigned shift = width < 4 ? 8 * (unsigned)(at & 3) : 0;
    uint64_t mask = width == 8 ? UINT64_MAX : (((uint64_t)1 << 8 * width) - 1) << shift;
    uint64_t kind = 0, found, broken, scratch;

    if (width == 8)
        WARD_TOUCH_PAIR_("d", at, found, expected, put, mask, broken, kind);
    else
        WARD_TOUCH_PAIR_("w", at & ~(uintptr_t)3, found, expected << shift, put << shift, mask,
                         broken, kind);
    *was = (found & mask) >> shift;
    *lost = broken != 0;
    return kind;
}

WARD_PAIR_DEFINE_LOAD_("ld %[v], 0(%[at])", "lwu %[v], 0(%[at])", "lhu %[v], 0(%[at])",
                       "lbu %[v], 0(%[at])")
WARD_PAIR_DEFINE_STORE_("sd %[v], 0(%[at])", "sw %[v], 0(%[at])", "sh %[v], 0(%[at])",
                        "sb %[v], 0(%[at])")
WARD_PAIR_DEFINE_UNLESS_(ward_touch_load_, ward_touch_store_)
WARD_PAIR_DEFINE_ATOMICS_(ward_touch_pair_)

#endif
