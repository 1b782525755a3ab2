/* SPDX-License-Identifier: MIT */
/* riscv64: a call with the kernel's addresses in every register that is no argument; instructions
 * that are the kernel's, or nobody's. */
#include "machine_user.h"
#include "user.h"

static int64_t call_with_registers(uint64_t number, uint64_t value)
{
    register uint64_t a7 __asm__("a7") = number;
    register uint64_t a0 __asm__("a0") = value;

    __asm__ volatile("mv s2, sp\nmv s3, gp\nmv s4, tp\n"
                     "mv sp, a0\nmv gp, a0\nmv tp, a0\nmv ra, a0\nmv t0, a0\nmv s0, a0\n"
                     "ecall\n"
                     "bne sp, tp, 1f\n"
                     "mv sp, s2\nmv gp, s3\nmv tp, s4\nj 2f\n"
                     "1: li a0, -1\nmv sp, s2\n2:\n"
                     : "+r"(a0)
                     : "r"(a7)
                     : "ra", "t0", "s0", "s2", "s3", "s4", "memory");
    return (int64_t)a0;
}

static int read_status(void *argument)
{
    (void)argument;
    __asm__ volatile("csrr t0, sstatus" : : : "t0");
    return 0;
}

/* Registers that the kernel does not keep apart for each program are nobody's. */
static int use_floating_point(void *argument)
{
    (void)argument;
    __asm__ volatile(".4byte 0xf2000053"); /* fmv.d.x f0, x0 */
    return 0;
}

static int read_counter(void *argument)
{
    (void)argument;
    __asm__ volatile("rdcycle t0" : : : "t0");
    return 0;
}

int machine_attacks(uint64_t kernel_address)
{
    const uint64_t values[] = { 0, 1, kernel_address, UINT64_MAX, UINT64_C(1) << 63 };

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        if (call_with_registers(CALL_GETPID, values[i]) != CALL(CALL_GETPID))
            return 1;
    EXPECT_IS(STATUS_FAULT, run_child(read_status, 0));
    EXPECT_IS(STATUS_FAULT, run_child(use_floating_point, 0));
    EXPECT_IS(STATUS_FAULT, run_child(read_counter, 0));
    return 0;
}
