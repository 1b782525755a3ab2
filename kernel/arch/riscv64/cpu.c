/* SPDX-License-Identifier: MIT */
/* riscv64: translation, threads, traps. */
#include "host.h"
#include "kernel.h"

WARD_STATIC_ASSERT(sizeof(struct trap_frame) == 288, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, stack_top) == 112, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, stack) == 120, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, scratch) == 128, "entry.S knows it");

__attribute__((noreturn)) void trap_return(struct trap_frame *frame);
void arch_trap(struct trap_frame *frame);

/* --- Translation ------------------------------------------------------------------------------ */

void arch_root_load(uint64_t root)
{
    uint64_t satp = UINT64_C(8) << 60 | root >> 12;

    __asm__ volatile("csrw satp, %0\nsfence.vma\nfence.i" : : "r"(satp) : "memory");
}

void arch_flush(void)
{
    __asm__ volatile("sfence.vma\nfence.i" : : : "memory");
}

/* With an address it would only order leaves, and a table on the way may be new. */
void arch_flush_page(uint64_t va)
{
    (void)va;
    __asm__ volatile("sfence.vma" : : : "memory");
}

/* Each CPU fetches anew after its own fence.i, which arch_flush and arch_root_load have. */
void arch_sync_code(const void *frame)
{
    (void)frame;
}

/* --- Threads ---------------------------------------------------------------------------------- */

void arch_wait(void)
{
    __asm__ volatile("wfi\ncsrsi sstatus, 2" : : : "memory");
}

void arch_thread_init(struct thread *thread, void *stack, size_t bytes, void (*start)(void))
{
    uint64_t top = (uintptr_t)stack + bytes - sizeof(struct trap_frame);

    thread->context = (struct context){ .ra = (uintptr_t)start, .sp = top };
}

void arch_user_enter(struct trap_frame *frame)
{
    (void)arch_irq_off();
    trap_return(frame);
}

/* --- The user's registers --------------------------------------------------------------------- */

void arch_frame_init(struct trap_frame *frame, uint64_t entry, uint64_t stack, uint64_t arg0,
                     uint64_t arg1)
{
    *frame = (struct trap_frame){ .status = STATUS_SPIE }; /* no FS: no floating point */
    frame->x[0] = entry;
    frame->x[2] = stack;
    frame->x[10] = arg0;
    frame->x[11] = arg1;
}

uint64_t arch_frame_call(const struct trap_frame *frame, uint64_t args[6])
{
    for (unsigned i = 0; i < 6; i++)
        args[i] = frame->x[10 + i];
    return frame->x[17];
}

void arch_frame_answer(struct trap_frame *frame, uint64_t result)
{
    frame->x[10] = result;
}

uint64_t arch_frame_stack(const struct trap_frame *frame)
{
    return frame->x[2];
}

uint64_t arch_frame_pc(const struct trap_frame *frame)
{
    return frame->x[0];
}

void arch_frame_fix(struct trap_frame *frame, uint64_t pc, uint32_t what, unsigned kind)
{
    if (what & 31)
        frame->x[what & 31] = kind;
    frame->x[0] = pc;
}

bool arch_frame_window(const struct trap_frame *frame)
{
    return (frame->status & STATUS_SUM) != 0;
}

/* --- Traps ------------------------------------------------------------------------------------ */

enum {
    IRQ_SOFT = 1,
    IRQ_TIMER = 5,
    FAULT_FETCH = 12,
    FAULT_LOAD = 13,
    FAULT_STORE = 15,
    USER_CALL = 8,
};

static unsigned access_of(uint64_t cause)
{
    switch (cause) {
    case FAULT_FETCH: return WARD_EXEC;
    case FAULT_LOAD: return WARD_READ;
    case FAULT_STORE: return WARD_WRITE;
    default: return 0;
    }
}

static void interrupt(struct trap_frame *frame)
{
    if ((frame->cause & 63) == IRQ_TIMER) {
        on_timer(frame);
    } else {
        __asm__ volatile("csrci sip, 2");
        shootdown_poll();
    }
}

static void fault(struct trap_frame *frame, bool user)
{
    unsigned access = access_of(frame->cause);

    if (user)
        on_user_fault(frame->value, access);
    else
        on_kernel_fault(frame, access ? frame->value : UINT64_MAX);
}

void arch_trap(struct trap_frame *frame)
{
    bool user = !(frame->status & STATUS_SPP), asked = (int64_t)frame->cause < 0;

    if (asked) {
        interrupt(frame);
    } else if (user && frame->cause == USER_CALL) {
        frame->x[0] += 4;
        on_call(frame);
    } else {
        fault(frame, user);
    }
    (void)arch_irq_off();
    if (user || asked)
        on_return(user);
    (void)arch_irq_off();
}
