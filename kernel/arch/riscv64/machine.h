/* SPDX-License-Identifier: MIT */
/* riscv64: QEMU's virt machine, Sv39. See arch.h. Included by it alone. */
#ifndef KERNEL_MACHINE_H
#define KERNEL_MACHINE_H

#define RAM_BASE           UINT64_C(0x80000000)
#define RAM_BYTES          (UINT64_C(64) << 20)
#define KERNEL_LINK_OFFSET UINT64_C(0xffffffff00000000)
#define DIRECT_BASE        UINT64_C(0xffffffc000000000)
#define HEAP_BASE          UINT64_C(0xffffffe000000000)
#define HEAP_BYTES         (UINT64_C(1) << 30)

enum { USER_BITS = 38, TABLE_LEVELS = 3, KERNEL_ENTRIES = 256 };

enum { STATUS_SIE = 1 << 1, STATUS_SPIE = 1 << 5, STATUS_SPP = 1 << 8, STATUS_SUM = 1 << 18 };

/* entry.S stores it so. */
struct trap_frame {
    uint64_t x[32]; /* by their numbers; 0: the program counter */
    uint64_t status, cause, value, unused;
};

struct context {
    uint64_t ra, sp, s[12];
};

static inline struct thread *arch_current(void)
{
    register struct thread *tp __asm__("tp");

    __asm__ volatile("" : "=r"(tp));
    return tp;
}

static inline bool arch_irq_off(void)
{
    uint64_t was;

    __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(was) : : "memory");
    return (was & STATUS_SIE) != 0;
}

static inline void arch_irq_restore(bool on)
{
    if (on)
        __asm__ volatile("csrsi sstatus, 2" : : : "memory");
}

static inline bool arch_window_is_open(void)
{
    uint64_t status;

    __asm__ volatile("csrr %0, sstatus" : "=r"(status));
    return (status & STATUS_SUM) != 0;
}

/* --- entries: V R W X U G A D, the address from bit 10 on ------------------------------------- */

enum {
    PTE_V = 1,
    PTE_PROT = 14,
    PTE_U = 16,
    PTE_A = 64,
    PTE_D = 128,
    PTE_KEPT = 256, /* for software: a frame that may not be accessed */
};

static inline uint64_t arch_leaf(uint64_t pa, unsigned flags)
{
    return pa >> 12 << 10 | PTE_KEPT | PTE_A | arch_bit(flags, 7, PTE_V) | (flags & 7u) << 1 |
           arch_bit(flags, PAGE_USER, PTE_U) | arch_bit(flags, PAGE_DIRTY, PTE_D);
}

static inline uint64_t arch_table(uint64_t pa)
{
    return pa >> 12 << 10 | PTE_V;
}

static inline bool arch_is_leaf(uint64_t entry, unsigned level)
{
    (void)level;
    return (entry & PTE_KEPT) != 0;
}

static inline unsigned arch_flags(uint64_t leaf)
{
    return (unsigned)((leaf & PTE_PROT) >> 1 | arch_bit(leaf, PTE_U, PAGE_USER) |
                      arch_bit(leaf, PTE_D, PAGE_DIRTY));
}

static inline uint64_t arch_address(uint64_t entry)
{
    return entry << 10 >> 20 << 12;
}

#endif
