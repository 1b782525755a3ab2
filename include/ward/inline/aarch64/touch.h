/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault, for aarch64: the instructions. inline/pair.h makes functions of them.
 * Atomics are one exclusive pair, tried a bounded number of times.
 */
#ifndef WARD_INLINE_ISA_TOUCH_H
#define WARD_INLINE_ISA_TOUCH_H

#include <ward/base.h>
#include <ward/inline/pair.h>

#define WARD_TOUCH_ENTRY_(AT, TO, REG)                                                             \
    ".pushsection ward_extable,\"aR?\",%%progbits\n"                                               \
    ".balign 4\n"                                                                                  \
    ".long " #AT " - ., " #TO " - .\n"                                                             \
    ".set .Lward_register, 0\n"                                                                    \
    ".irp name, x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15, x16, x17, "  \
    "x18, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30\n"                            \
    ".ifc %x[" #REG "], \\name\n"                                                                  \
    ".long .Lward_register\n"                                                                      \
    ".endif\n"                                                                                     \
    ".set .Lward_register, .Lward_register + 1\n"                                                  \
    ".endr\n"                                                                                      \
    ".popsection\n"

/* lost: the pair was broken, try again. */
#define WARD_TOUCH_PAIR_(SIZE, R, AT, WAS, EXPECTED, PUT, LOST, KIND)                              \
    __asm__ __volatile__ __inline__("mov %w[lost], #0\n"                                           \
                                    "1: ldaxr" SIZE " %" R "[was], [%[at]]\n"                      \
                                    "cmp %" R "[was], %" R "[expected]\n"                          \
                                    "b.ne 2f\n"                                                    \
                                    "3: stlxr" SIZE " %w[lost], %" R "[put], [%[at]]\n"            \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e)                            \
                                        WARD_TOUCH_ENTRY_(3b, 2b, e)                               \
                                    : [e] "+&r"(KIND), [was] "=&r"(WAS), [lost] "=&r"(LOST)        \
                                    : [at] "r"(AT), [expected] "r"(EXPECTED), [put] "r"(PUT)       \
                                    : "memory", "cc")

/* One try, as ward_pair_. What is compared is a register of 32 bits: the bits above a byte in it
 * are the compiler's to choose, unless they are part of the type. */
WARD_INLINE uint64_t ward_touch_pair_(uintptr_t at, unsigned width, uint64_t expected, uint64_t put,
                                      uint64_t *was, bool *lost)
{
    uint64_t kind = 0, found;
    uint32_t broken;

    if (width == 8)
        WARD_TOUCH_PAIR_("", "x", at, found, expected, put, broken, kind);
    else if (width == 4)
        WARD_TOUCH_PAIR_("", "w", at, found, (uint32_t)expected, put, broken, kind);
    else if (width == 2)
        WARD_TOUCH_PAIR_("h", "w", at, found, (uint32_t)(uint16_t)expected, put, broken, kind);
    else
        WARD_TOUCH_PAIR_("b", "w", at, found, (uint32_t)(uint8_t)expected, put, broken, kind);
    *was = found;
    *lost = broken != 0;
    return kind;
}

WARD_PAIR_DEFINE_LOAD_("ldr %x[v], [%[at]]", "ldr %w[v], [%[at]]", "ldrh %w[v], [%[at]]",
                       "ldrb %w[v], [%[at]]")
WARD_PAIR_DEFINE_STORE_("str %x[v], [%[at]]", "str %w[v], [%[at]]", "strh %w[v], [%[at]]",
                        "strb %w[v], [%[at]]")
WARD_PAIR_DEFINE_UNLESS_(ward_touch_load_, ward_touch_store_)
WARD_PAIR_DEFINE_ATOMICS_(ward_touch_pair_)

#endif
