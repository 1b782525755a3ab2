/* SPDX-License-Identifier: MIT */
/* x86-64: the tables that the processor reads: segments, vectors, the stacks it switches to. */
#include "cpu.h"
#include "host.h"

enum { VECTORS = 256, VECTOR_BYTES = 16, MSR_STAR = 0xc0000081, MSR_GS = 0xc0000101 };

/* What gs leads to; entry.S knows the first two. */
struct own {
    struct thread *thread;
    uint64_t scratch;
    uint64_t gdt[8];
    WARD_ALIGNED(16) uint32_t task[26]; /* the task state segment */
    WARD_ALIGNED(16) char emergency[4096];
};

struct gate {
    uint16_t low, selector;
    uint8_t stack, type;
    uint16_t middle;
    uint32_t high, unused;
};

struct __attribute__((packed)) table_at {
    uint16_t limit;
    uint64_t base;
};

extern char trap_vectors[], call_entry[];

static struct own owns[CPUS];
static struct gate gates[VECTORS];

static void write_msr(uint32_t number, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "c"(number), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)));
}

/* A stack pointer of the task segment: 1 is the one for traps of the user's, 9 that of double
 * faults, in words of 32 bits. */
static void set_stack(struct own *own, unsigned word, uint64_t top)
{
    own->task[word] = (uint32_t)top;
    own->task[word + 1] = (uint32_t)(top >> 32);
}

void cpu_thread_set(struct thread *thread)
{
    struct own *own = &owns[current()->cpu->id];

    own->thread = thread;
    set_stack(own, 1, thread->stack_top);
}

static void make_gates(void)
{
    for (unsigned i = 0; i < VECTORS; i++) {
        uint64_t to = (uintptr_t)trap_vectors + (uint64_t)i * VECTOR_BYTES;

        gates[i] = (struct gate){ .low = (uint16_t)to,
                                  .selector = SELECT_KERNEL_CODE,
                                  .stack = i == 8, /* a double fault has a stack of its own */
                                  .type = 0x8e,
                                  .middle = (uint16_t)(to >> 16),
                                  .high = (uint32_t)(to >> 32) };
    }
}

static void make_segments(struct own *own)
{
    uint64_t task = (uintptr_t)own->task, limit = sizeof own->task - 1;

    own->gdt[SELECT_KERNEL_CODE / 8] = 0x00af9b000000ffff;
    own->gdt[SELECT_KERNEL_DATA / 8] = 0x00cf93000000ffff;
    own->gdt[SELECT_USER_DATA / 8] = 0x00cff3000000ffff;
    own->gdt[SELECT_USER_CODE / 8] = 0x00affb000000ffff;
    own->gdt[SELECT_TASK / 8] =
        limit | (task & 0xffffff) << 16 | UINT64_C(0x89) << 40 | (task >> 24 & 0xff) << 56;
    own->gdt[SELECT_TASK / 8 + 1] = task >> 32;
    own->task[25] = sizeof own->task << 16; /* no ports for the user */
    set_stack(own, 9, (uintptr_t)own->emergency + sizeof own->emergency);
}

void cpu_tables_init(struct thread *boot)
{
    struct own *own = &owns[boot->cpu->id];
    struct table_at segments = { sizeof own->gdt - 1, (uintptr_t)own->gdt };
    struct table_at vectors = { sizeof gates - 1, (uintptr_t)gates };

    make_gates();
    make_segments(own);
    __asm__ volatile("lgdt %0\nlidt %1\nltr %w2\n"
                     "pushq %3\nleaq 1f(%%rip), %%rax\npushq %%rax\nlretq\n1:\n"
                     :
                     : "m"(segments), "m"(vectors), "r"(SELECT_TASK), "i"(SELECT_KERNEL_CODE)
                     : "rax", "memory");
    own->thread = boot;
    write_msr(MSR_GS, (uintptr_t)own);
    write_msr(MSR_GS + 1, 0);
    write_msr(MSR_STAR, (uint64_t)SELECT_KERNEL_CODE << 32);
    write_msr(MSR_STAR + 1, (uintptr_t)call_entry);
    write_msr(MSR_STAR + 3, 0x47700); /* syscall clears AC, NT, IOPL, DF, IF, TF */
}
