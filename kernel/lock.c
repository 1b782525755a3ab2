/* SPDX-License-Identifier: MIT */
/* Spinning locks. The count of those a CPU holds is the CPU's: interrupts are off while it is not
 * 0. */
#include "kernel.h"

void lock_take(struct lock *lock)
{
    bool on = arch_irq_off();
    struct cpu *cpu = current()->cpu;
    uint32_t holder = 0;

    if (cpu->depth++ == 0)
        cpu->irq_was_on = on;
    while (!__atomic_compare_exchange_n(&lock->held, &holder, cpu->id + 1, false, __ATOMIC_ACQUIRE,
                                        __ATOMIC_RELAXED)) {
        if (holder == cpu->id + 1)
            panic("a lock is taken twice");
        holder = 0;
        shootdown_poll();
    }
}

void lock_drop(struct lock *lock)
{
    struct cpu *cpu = current()->cpu;

    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
    if (--cpu->depth == 0)
        arch_irq_restore(cpu->irq_was_on);
}
