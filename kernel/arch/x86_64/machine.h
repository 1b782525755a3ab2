/* SPDX-License-Identifier: MIT */
/* x86-64: QEMU's q35, with SMEP and SMAP. See arch.h. Included by it alone. */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#define RAM_BASE           UINT64_C(0)
#define RAM_BYTES          (UINT64_C(64) << 20)
#define KERNEL_LINK_OFFSET UINT64_C(0xffffffff80000000)
#define DIRECT_BASE        UINT64_C(0xffff888000000000)
#define HEAP_BASE          UINT64_C(0xffffc90000000000)
#define HEAP_BYTES         (UINT64_C(1) << 30)

enum { USER_BITS = 47, TABLE_LEVELS = 4, KERNEL_ENTRIES = 256 };

enum { FLAG_CF = 1, FLAG_ZF = 1 << 6, FLAG_IF = 1 << 9, FLAG_AC = 1 << 18 };

/* entry.S pushes it so. */
struct trap_frame {
    uint64_t x[16]; /* rax, rcx, rdx, rbx, none, rbp, rsi, rdi, r8 to r15 */
    uint64_t vector, error;
    uint64_t rip, cs, flags, rsp, ss;
};

struct context {
    uint64_t rsp, rbx, rbp, r12, r13, r14, r15;
};

/* gs leads to the CPU's own words, the first of which is the thread. */
static inline struct thread *arch_current(void)
{
    struct thread *thread;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(thread));
    return thread;
}

static inline uint64_t arch_read_flags(void)
{
    uint64_t flags;

    __asm__ volatile("pushfq\npopq %0" : "=r"(flags) : : "memory");
    return flags;
}

static inline bool arch_irq_off(void)
{
    uint64_t was = arch_read_flags();

    __asm__ volatile("cli" : : : "memory");
    return (was & FLAG_IF) != 0;
}

static inline void arch_irq_restore(bool on)
{
    if (on)
        __asm__ volatile("sti" : : : "memory");
}

static inline bool arch_window_is_open(void)
{
    return (arch_read_flags() & FLAG_AC) != 0;
}

/* --- entries ---------------------------------------------------------------------------------- */

#define PTE_NX      (UINT64_C(1) << 63)
#define PTE_ADDRESS UINT64_C(0x000ffffffffff000)

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_UNCACHED = 16,
    PTE_A = 32,
    PTE_D = 64,
    PTE_LARGE = 128,
    PTE_KEPT = 512, /* for software: a leaf, accessible or not */
};

static inline uint64_t arch_leaf(uint64_t pa, unsigned flags)
{
    return pa | PTE_KEPT | PTE_A | arch_bit(flags, 7, PTE_P) | arch_bit(flags, WARD_WRITE, PTE_W) |
           arch_bit(~flags, WARD_EXEC, PTE_NX) | arch_bit(flags, PAGE_USER, PTE_U) |
           arch_bit(flags, PAGE_DIRTY, PTE_D) | arch_bit(flags, PAGE_LARGE, PTE_LARGE) |
           arch_bit(flags, PAGE_DEVICE, PTE_UNCACHED);
}

static inline uint64_t arch_table(uint64_t pa)
{
    return pa | PTE_P | PTE_W | PTE_U;
}

static inline bool arch_is_leaf(uint64_t entry, unsigned level)
{
    (void)level;
    return (entry & PTE_KEPT) != 0;
}

static inline unsigned arch_flags(uint64_t leaf)
{
    uint64_t prot =
        WARD_READ | arch_bit(leaf, PTE_W, WARD_WRITE) | arch_bit(~leaf, PTE_NX, WARD_EXEC);

    return (unsigned)(arch_bit(leaf, PTE_P, prot) | arch_bit(leaf, PTE_U, PAGE_USER) |
                      arch_bit(leaf, PTE_D, PAGE_DIRTY));
}

static inline uint64_t arch_address(uint64_t entry)
{
    return entry & PTE_ADDRESS;
}

#endif
