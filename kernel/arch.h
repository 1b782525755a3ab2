/* SPDX-License-Identifier: MIT */
/*
 * kernel/arch.h: what the kernel asks of an architecture. kernel/arch/<isa> answers, and nothing
 * else in kernel/ differs between machines.
 *
 * machine.h, of the architecture, comes first. It has
 *
 *   struct trap_frame    the registers of whoever was interrupted, on the kernel's stack
 *   struct context       what a switch between threads of the kernel keeps
 *   constants            RAM_BASE, RAM_BYTES, KERNEL_LINK_OFFSET (virtual minus physical address
 *                        of the image), DIRECT_BASE (virtual address of physical 0), HEAP_BASE,
 *                        HEAP_BYTES, USER_BITS (user addresses are below 1 << USER_BITS),
 *                        TABLE_LEVELS, KERNEL_ENTRIES (of a root: the last, for the kernel half)
 *   inline functions     arch_current, arch_irq_off, arch_irq_restore, and those about entries
 * below
 *
 * Page tables: all three machines have 512 entries of 8 bytes in a table, pages of 4 KiB and large
 * ones of 2 MiB. An entry that is 0 is empty.
 */
#ifndef KERNEL_ARCH_H
#define KERNEL_ARCH_H

#include <ward/base.h>
#include <ward/prot.h>

/* Of a leaf, with WARD_READ, WARD_WRITE and WARD_EXEC. Without all of these three a leaf faults,
 * but keeps its frame. All are marked as accessed: pages come when they are touched. */
enum {
    PAGE_USER = 32,
    PAGE_DIRTY = 128,
    PAGE_LARGE = 256,
    PAGE_DEVICE = 512,
};

struct thread;

/* A bit as another one, for translations of flags. */
static inline uint64_t arch_bit(uint64_t from, uint64_t bit, uint64_t to)
{
    return from & bit ? to : 0;
}

#include "machine.h"

/* --- entries of page tables: inline in machine.h ---------------------------------------------- */

static inline uint64_t arch_leaf(uint64_t pa, unsigned flags); /* the entry */
static inline uint64_t arch_table(uint64_t pa);                /* the entry that leads to a table */
static inline bool arch_is_leaf(uint64_t entry, unsigned level); /* not empty, and no table */
static inline unsigned arch_flags(uint64_t leaf);
static inline uint64_t arch_address(uint64_t entry); /* physical, of page or table */

/* --- the processor ---------------------------------------------------------------------------- */

/* The thread that runs: the same wherever it is continued. */
static inline struct thread *arch_current(void);

/* Interrupts off; true: they were on. */
static inline bool arch_irq_off(void);
static inline void arch_irq_restore(bool on);

/* The access window (ward/inline/window.h): open, now, or when the frame was taken. */
static inline bool arch_window_is_open(void);
bool arch_frame_window(const struct trap_frame *frame);

/* Sleeps until there may be something to do. Called with interrupts off, returns with them on. */
void arch_wait(void);

/* Uses the page tables at root, with nothing left of the last ones. */
void arch_root_load(uint64_t root);

/* Forgets all translations of user addresses on this CPU, and instructions fetched before. */
void arch_flush(void);
/* And of one kernel page. */
void arch_flush_page(uint64_t va);

/* Continues in `to`, until somebody switches back. */
void arch_switch(struct thread *from, struct thread *to);

/* Makes a thread that starts in start(), at the top of its stack. */
void arch_thread_init(struct thread *thread, void *stack, size_t bytes, void (*start)(void));

/* Instructions were written to a frame, by its direct address. Once this and then, on every CPU
 * that may execute them, arch_flush was called, they may be fetched. */
void arch_sync_code(const void *frame);

/* --- the user's registers --------------------------------------------------------------------- */

/* A program's first: entry, stack, and two arguments. */
void arch_frame_init(struct trap_frame *frame, uint64_t entry, uint64_t stack, uint64_t arg0,
                     uint64_t arg1);
uint64_t arch_frame_call(const struct trap_frame *frame, uint64_t args[6]); /* its number */
void arch_frame_answer(struct trap_frame *frame, uint64_t result);
uint64_t arch_frame_stack(const struct trap_frame *frame);

/* Where an interrupt or fault struck, and for an exception table's fixup: go on there, with the
 * kind in a register (ward/recover.h). */
uint64_t arch_frame_pc(const struct trap_frame *frame);
void arch_frame_fix(struct trap_frame *frame, uint64_t pc, uint32_t what, unsigned kind);

/* Leaves the kernel with the frame that lies on top of the current thread's stack. */
__attribute__((noreturn)) void arch_user_enter(struct trap_frame *frame);

/* --- the machine ------------------------------------------------------------------------------ */

void arch_console_put(char c);

/* Starts the other CPU; it calls main_other(its boot thread). */
void arch_cpu_start(struct thread *boot);

/* What each CPU sets up for itself, once it uses the kernel's tables. */
void arch_cpu_init(struct thread *boot);

void arch_ipi(unsigned cpu); /* interrupts another CPU: shootdown_poll there */
void arch_timer_set(void);   /* the next tick: on_timer on this CPU */
uint64_t arch_clock(void);   /* nanoseconds since some time */
uint64_t arch_counter(void); /* something that counts with executed instructions */
uint64_t arch_random(void);  /* a word nobody could know */

/* Maps devices that the console and the others above need. */
void arch_map_devices(void);

/* Ends the emulator: all is well, or not. */
__attribute__((noreturn)) void arch_exit(bool good);

/* --- what the architecture's entry calls, in trap.c ------------------------------------------- */

void on_call(struct trap_frame *frame);
/* A fault of the user's (addr: the address it is about), or what the processor refused (access: 0).
 */
void on_user_fault(uint64_t addr, unsigned access);
/* A fault in the kernel: fixed up, or the end. */
void on_kernel_fault(struct trap_frame *frame, uint64_t addr);
/* A trap that has no room for its frame: the end. Called at the top of the same stack, anew. */
__attribute__((noreturn)) void on_stack_full(uint64_t pc);
void on_timer(struct trap_frame *frame);
/* The last thing before the return to whoever was interrupted, for the user and for the kernel. */
void on_return(bool to_user);

#endif
