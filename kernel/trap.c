/* SPDX-License-Identifier: MIT */
/*
 * What becomes of traps. The architecture's entry has closed the access window, saved the registers
 * and found out what happened.
 *
 * A fault of the user's is served, or ends the process. A fault of the kernel's is an access to
 * user memory, if its instruction is in the exception table and its address in the user half:
 * execution goes on at the fixup, and what becomes of the access is decided there, outside of the
 * trap (serve_fault in provider.c). All else is the end.
 */
#include <ward/recover.h>

#include "host.h"
#include "kernel.h"

struct info events;

void on_call(struct trap_frame *frame)
{
    struct call call;
    uint64_t number = arch_frame_call(frame, call.args);

    if (arch_window_is_open())
        panic("a call with the access window open");
    arch_irq_restore(true);
    arch_frame_answer(frame, (uint64_t)call_answer(number, &call));
}

void on_user_fault(uint64_t addr, unsigned access)
{
    arch_irq_restore(true);
    if (!access || addr >= USER_END || vm_fault(current()->process->vm, addr, access))
        process_exit(STATUS_FAULT);
}

void on_kernel_fault(struct trap_frame *frame, uint64_t addr)
{
    uint64_t pc = arch_frame_pc(frame);
    const struct ward_recover_entry *entry = ward_recover_find(pc);

    if (entry && addr < USER_END) {
        arch_frame_fix(frame, ward_recover_fixup(entry), entry->what, WARD_FAULT_DENIED);
        return;
    }
    panic("kernel fault at %p, address %p%s", pc, addr,
          addr < USER_END ? ": of the user's, and no gate" : "");
}

void on_stack_full(uint64_t pc)
{
    if (current()->rehearsal)
        current()->rehearsal = STATUS_STACK;
    panic("the kernel's stack is full at %p", pc);
}

/* A profiler's way: the word on top of the user's stack, if it is there. It may strike in an
 * access. */
static void sample(uint64_t stack)
{
    uint64_t word;

    ward_nofault_begin();
    if (ward_u64_read(WARD_HERE, ward_u64_in_at(stack), &word, NULL) == 0)
        __atomic_fetch_add(&events.samples, 1, __ATOMIC_RELAXED);
    ward_nofault_end();
}

void on_timer(struct trap_frame *frame)
{
    if (arch_window_is_open())
        panic("an interrupt with the access window open");
    arch_timer_set();
    __atomic_fetch_add(&events.ticks, 1, __ATOMIC_RELAXED);
    if (arch_frame_window(frame))
        __atomic_fetch_add(&events.window_hits, 1, __ATOMIC_RELAXED);
    current()->expired = true;
    if (current()->process)
        sample(arch_frame_stack(thread_frame(current())));
}

/* Interrupts strike where they are on: then no lock is held, and the thread may be another CPU's
 * when it goes on. */
void on_return(bool to_user)
{
    const struct ward_host_thread_state *gates = &current()->gates;

    if (to_user && (gates->accessing || gates->nofault))
        panic("the user goes on inside an access");
    if (to_user && is_killed())
        sched_exit();
    if (current()->expired)
        sched_yield();
}
