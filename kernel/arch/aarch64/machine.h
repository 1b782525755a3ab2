/* SPDX-License-Identifier: MIT */
/* aarch64: QEMU's virt machine, with PAN; 39 bits of addresses. See arch.h. Included by it alone.
 */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#define RAM_BASE           UINT64_C(0x40000000)
#define RAM_BYTES          (UINT64_C(64) << 20)
#define KERNEL_LINK_OFFSET UINT64_C(0xffffffff40000000)
#define DIRECT_BASE        UINT64_C(0xffffff8000000000)
#define HEAP_BASE          UINT64_C(0xffffffc000000000)
#define HEAP_BYTES         (UINT64_C(1) << 30)

enum { USER_BITS = 39, TABLE_LEVELS = 3, KERNEL_ENTRIES = 0 };

enum { STATE_EL1 = 4, STATE_PAN = 1 << 22, IRQ_MASKED = 1 << 7 };

/* entry.S stores it so. */
struct trap_frame {
    uint64_t x[31], sp, pc, state, esr, far, tpidr, unused;
};

struct context {
    uint64_t x19[12], sp; /* x19 to x30 */
};

static inline struct thread *arch_current(void)
{
    struct thread *thread;

    __asm__ volatile("mrs %0, tpidr_el1" : "=r"(thread));
    return thread;
}

static inline bool arch_irq_off(void)
{
    uint64_t was;

    __asm__ volatile("mrs %0, daif\nmsr daifset, #2" : "=r"(was) : : "memory");
    return (was & IRQ_MASKED) == 0;
}

static inline void arch_irq_restore(bool on)
{
    if (on)
        __asm__ volatile("msr daifclr, #2" : : : "memory");
}

static inline bool arch_window_is_open(void)
{
    uint64_t pan;

    __asm__ volatile("mrs %0, s3_0_c4_c2_3" : "=r"(pan));
    return (pan & STATE_PAN) == 0;
}

/* --- entries ---------------------------------------------------------------------------------- */

#define PTE_PXN     (UINT64_C(1) << 53)
#define PTE_UXN     (UINT64_C(1) << 54)
#define PTE_KEPT    (UINT64_C(1) << 55) /* for software: a leaf, accessible or not */
#define PTE_DIRTY   (UINT64_C(1) << 56)
#define PTE_ADDRESS UINT64_C(0x0000fffffffff000)

enum {
    PTE_VALID = 1,
    PTE_PAGE = 2, /* or a table; a large page has it clear */
    PTE_DEVICE = 4,
    PTE_USER = 64,
    PTE_READ_ONLY = 128,
    PTE_SHARED = 768,
    PTE_ACCESSED = 1024,
};

static inline uint64_t arch_leaf(uint64_t pa, unsigned flags)
{
    uint64_t exec = flags & PAGE_USER ? PTE_UXN : PTE_PXN;

    return (pa | PTE_KEPT | PTE_SHARED | PTE_ACCESSED | PTE_PXN | PTE_UXN |
            arch_bit(flags, 7, PTE_VALID) | arch_bit(~flags, PAGE_LARGE, PTE_PAGE) |
            arch_bit(flags, PAGE_DEVICE, PTE_DEVICE) | arch_bit(flags, PAGE_USER, PTE_USER) |
            arch_bit(~flags, WARD_WRITE, PTE_READ_ONLY) | arch_bit(flags, PAGE_DIRTY, PTE_DIRTY)) ^
           arch_bit(flags, WARD_EXEC, exec);
}

static inline uint64_t arch_table(uint64_t pa)
{
    return pa | PTE_VALID | PTE_PAGE;
}

static inline bool arch_is_leaf(uint64_t entry, unsigned level)
{
    (void)level;
    return (entry & PTE_KEPT) != 0;
}

static inline unsigned arch_flags(uint64_t leaf)
{
    uint64_t no_exec = leaf & PTE_USER ? PTE_UXN : PTE_PXN;
    uint64_t prot = WARD_READ | arch_bit(~leaf, PTE_READ_ONLY, WARD_WRITE) |
                    arch_bit(~leaf, no_exec, WARD_EXEC);

    return (unsigned)(arch_bit(leaf, PTE_VALID, prot) | arch_bit(leaf, PTE_USER, PAGE_USER) |
                      arch_bit(leaf, PTE_DIRTY, PAGE_DIRTY));
}

static inline uint64_t arch_address(uint64_t entry)
{
    return entry & PTE_ADDRESS;
}

#endif
