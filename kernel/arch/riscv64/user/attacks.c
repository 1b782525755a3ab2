/* SPDX-License-Identifier: MIT */
/* riscv64: a call with the kernel's addresses in every register that is no argument. */
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

int machine_attacks(uint64_t kernel_address)
{
    const uint64_t values[] = { 0, 1, kernel_address, UINT64_MAX, UINT64_C(1) << 63 };

    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++)
        if (call_with_registers(CALL_GETPID, values[i]) != CALL(CALL_GETPID))
            return 1;
    return 0;
}
