/* SPDX-License-Identifier: MIT */
/* aarch64: calls with the kernel's addresses in every register that is no argument; instructions
 * that are the kernel's. */
#include "machine_user.h"
#include "user.h"

static int64_t call_with_registers(uint64_t number, uint64_t value)
{
    register uint64_t x8 __asm__("x8") = number;
    register uint64_t x0 __asm__("x0") = value;
    uint64_t stack, thread;

    __asm__ volatile("mov x19, sp\nmov x20, x29\n"
                     "mov sp, x0\nmov x29, x0\nmov x30, x0\nmov x18, x0\nmsr tpidr_el0, x0\n"
                     "svc #0\n"
                     "mov %[stack], sp\nmrs %[thread], tpidr_el0\n"
                     "mov sp, x19\nmov x29, x20\n"
                     : "+r"(x0), [stack] "=&r"(stack), [thread] "=&r"(thread)
                     : "r"(x8)
                     : "x18", "x19", "x20", "x30", "memory");
    return stack == value && thread == value ? (int64_t)x0 : -1;
}

static int open_the_window(void *argument)
{
    (void)argument;
    __asm__ volatile(".inst 0xd500409f"); /* msr pan, #0 */
    return 0;
}

static int read_the_tables(void *argument)
{
    uint64_t root;

    (void)argument;
    __asm__ volatile("mrs %0, ttbr1_el1" : "=r"(root));
    return 0;
}

static int mask_interrupts(void *argument)
{
    (void)argument;
    __asm__ volatile("msr daifset, #2");
    return 0;
}

static int call_the_machine(void *argument)
{
    (void)argument;
    __asm__ volatile("hvc #0" : : : "x0", "x1", "x2", "x3", "memory");
    return 0;
}

/* Registers that the kernel does not keep apart for each program are nobody's. */
static int use_floating_point(void *argument)
{
    (void)argument;
    __asm__ volatile(".inst 0x9e6703e0"); /* fmov d0, xzr */
    return 0;
}

int machine_attacks(uint64_t kernel_address)
{
    const uint64_t values[] = { 0, 16, kernel_address & ~UINT64_C(15), ~UINT64_C(15),
                                UINT64_C(1) << 63 };

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        EXPECT(call_with_registers(CALL_GETPID, values[i]) == CALL(CALL_GETPID));
    EXPECT_IS(STATUS_FAULT, run_child(open_the_window, 0));
    EXPECT_IS(STATUS_FAULT, run_child(read_the_tables, 0));
    EXPECT_IS(STATUS_FAULT, run_child(mask_interrupts, 0));
    EXPECT_IS(STATUS_FAULT, run_child(call_the_machine, 0));
    EXPECT_IS(STATUS_FAULT, run_child(use_floating_point, 0));
    return 0;
}
