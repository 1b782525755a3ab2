/* SPDX-License-Identifier: MIT */
/* aarch64: the machine around the processor: PSCI, GIC, timer, serial line, semihosting. */
#include "host.h"
#include "kernel.h"

enum {
    UART = 0x09000000,
    GIC = 0x08000000,
    GIC_CPU = 0x08010000,
    GIC_ENABLE = 0x100,
    GIC_SEND = 0xf00,
    GIC_MASK = 0x4,
    GIC_TAKE = 0xc,
    GIC_DONE = 0x10,
    IRQ_IPI = 0,
    IRQ_TIMER = 27,
    TICK = 125000, /* of 62.5 MHz: 2 ms */
    CLOCK_NS = 16,
};

extern char other_start[];
void cpu_interrupt(struct trap_frame *frame);

static volatile uint32_t *word_at(uint64_t pa)
{
    return (volatile uint32_t *)direct(pa);
}

/* --- Start ------------------------------------------------------------------------------------ */

void arch_cpu_start(struct thread *boot)
{
    register uint64_t x0 __asm__("x0") = 0xc4000003; /* PSCI's CPU_ON */
    register uint64_t x1 __asm__("x1") = boot->cpu->id;
    register uint64_t x2 __asm__("x2") = (uintptr_t)other_start - KERNEL_LINK_OFFSET;
    register uint64_t x3 __asm__("x3") = (uintptr_t)boot;

    __asm__ volatile("hvc #0" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3) : : "memory");
    if (x0)
        panic("CPU %u does not start", (uint64_t)boot->cpu->id);
}

/* Ticks, and interrupts between CPUs. Programs have no registers but those that the kernel saves.
 */
void arch_cpu_init(struct thread *boot)
{
    (void)boot;
    __asm__ volatile("msr cpacr_el1, xzr\nisb");
    *word_at(GIC) = 1;
    *word_at(GIC + GIC_ENABLE) = 1u << IRQ_TIMER | 1u << IRQ_IPI;
    *word_at(GIC_CPU + GIC_MASK) = 0xff;
    *word_at(GIC_CPU) = 1;
    __asm__ volatile("msr cntv_ctl_el0, %0\nmsr cntkctl_el1, xzr" : : "r"((uint64_t)1));
}

void arch_map_devices(void)
{
    const unsigned flags = WARD_RW | PAGE_DEVICE;

    tables_map(DIRECT_BASE + UART, UART, PAGE, flags);
    tables_map(DIRECT_BASE + GIC, GIC, PAGE, flags);
    tables_map(DIRECT_BASE + GIC_CPU, GIC_CPU, PAGE, flags);
}

/* --- Devices ---------------------------------------------------------------------------------- */

void arch_console_put(char c)
{
    *word_at(UART) = (unsigned char)c;
}

/* Semihosting's exit: a reason, "the application ended", and its status. */
void arch_exit(bool good)
{
    const uint64_t block[2] = { 0x20026, good ? 0 : 1 };
    register uint64_t x0 __asm__("x0") = 0x18;
    register uint64_t x1 __asm__("x1") = (uintptr_t)block;

    for (;;)
        __asm__ volatile("hlt #0xf000" : "+r"(x0) : "r"(x1) : "memory");
}

void arch_ipi(unsigned cpu)
{
    __asm__ volatile("dsb ish" : : : "memory");
    *word_at(GIC + GIC_SEND) = 1u << (16 + cpu) | IRQ_IPI;
}

void cpu_interrupt(struct trap_frame *frame)
{
    uint32_t taken = *word_at(GIC_CPU + GIC_TAKE);

    if ((taken & 1023) == 1023)
        return; /* it has gone */
    *word_at(GIC_CPU + GIC_DONE) = taken;
    if ((taken & 1023) == IRQ_TIMER)
        on_timer(frame);
    else
        shootdown_poll();
}

void arch_timer_set(void)
{
    __asm__ volatile("msr cntv_tval_el0, %0\nisb" : : "r"((uint64_t)TICK));
}

static uint64_t read_counter(void)
{
    uint64_t now;

    __asm__ volatile("isb\nmrs %0, cntvct_el0" : "=r"(now) : : "memory");
    return now;
}

uint64_t arch_clock(void)
{
    return read_counter() * CLOCK_NS;
}

uint64_t arch_counter(void)
{
    return read_counter() * CLOCK_NS;
}

/* RNDR; it says in a flag that it has none at the moment. */
uint64_t arch_random(void)
{
    uint64_t word;
    bool none;

    do
        __asm__ volatile("mrs %0, s3_3_c2_c4_0\ncset %w1, eq" : "=r"(word), "=r"(none) : : "cc");
    while (none);
    return word;
}
