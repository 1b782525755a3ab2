/* SPDX-License-Identifier: MIT */
/* riscv64: the machine around the processor: SBI, a serial line, a device that ends the emulator.
 */
#include "host.h"
#include "kernel.h"

enum {
    UART = 0x10000000,
    FINISHER = 0x100000,
    FINISHED = 0x5555,
    FAILED = 0x13333, /* code 1 */
    TICK = 20000,     /* of 10 MHz: 2 ms */
    SBI_TIMER = 0x54494d45,
    SBI_IPI = 0x735049,
    SBI_HSM = 0x48534d,
};

/* entry.S: the first CPU; the boot thread of one that starts, until it has it; is there a first CPU
 * already? */
uint64_t boot_cpu, boot_fdt;
struct thread *boot_other;
uint32_t boot_taken;

extern char other_start[];
void boot_first(uint64_t first);

static uint64_t numbers[CPUS]; /* the machine's, of ours */

static int64_t sbi(uint64_t extension, uint64_t function, uint64_t x, uint64_t y, uint64_t z)
{
    register uint64_t a0 __asm__("a0") = x;
    register uint64_t a1 __asm__("a1") = y;
    register uint64_t a2 __asm__("a2") = z;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (int64_t)a0;
}

/* --- Start ------------------------------------------------------------------------------------ */

void boot_first(uint64_t first)
{
    numbers[0] = boot_cpu;
    for (unsigned id = 1; id < CPUS; id++)
        numbers[id] = boot_cpu == id ? 0 : id;
    (void)arch_random(); /* while the device tree is there */
    main_first(first);
}

void arch_cpu_start(struct thread *boot)
{
    __atomic_store_n(&boot_other, boot, __ATOMIC_SEQ_CST);
    if (sbi(SBI_HSM, 0, numbers[boot->cpu->id], (uintptr_t)other_start - KERNEL_LINK_OFFSET, 0))
        panic("CPU %u does not start", (uint64_t)boot->cpu->id);
    while (__atomic_load_n(&boot_other, __ATOMIC_SEQ_CST))
        ;
}

/* Timers, and interrupts between CPUs; user programs read no counters. */
void arch_cpu_init(struct thread *boot)
{
    uint64_t enabled = 1 << 5 | 1 << 1;

    (void)boot;
    __asm__ volatile("csrw sie, %0\ncsrw scounteren, zero" : : "r"(enabled));
}

void arch_map_devices(void)
{
    tables_map(DIRECT_BASE + UART, UART, PAGE, WARD_RW | PAGE_DEVICE);
    tables_map(DIRECT_BASE + FINISHER, FINISHER, PAGE, WARD_RW | PAGE_DEVICE);
}

/* --- Devices ---------------------------------------------------------------------------------- */

void arch_console_put(char c)
{
    *(volatile unsigned char *)direct(UART) = (unsigned char)c;
}

void arch_exit(bool good)
{
    *(volatile uint32_t *)direct(FINISHER) = good ? FINISHED : FAILED;
    for (;;)
        ;
}

void arch_ipi(unsigned cpu)
{
    (void)sbi(SBI_IPI, 0, 1, numbers[cpu], 0);
}

static uint64_t read_time(void)
{
    uint64_t now;

    __asm__ volatile("rdtime %0" : "=r"(now));
    return now;
}

void arch_timer_set(void)
{
    (void)sbi(SBI_TIMER, 0, read_time() + TICK, 0, 0);
}

uint64_t arch_clock(void)
{
    return read_time() * 100;
}

uint64_t arch_counter(void)
{
    uint64_t now;

    __asm__ volatile("rdinstret %0" : "=r"(now));
    return now;
}

/* There is no source of random bits in this machine but what QEMU gives the kernel at its start, in
 * the property rng-seed of its device tree. */
static uint64_t seed(void)
{
    const unsigned char *fdt = direct(boot_fdt);
    uint64_t word = 0x9e3779b97f4a7c15;

    for (size_t i = 0; i < 8192; i++)
        word = (word ^ fdt[i]) * UINT64_C(0x100000001b3);
    return word;
}

uint64_t arch_random(void)
{
    static uint64_t state;
    uint64_t word;

    if (state == 0)
        state = seed() ^ read_time();
    word = __atomic_add_fetch(&state, UINT64_C(0x9e3779b97f4a7c15), __ATOMIC_RELAXED);
    word = (word ^ word >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ word >> 27) * UINT64_C(0x94d049bb133111eb);
    return word ^ word >> 31;
}
