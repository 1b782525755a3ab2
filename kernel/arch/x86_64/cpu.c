/* SPDX-License-Identifier: MIT */
/* x86-64: translation, threads, traps. */
#include "cpu.h"
#include "host.h"
#include "kernel.h"

WARD_STATIC_ASSERT(sizeof(struct trap_frame) == 23 * 8, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, stack_top) == 56, "entry.S knows it");

__attribute__((noreturn)) void trap_return(struct trap_frame *frame);
void arch_switch_stacks(struct thread *from, struct thread *to);
void arch_trap(struct trap_frame *frame);

/* --- Translation ------------------------------------------------------------------------------ */

void arch_root_load(uint64_t root)
{
    __asm__ volatile("movq %0, %%cr3" : : "r"(root) : "memory");
}

/* No translation is global: all go. */
void arch_flush(void)
{
    uint64_t root;

    __asm__ volatile("movq %%cr3, %0\nmovq %0, %%cr3" : "=r"(root) : : "memory");
}

void arch_flush_page(uint64_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* Fetches see what was written. */
void arch_sync_code(const void *frame)
{
    (void)frame;
}

/* --- Threads ---------------------------------------------------------------------------------- */

void arch_wait(void)
{
    __asm__ volatile("sti\nhlt" : : : "memory");
}

/* Nobody finds what another program left in a selector. The user's gs is the other one here. */
void arch_switch(struct thread *from, struct thread *to)
{
    __asm__ volatile("movl %0, %%ds\nmovl %0, %%es\nmovl %0, %%fs\n"
                     "swapgs\nmovl %0, %%gs\nswapgs"
                     :
                     : "r"(0)
                     : "memory");
    cpu_thread_set(to);
    arch_switch_stacks(from, to);
}

void arch_thread_init(struct thread *thread, void *stack, size_t bytes, void (*start)(void))
{
    uint64_t *top = (uint64_t *)(void *)((char *)stack + bytes - 16 - sizeof(struct trap_frame));

    *--top = (uintptr_t)start; /* where the switch returns to */
    thread->context = (struct context){ .rsp = (uintptr_t)top };
}

void arch_user_enter(struct trap_frame *frame)
{
    (void)arch_irq_off();
    trap_return(frame);
}

/* --- The user's registers --------------------------------------------------------------------- */

enum { RAX, RCX, RDX, RBX, NONE, RBP, RSI, RDI, R8, R9, R10 };

void arch_frame_init(struct trap_frame *frame, uint64_t entry, uint64_t stack, uint64_t arg0,
                     uint64_t arg1)
{
    *frame = (struct trap_frame){ .rip = entry, .rsp = stack, .flags = FLAG_IF };
    frame->cs = SELECT_USER_CODE;
    frame->ss = SELECT_USER_DATA;
    frame->x[RDI] = arg0;
    frame->x[RSI] = arg1;
}

uint64_t arch_frame_call(const struct trap_frame *frame, uint64_t args[6])
{
    static const unsigned char order[6] = { RDI, RSI, RDX, R10, R8, R9 };

    for (unsigned i = 0; i < 6; i++)
        args[i] = frame->x[order[i]];
    return frame->x[RAX];
}

void arch_frame_answer(struct trap_frame *frame, uint64_t result)
{
    frame->x[RAX] = result;
}

uint64_t arch_frame_stack(const struct trap_frame *frame)
{
    return frame->rsp;
}

uint64_t arch_frame_pc(const struct trap_frame *frame)
{
    return frame->rip;
}

void arch_frame_fix(struct trap_frame *frame, uint64_t pc, uint32_t what, unsigned kind)
{
    frame->x[what & 15] = kind;
    frame->rip = pc;
    if (what & WARD_RECOVER_CARRY)
        frame->flags = (frame->flags | FLAG_CF) & ~(uint64_t)FLAG_ZF;
}

static bool is_user(const struct trap_frame *frame)
{
    return (frame->cs & 3) != 0;
}

/* A program's own AC is its business. */
bool arch_frame_window(const struct trap_frame *frame)
{
    return !is_user(frame) && (frame->flags & FLAG_AC) != 0;
}

/* --- Traps ------------------------------------------------------------------------------------ */

enum { DOUBLE_FAULT = 8, PAGE_FAULT = 14, PF_WRITE = 2, PF_FETCH = 16, CALL_VECTOR = 256 };

static unsigned access_of(uint64_t error)
{
    if (error & PF_FETCH)
        return WARD_EXEC;
    return error & PF_WRITE ? WARD_WRITE : WARD_READ;
}

static void interrupt(struct trap_frame *frame)
{
    cpu_irq_done(frame->vector);
    if (frame->vector == VECTOR_TIMER)
        on_timer(frame);
    else if (frame->vector == VECTOR_IPI)
        shootdown_poll();
}

/* From the stack of double faults to the top of the thread's own. */
static void leave_full_stack(const struct trap_frame *frame)
{
    __asm__ volatile("movq %0, %%rsp\njmp *%1"
                     :
                     : "r"(current()->stack_top - sizeof *frame), "r"(on_stack_full),
                       "D"(frame->rip)
                     : "memory");
    __builtin_unreachable();
}

static void fault(struct trap_frame *frame)
{
    bool page = frame->vector == PAGE_FAULT;
    uint64_t addr = UINT64_MAX;
    unsigned access = page ? access_of(frame->error) : 0;

    if (page)
        __asm__ volatile("movq %%cr2, %0" : "=r"(addr));
    if (frame->vector == DOUBLE_FAULT && current()->stack)
        leave_full_stack(frame);
    if (is_user(frame))
        on_user_fault(addr, access);
    else
        on_kernel_fault(frame, addr);
}

void arch_trap(struct trap_frame *frame)
{
    bool user = is_user(frame);
    bool asked = frame->vector >= VECTOR_TIMER && frame->vector != CALL_VECTOR;

    if (asked)
        interrupt(frame);
    else if (frame->vector == CALL_VECTOR)
        on_call(frame);
    else
        fault(frame);
    (void)arch_irq_off();
    if (user || asked)
        on_return(user);
    (void)arch_irq_off();
}
