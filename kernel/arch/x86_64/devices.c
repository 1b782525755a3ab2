/* SPDX-License-Identifier: MIT */
/* x86-64: the machine around the processor: local APIC, HPET, serial line, exit device. */
#include "cpu.h"
#include "host.h"

enum {
    COM1 = 0x3f8,
    EXIT = 0xf4,
    TRAMPOLINE = 0x8000,
    TICK = 2000000, /* of the APIC's clock, which is 1 GHz: 2 ms */
    HPET_NS = 10,
    APIC_END = 0xb0,
    APIC_SPURIOUS = 0xf0,
    APIC_COMMAND = 0x300,
    APIC_TIMER = 0x320,
    APIC_COUNT = 0x380,
    APIC_DIVIDE = 0x3e0,
    CR0_NO_FLOAT = 4, /* EM */
    CR4_UMIP = 1 << 11,
    CR4_SMEP_SMAP = 3 << 20,
};

static const uint64_t apic_at = 0xfee00000, hpet_at = 0xfed00000;

extern char trampoline[], trampoline_end[];
void boot_first(uint64_t first);
void boot_other(void);

static struct thread *other;

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static volatile uint32_t *apic(unsigned offset)
{
    return (volatile uint32_t *)direct(apic_at + offset);
}

static volatile uint64_t *hpet(unsigned offset)
{
    return (volatile uint64_t *)direct(hpet_at + offset);
}

/* --- Start ------------------------------------------------------------------------------------ */

void boot_first(uint64_t first)
{
    cpu_tables_init(main_boot_thread(0));
    out8(0x21, 0xff); /* the old interrupt controllers are not asked */
    out8(0xa1, 0xff);
    main_first(first);
}

void boot_other(void)
{
    cpu_tables_init(other);
    main_other(other);
}

static void command(uint32_t cpu, uint32_t what)
{
    *apic(APIC_COMMAND + 16) = cpu << 24;
    *apic(APIC_COMMAND) = what;
    while (*apic(APIC_COMMAND) & 1 << 12)
        ;
}

/* Nobody may use memory below the image but this: the trampoline is copied there. */
void arch_cpu_start(struct thread *boot)
{
    uint32_t id = boot->cpu->id;

    tables_map(DIRECT_BASE + TRAMPOLINE, TRAMPOLINE, PAGE, WARD_RW);
    memcpy(direct(TRAMPOLINE), trampoline, (size_t)(trampoline_end - trampoline));
    other = boot;
    command(id, 0x4500);                    /* init */
    command(id, 0x4600 | TRAMPOLINE >> 12); /* start */
}

/* User memory is closed to the kernel, and never executed by it. Programs cannot ask where the
 * kernel's tables are, and have no registers but those that the kernel saves: without CR4.OSFXSR
 * the SSE instructions fault, by EM the older ones. */
void arch_cpu_init(struct thread *boot)
{
    uint32_t leaf = 7, has = 0;
    uint64_t cr0, cr4;

    (void)boot;
    __asm__ volatile("cpuid" : "+a"(leaf), "+c"(has) : : "ebx", "edx");
    __asm__ volatile("movq %%cr0, %0\nmovq %%cr4, %1" : "=r"(cr0), "=r"(cr4));
    cr4 |= CR4_SMEP_SMAP | (has & 4 ? CR4_UMIP : 0);
    __asm__ volatile("movq %0, %%cr0\nmovq %1, %%cr4" : : "r"(cr0 | CR0_NO_FLOAT), "r"(cr4));
    *apic(APIC_SPURIOUS) = 0x100 | VECTOR_SPURIOUS;
    *apic(APIC_DIVIDE) = 0xb; /* by 1 */
    *apic(APIC_TIMER) = VECTOR_TIMER;
    *hpet(0x10) = 1;
}

void arch_map_devices(void)
{
    tables_map(DIRECT_BASE + apic_at, apic_at, PAGE, WARD_RW | PAGE_DEVICE);
    tables_map(DIRECT_BASE + hpet_at, hpet_at, PAGE, WARD_RW | PAGE_DEVICE);
}

/* --- Devices ---------------------------------------------------------------------------------- */

void arch_console_put(char c)
{
    out8(COM1, (uint8_t)c);
}

/* The emulator's status is twice the number and one. */
void arch_exit(bool good)
{
    out8(EXIT, good ? 16 : 17);
    for (;;)
        ;
}

void arch_ipi(unsigned cpu)
{
    bool on = arch_irq_off();

    command(cpu, 0x4000 | VECTOR_IPI);
    arch_irq_restore(on);
}

void cpu_irq_done(uint64_t vector)
{
    if (vector != VECTOR_SPURIOUS)
        *apic(APIC_END) = 0;
}

void arch_timer_set(void)
{
    *apic(APIC_COUNT) = TICK;
}

uint64_t arch_clock(void)
{
    return *hpet(0xf0) * HPET_NS;
}

uint64_t arch_counter(void)
{
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

uint64_t arch_random(void)
{
    uint64_t word;
    bool good;

    do
        __asm__ volatile("rdrand %0" : "=r"(word), "=@ccc"(good));
    while (!good);
    return word;
}
