/* SPDX-License-Identifier: MIT */
/*
 * x86-64: calls with AC and DF set, and with the kernel's addresses in every register that is no
 * argument; a call whose return address is the first that is not the user's; descriptors and
 * instructions that are the kernel's.
 */
#include "machine_user.h"
#include "user.h"

/* The call must not copy backwards, nor find the window open; and the flags come back. */
static int64_t call_with_flags(uint64_t number, uint64_t a, uint64_t b, uint64_t flags)
{
    register uint64_t rax __asm__("rax") = number;
    register uint64_t rdi __asm__("rdi") = a;
    register uint64_t rsi __asm__("rsi") = b;
    uint64_t after;

    __asm__ volatile("pushfq\norq %[flags], (%%rsp)\npopfq\n"
                     "syscall\n"
                     "pushfq\npopq %[after]\n"
                     "pushfq\nandq $~0x40400, (%%rsp)\npopfq\n"
                     : "+r"(rax), [after] "=&r"(after)
                     : "r"(rdi), "r"(rsi), [flags] "r"(flags)
                     : "rcx", "r11", "memory", "cc");
    return (after & flags) == flags ? (int64_t)rax : -1;
}

static int64_t call_with_registers(uint64_t number, uint64_t value)
{
    uint64_t rax = number, kept;

    __asm__ volatile("movq %%rsp, %%r12\nmovq %%rbp, %%r13\n"
                     "movq %[value], %%rsp\nmovq %[value], %%rbp\n"
                     "movq %[value], %%rdi\nmovq %[value], %%r15\n"
                     "syscall\n"
                     "movq %%rsp, %[kept]\n"
                     "movq %%r12, %%rsp\nmovq %%r13, %%rbp\n"
                     : "+a"(rax), [kept] "=&b"(kept)
                     : [value] "d"(value)
                     : "rcx", "r11", "r12", "r13", "r15", "rdi", "memory", "cc");
    return kept == value ? (int64_t)rax : -1;
}

/* The last two bytes a program can have: it returns to where nothing can be. */
static int call_at_the_end(void *argument)
{
    uint64_t last = USER_LIMIT - 2 * PAGE;
    char *page = map_at(last, PAGE, WARD_RW);

    (void)argument;
    page[PAGE - 2] = 0x0f;
    page[PAGE - 1] = 0x05;
    EXPECT_IS(0, CALL(CALL_PROTECT, last, PAGE, WARD_READ | WARD_EXEC));
    __asm__ volatile("jmp *%1" : : "a"((uint64_t)CALL_GETPID), "r"(last + PAGE - 2) : "memory");
    return 0;
}

static int halt(void *argument)
{
    (void)argument;
    __asm__ volatile("hlt");
    return 0;
}

static int interrupt_of_the_kernels(void *argument)
{
    (void)argument;
    __asm__ volatile("int $32");
    return 0;
}

static int open_the_window(void *argument)
{
    (void)argument;
    __asm__ volatile(".byte 0x0f, 0x01, 0xcb"); /* stac */
    return 0;
}

/* Registers that the kernel does not keep apart for each program are nobody's. */
static int use_x87(void *argument)
{
    (void)argument;
    __asm__ volatile("fld1");
    return 0;
}

static int use_mmx(void *argument)
{
    (void)argument;
    __asm__ volatile("movq %0, %%mm0" : : "r"(UINT64_C(1)));
    return 0;
}

static int use_sse(void *argument)
{
    (void)argument;
    __asm__ volatile("movq %0, %%xmm0" : : "r"(UINT64_C(1)));
    return 0;
}

/* Selectors too. The base of fs is of no use, but what one leaves there another could read. */
static int set_selectors(void *argument)
{
    (void)argument;
    __asm__ volatile("movl %0, %%ds\nmovl %0, %%es\nmovl %0, %%fs\nmovl %0, %%gs" : : "r"(0x1b));
    return 0;
}

static unsigned selectors(void)
{
    unsigned ds, es, fs, gs;

    __asm__ volatile("movl %%ds, %0\nmovl %%es, %1\nmovl %%fs, %2\nmovl %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    return ds | es | fs | gs;
}

static void selectors_are_not_passed_on(void)
{
    for (int round = 0; round < 50; round++) {
        EXPECT_IS(0, run_child(set_selectors, 0));
        EXPECT(selectors() == 0);
    }
}

/* Where the kernel's tables are (UMIP). */
static int read_the_tables(void *argument)
{
    unsigned char table[10];

    (void)argument;
    __asm__ volatile("sgdt %0" : "=m"(table));
    return 0;
}

/* Written forwards, and nothing before it. */
static void copies_go_forwards(void)
{
    struct info around[3];

    memset(around, 0x5a, sizeof around);
    EXPECT_IS(0, call_with_flags(CALL_INFO, AT(&around[1]), sizeof around[1], 0x40400));
    EXPECT(around[1].processes > 0 && around[1].processes < 100);
    EXPECT(around[1].frames > 0 && around[1].frames < 100000);
    for (size_t i = 0; i < sizeof around[0]; i++)
        EXPECT(((char *)&around[0])[i] == 0x5a && ((char *)&around[2])[i] == 0x5a);
}

int machine_attacks(uint64_t kernel_address)
{
    const uint64_t values[] = { 0, 1, kernel_address, UINT64_MAX, UINT64_C(1) << 63, USER_LIMIT };
    struct info info;
    uint64_t now = 0;

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        EXPECT(call_with_registers(CALL_GETPID, values[i]) == CALL(CALL_GETPID));
    EXPECT_IS(0, call_with_flags(CALL_CLOCK, AT(&now), 0, 0x40400));
    EXPECT(now != 0);
    copies_go_forwards();
    selectors_are_not_passed_on();
    EXPECT_IS(-EFAULT, call_with_flags(CALL_INFO, kernel_address, sizeof info, 0x40400));
    EXPECT_IS(STATUS_FAULT, run_child(call_at_the_end, 0));
    EXPECT_IS(STATUS_FAULT, run_child(halt, 0));
    EXPECT_IS(STATUS_FAULT, run_child(interrupt_of_the_kernels, 0));
    EXPECT_IS(STATUS_FAULT, run_child(open_the_window, 0));
    EXPECT_IS(STATUS_FAULT, run_child(use_x87, 0));
    EXPECT_IS(STATUS_FAULT, run_child(use_mmx, 0));
    EXPECT_IS(STATUS_FAULT, run_child(use_sse, 0));
    EXPECT_IS(STATUS_FAULT, run_child(read_the_tables, 0));
    return 0;
}
