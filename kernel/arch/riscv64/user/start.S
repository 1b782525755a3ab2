/* SPDX-License-Identifier: MIT */
/* The first instruction of a program (a0: what lies on the stack) and of a thread; system calls. */
.macro set_gp
    .option push
    .option norelax
    la      gp, __global_pointer$
    .option pop
.endm

.text
.globl user_start
user_start:
    set_gp
    call    program_start

.globl user_thread
user_thread: /* a0: a function and its argument */
    set_gp
    ld      t0, 0(a0)
    ld      a0, 8(a0)
    jalr    t0
    li      a7, 21 /* CALL_THREAD_EXIT */
    ecall

.globl system_call
system_call: /* number, six arguments */
    mv      a7, a0
    mv      a0, a1
    mv      a1, a2
    mv      a2, a3
    mv      a3, a4
    mv      a4, a5
    mv      a5, a6
    ecall
    ret
