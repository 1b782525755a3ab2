/* SPDX-License-Identifier: MIT */
/*
 * Shootdowns: whoever takes a frame out of a page table waits until no CPU has a translation to it.
 *
 * Each CPU has a count of what was asked of it and one of what it did. The entry is changed before
 * `asked`, and a CPU reads `asked` before it flushes: when `done` has come as far, the translation
 * is gone. A CPU that takes a space into use says so before it loads the tables, which flushes:
 * either the asker sees it, or it sees the new entry.
 *
 * Who waits with interrupts off answers all the same: the loops of lock_take, of ask, and of ward's
 * own locks (ward_host_wait) poll. So nobody waits for somebody who waits for him.
 */
#include "kernel.h"

bool shootdown_wanted = true; /* a test does without those for processes */

static struct {
    uint64_t asked, done;
} counts[CPUS];

/* On one CPU from the first word to the last, and `done` never goes back: no interrupt comes
 * between.
 */
void shootdown_poll(void)
{
    bool on = arch_irq_off();
    unsigned me = current()->cpu->id;
    uint64_t asked = __atomic_load_n(&counts[me].asked, __ATOMIC_SEQ_CST);

    if (asked != __atomic_load_n(&counts[me].done, __ATOMIC_RELAXED)) {
        arch_flush();
        __atomic_store_n(&counts[me].done, asked, __ATOMIC_SEQ_CST);
    }
    arch_irq_restore(on);
}

static void ask(unsigned id)
{
    uint64_t mine = __atomic_add_fetch(&counts[id].asked, 1, __ATOMIC_SEQ_CST);

    __atomic_fetch_add(&events.shootdowns, 1, __ATOMIC_RELAXED);
    arch_ipi(id);
    while (__atomic_load_n(&counts[id].done, __ATOMIC_SEQ_CST) < mine)
        shootdown_poll();
}

void vm_flush(struct vm *vm)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    arch_flush();
    for (unsigned id = 0; id < CPUS && (shootdown_wanted || !vm); id++) {
        bool uses = !vm || __atomic_load_n(&cpus[id].vm, __ATOMIC_SEQ_CST) == vm;

        if (uses && id != current()->cpu->id && __atomic_load_n(&cpus[id].online, __ATOMIC_SEQ_CST))
            ask(id);
    }
}
