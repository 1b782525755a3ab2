/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault, for aarch64: as in x86_64/touch.h, but the kind of a fault goes to a
 * register that is cleared before. Atomics are one exclusive pair, tried a bounded number of times.
 */
#ifndef WARD_INLINE_TOUCH_H
#define WARD_INLINE_TOUCH_H

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

#define WARD_TOUCH_LOAD_(INSN, AT, VALUE, KIND)                                                    \
    __asm__ __volatile__ __inline__("1: " INSN ", [%[at]]\n"                                       \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e)                            \
                                    : [e] "+&r"(KIND), [v] "=&r"(VALUE)                            \
                                    : [at] "r"(AT)                                                 \
                                    : "memory")

#define WARD_TOUCH_STORE_(INSN, AT, VALUE, KIND)                                                   \
    __asm__ __volatile__ __inline__("1: " INSN ", [%[at]]\n"                                       \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e)                            \
                                    : [e] "+&r"(KIND)                                              \
                                    : [at] "r"(AT), [v] "r"(VALUE)                                 \
                                    : "memory")

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

WARD_INLINE bool ward_touch_load_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t kind = 0, got;

    if (width == 8)
        WARD_TOUCH_LOAD_("ldr %x[v]", at, got, kind);
    else if (width == 4)
        WARD_TOUCH_LOAD_("ldr %w[v]", at, got, kind);
    else if (width == 2)
        WARD_TOUCH_LOAD_("ldrh %w[v]", at, got, kind);
    else
        WARD_TOUCH_LOAD_("ldrb %w[v]", at, got, kind);
    *value = kind ? kind : got;
    return kind != 0;
}

WARD_INLINE bool ward_touch_store_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t kind = 0;

    if (width == 8)
        WARD_TOUCH_STORE_("str %x[v]", at, *value, kind);
    else if (width == 4)
        WARD_TOUCH_STORE_("str %w[v]", at, *value, kind);
    else if (width == 2)
        WARD_TOUCH_STORE_("strh %w[v]", at, *value, kind);
    else
        WARD_TOUCH_STORE_("strb %w[v]", at, *value, kind);
    *value = kind ? kind : *value;
    return kind != 0;
}

/* One try. *was: what is there; *lost: nothing is known, nothing was done. The kind of the fault.
 */
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
        WARD_TOUCH_PAIR_("h", "w", at, found, (uint16_t)expected, put, broken, kind);
    else
        WARD_TOUCH_PAIR_("b", "w", at, found, (uint8_t)expected, put, broken, kind);
    *was = found;
    *lost = broken != 0;
    return kind;
}

WARD_INLINE uint64_t ward_touch_compare_exchange_(uintptr_t at, unsigned width, uint64_t *expected,
                                                  uint64_t put)
{
    return ward_pair_compare_exchange_(ward_touch_pair_, at, width, expected, put);
}

WARD_INLINE uint64_t ward_touch_exchange_(uintptr_t at, unsigned width, uint64_t *value)
{
    return ward_pair_replace_(ward_touch_pair_, at, width, value, false);
}

WARD_INLINE uint64_t ward_touch_add_(uintptr_t at, unsigned width, uint64_t *value)
{
    return ward_pair_replace_(ward_touch_pair_, at, width, value, true);
}

#endif
