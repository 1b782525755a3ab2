/* SPDX-License-Identifier: MIT */
/* aarch64: translation, threads, traps. */
#include "host.h"
#include "kernel.h"

WARD_STATIC_ASSERT(sizeof(struct trap_frame) == 304, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, stack_top) == 104, "entry.S knows it");
WARD_STATIC_ASSERT(offsetof(struct thread, stack) == 112, "entry.S knows it");

enum { CACHE_LINE = 16 }; /* at least */

__attribute__((noreturn)) void trap_return(struct trap_frame *frame);
void arch_trap(struct trap_frame *frame, unsigned what);
void cpu_interrupt(struct trap_frame *frame);

/* --- Translation ------------------------------------------------------------------------------ */

/* Both halves have a root of their own. With the kernel's, the user half is empty. */
void arch_root_load(uint64_t root)
{
    static WARD_ALIGNED(4096) const uint64_t nothing[512];

    if (root == kernel_root) {
        __asm__ volatile("msr ttbr1_el1, %0" : : "r"(root) : "memory");
        root = (uintptr_t)nothing - KERNEL_LINK_OFFSET;
    }
    __asm__ volatile("msr ttbr0_el1, %0\nisb" : : "r"(root) : "memory");
    arch_flush();
}

void arch_flush(void)
{
    __asm__ volatile("dsb ishst\ntlbi vmalle1\ndsb nsh\nisb" : : : "memory");
}

void arch_flush_page(uint64_t va)
{
    uint64_t page = va << 8 >> 20;

    __asm__ volatile("dsb ishst\ntlbi vaae1, %0\ndsb nsh\nisb" : : "r"(page) : "memory");
}

/* All CPUs' caches of instructions; what each has fetched already goes by its isb. */
void arch_sync_code(const void *frame)
{
    for (const char *at = frame; at < (const char *)frame + PAGE; at += CACHE_LINE)
        __asm__ volatile("dc cvau, %0" : : "r"(at) : "memory");
    __asm__ volatile("dsb ish\nic ialluis\ndsb ish\nisb" : : : "memory");
}

/* --- Threads ---------------------------------------------------------------------------------- */

void arch_wait(void)
{
    __asm__ volatile("wfi\nmsr daifclr, #2" : : : "memory");
}

void arch_thread_init(struct thread *thread, void *stack, size_t bytes, void (*start)(void))
{
    uint64_t top = (uintptr_t)stack + bytes - sizeof(struct trap_frame);

    thread->context = (struct context){ .sp = top };
    thread->context.x19[11] = (uintptr_t)start;
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
    *frame = (struct trap_frame){ .pc = entry, .sp = stack };
    frame->x[0] = arg0;
    frame->x[1] = arg1;
}

uint64_t arch_frame_call(const struct trap_frame *frame, uint64_t args[6])
{
    for (unsigned i = 0; i < 6; i++)
        args[i] = frame->x[i];
    return frame->x[8];
}

void arch_frame_answer(struct trap_frame *frame, uint64_t result)
{
    frame->x[0] = result;
}

uint64_t arch_frame_stack(const struct trap_frame *frame)
{
    return frame->sp;
}

uint64_t arch_frame_pc(const struct trap_frame *frame)
{
    return frame->pc;
}

void arch_frame_fix(struct trap_frame *frame, uint64_t pc, uint32_t what, unsigned kind)
{
    if ((what & 31) < 31)
        frame->x[what & 31] = kind;
    frame->pc = pc;
}

static bool is_user(const struct trap_frame *frame)
{
    return (frame->state & STATE_EL1) == 0;
}

bool arch_frame_window(const struct trap_frame *frame)
{
    return !is_user(frame) && (frame->state & STATE_PAN) == 0;
}

/* --- Traps ------------------------------------------------------------------------------------ */

enum {
    TRAP_SYNC,
    TRAP_IRQ,
    CLASS_CALL = 0x15,
    CLASS_FETCH_USER = 0x20,
    CLASS_FETCH = 0x21,
    CLASS_DATA_USER = 0x24,
    CLASS_DATA = 0x25,
    ESR_WRITE = 1 << 6,
};

/* 0: not about a page. */
static unsigned access_of(uint64_t esr)
{
    unsigned class = (unsigned)(esr >> 26) & 63, reason = (unsigned)esr & 0x3c;

    if (reason < 4 || reason > 0xc) /* translation, accessed, permission */
        return 0;
    if (class == CLASS_FETCH || class == CLASS_FETCH_USER)
        return WARD_EXEC;
    if (class != CLASS_DATA && class != CLASS_DATA_USER)
        return 0;
    return esr & ESR_WRITE ? WARD_WRITE : WARD_READ;
}

static void fault(struct trap_frame *frame)
{
    unsigned access = access_of(frame->esr);
    uint64_t addr = access ? frame->far : UINT64_MAX;

    if (is_user(frame))
        on_user_fault(addr, access);
    else
        on_kernel_fault(frame, addr);
}

void arch_trap(struct trap_frame *frame, unsigned what)
{
    bool user = is_user(frame);

    if (what == TRAP_IRQ)
        cpu_interrupt(frame);
    else if (what != TRAP_SYNC)
        panic("trap of kind %u at %p", (uint64_t)what, frame->pc);
    else if (user && (frame->esr >> 26 & 63) == CLASS_CALL)
        on_call(frame);
    else
        fault(frame);
    (void)arch_irq_off();
    if (user || what == TRAP_IRQ)
        on_return(user);
    (void)arch_irq_off();
}
