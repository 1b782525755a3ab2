/* SPDX-License-Identifier: MIT */
/* The start, in order. Each CPU ends as the thread that waits for something to do. */
#include <ward/recover.h>

#include "kernel.h"

static struct thread boot_threads[CPUS];

struct thread *main_boot_thread(unsigned id)
{
    cpus[id] = (struct cpu){ .id = id, .boot = &boot_threads[id] };
    boot_threads[id].cpu = &cpus[id];
    boot_threads[id].state = RUNNING;
    return &boot_threads[id];
}

static __attribute__((noreturn)) void join_in(struct thread *boot)
{
    arch_cpu_init(boot);
    __atomic_store_n(&boot->cpu->online, true, __ATOMIC_SEQ_CST);
    arch_timer_set();
    arch_irq_restore(true);
    sched_idle();
}

/* The first CPU, with its boot thread as the current one. first: of memory that is nobody's yet. */
void main_first(uint64_t first)
{
    frames_init(first, RAM_BASE + RAM_BYTES);
    arch_cpu_init(current());
    heap_init();
    ward_recover_load_(); /* its order of the exception table is memory of the heap's */
    print("kernel: %u frames of %u bytes\n", (RAM_BASE + RAM_BYTES - first) / PAGE, (uint64_t)PAGE);
    process_start_first(KERNEL_FIRST);
    for (unsigned id = 1; id < CPUS; id++)
        arch_cpu_start(main_boot_thread(id));
    join_in(current());
}

void main_other(struct thread *boot)
{
    arch_root_load(kernel_root);
    join_in(boot);
}
