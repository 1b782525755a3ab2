/* SPDX-License-Identifier: MIT */
/*
 * Accesses that may fault, for x86-64: each is one instruction with an entry in the exception
 * table.
 *
 * Loads and stores report a fault in a flag (carry set, zero clear), which the compiler branches on
 * directly, and its kind in the register of the value: nothing is set up on the way that does not
 * fault but the flag itself. Atomics use the flags themselves, and report in a register that is
 * cleared before.
 *
 * Addresses are host addresses, as integers: nothing else here may look like a pointer. Aligned to
 * the width, so that an access never straddles two pages. ward_touch_load and _store answer whether
 * they faulted; *value is then the kind.
 */
#ifndef WARD_INLINE_ISA_TOUCH_H
#define WARD_INLINE_ISA_TOUCH_H

#include <ward/base.h>

/* An entry for the instruction at label AT, going on at label TO; the kind goes to operand REG. The
 * assembler finds out which register the compiler chose. The section belongs to the group of the
 * code (?), so that C++'s discarded duplicates take their entries along, and is kept (R) by linkers
 * that collect garbage. */
#define WARD_TOUCH_ENTRY_(AT, TO, REG, FLAGS)                                                      \
    ".pushsection ward_extable,\"aR?\",@progbits\n"                                                \
    ".balign 4\n"                                                                                  \
    ".long " #AT " - ., " #TO " - .\n"                                                             \
    ".set .Lward_register, 0\n"                                                                    \
    ".irp name, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15\n"    \
    ".ifc %q[" #REG "], %%\\name\n"                                                                \
    ".long .Lward_register + " #FLAGS "\n"                                                         \
    ".endif\n"                                                                                     \
    ".set .Lward_register, .Lward_register + 1\n"                                                  \
    ".endr\n"                                                                                      \
    ".popsection\n"

/* The same where the register is known, by its number. All three are strings. */
#define WARD_TOUCH_ENTRY_AT_(AT, TO, NUMBER)                                                       \
    ".pushsection ward_extable,\"aR?\",@progbits\n"                                                \
    ".balign 4\n"                                                                                  \
    ".long " AT " - ., " TO " - .\n"                                                               \
    ".long " NUMBER "\n"                                                                           \
    ".popsection\n"

typedef uint8_t __attribute__((may_alias)) ward_touch8_;
typedef uint16_t __attribute__((may_alias)) ward_touch16_;
typedef uint32_t __attribute__((may_alias)) ward_touch32_;
typedef uint64_t __attribute__((may_alias)) ward_touch64_;

/* The memory operand says what is read, so that earlier stores to it are not kept back. */
#define WARD_TOUCH_LOAD_(INSN, TYPE, AT, VALUE, FAULTED)                                           \
    __asm__ __volatile__ __inline__("clc\n"                                                        \
                                    "1: " INSN "\n"                                                \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, v, 256)                       \
                                    : "=@ccc"(FAULTED), [v] "=r"(VALUE)                            \
                                    : [m] "m"(*(const TYPE *)(AT)))

#define WARD_TOUCH_STORE_(INSN, TYPE, AT, VALUE, FAULTED)                                          \
    __asm__ __volatile__ __inline__("clc\n"                                                        \
                                    "1: " INSN "\n"                                                \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, v, 256)                       \
                                    : "=@ccc"(FAULTED), [v] "+r"(VALUE), [m] "+m"(*(TYPE *)(AT)))

/* width is a constant wherever this is used: one of the four remains. */
WARD_INLINE bool ward_touch_load_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t got;
    bool faulted;

    if (width == 8)
        WARD_TOUCH_LOAD_("movq %[m], %q[v]", ward_touch64_, at, got, faulted);
    else if (width == 4)
        WARD_TOUCH_LOAD_("movl %[m], %k[v]", ward_touch32_, at, got, faulted);
    else if (width == 2)
        WARD_TOUCH_LOAD_("movzwl %[m], %k[v]", ward_touch16_, at, got, faulted);
    else
        WARD_TOUCH_LOAD_("movzbl %[m], %k[v]", ward_touch8_, at, got, faulted);
    *value = got;
    return faulted;
}

/* After a fault *value is the kind. */
WARD_INLINE bool ward_touch_store_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t put = *value;
    bool faulted;

    if (width == 8)
        WARD_TOUCH_STORE_("movq %q[v], %[m]", ward_touch64_, at, put, faulted);
    else if (width == 4)
        WARD_TOUCH_STORE_("movl %k[v], %[m]", ward_touch32_, at, put, faulted);
    else if (width == 2)
        WARD_TOUCH_STORE_("movw %w[v], %[m]", ward_touch16_, at, put, faulted);
    else
        WARD_TOUCH_STORE_("movb %b[v], %[m]", ward_touch8_, at, put, faulted);
    *value = put;
    return faulted;
}

/* The same of a word of eight bytes, but only if bits & mask is 0. Else *value is anything. That
 * test leaves the flags as a success leaves them, and the fault's fixup finds them as a failure:
 * both are one branch of the caller's, and nothing is to be cleared before. */
#define WARD_TOUCH_UNLESS_(INSN)                                                                   \
    "testq %[bits], %[mask]\n"                                                                     \
    "jnz 2f\n"                                                                                     \
    "1: " INSN "\n"                                                                                \
    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, v, 256)

WARD_INLINE bool ward_touch_load_unless_(uint64_t bits, uint64_t mask, uintptr_t at,
                                         uint64_t *value)
{
    uint64_t got;
    bool failed;

    __asm__ __volatile__ __inline__(
        WARD_TOUCH_UNLESS_("movq %[m], %q[v]")
        : "=@ccnz"(failed), [v] "=r"(got)
        : [bits] "r"(bits), [mask] "r"(mask), [m] "m"(*(const ward_touch64_ *)at));
    *value = got;
    return failed;
}

WARD_INLINE bool ward_touch_store_unless_(uint64_t bits, uint64_t mask, uintptr_t at,
                                          uint64_t *value)
{
    uint64_t put = *value;
    bool failed;

    __asm__ __volatile__ __inline__(
        WARD_TOUCH_UNLESS_("movq %q[v], %[m]")
        : "=@ccnz"(failed), [v] "+r"(put), [m] "+m"(*(ward_touch64_ *)at)
        : [bits] "r"(bits), [mask] "r"(mask));
    *value = put;
    return failed;
}

/* --- atomics: the kind of the fault, 0 for none ----------------------------------------------- */

#define WARD_TOUCH_ATOMIC_(INSN, KIND, ...)                                                        \
    __asm__ __volatile__ __inline__("1: " INSN "\n"                                                \
                                    "2:\n" WARD_TOUCH_ENTRY_(1b, 2b, e, 0)                         \
                                    : [e] "+&r"(KIND), __VA_ARGS__                                 \
                                    : "memory", "cc")

/* *value goes in, what was there comes out. */
WARD_INLINE uint64_t ward_touch_exchange_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t kind = 0, v = *value;

    if (width == 8)
        WARD_TOUCH_ATOMIC_("xchgq %q[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else if (width == 4)
        WARD_TOUCH_ATOMIC_("xchgl %k[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else if (width == 2)
        WARD_TOUCH_ATOMIC_("xchgw %w[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else
        WARD_TOUCH_ATOMIC_("xchgb %b[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    *value = v;
    return kind;
}

/* *value is added, what was there comes out. */
WARD_INLINE uint64_t ward_touch_add_(uintptr_t at, unsigned width, uint64_t *value)
{
    uint64_t kind = 0, v = *value;

    if (width == 8)
        WARD_TOUCH_ATOMIC_("lock xaddq %q[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else if (width == 4)
        WARD_TOUCH_ATOMIC_("lock xaddl %k[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else if (width == 2)
        WARD_TOUCH_ATOMIC_("lock xaddw %w[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    else
        WARD_TOUCH_ATOMIC_("lock xaddb %b[v], (%[at])", kind, [v] "+r"(v) : [at] "r"(at));
    *value = v;
    return kind;
}

/* Stores put if *expected is there; what was there comes out. */
WARD_INLINE uint64_t ward_touch_compare_exchange_(uintptr_t at, unsigned width, uint64_t *expected,
                                                  uint64_t put)
{
    uint64_t kind = 0, was = *expected;

#define WARD_TOUCH_CMPXCHG_(INSN)                                                                  \
    WARD_TOUCH_ATOMIC_("lock " INSN ", (%[at])", kind, "+a"(was) : [at] "r"(at), [v] "r"(put))
    if (width == 8)
        WARD_TOUCH_CMPXCHG_("cmpxchgq %q[v]");
    else if (width == 4)
        WARD_TOUCH_CMPXCHG_("cmpxchgl %k[v]");
    else if (width == 2)
        WARD_TOUCH_CMPXCHG_("cmpxchgw %w[v]");
    else
        WARD_TOUCH_CMPXCHG_("cmpxchgb %b[v]");
#undef WARD_TOUCH_CMPXCHG_
    *expected = was;
    return kind;
}

#endif
