/* SPDX-License-Identifier: MIT */
/* The first instruction of a program (x0: what lies on the stack) and of a thread; system calls. */
.text
.globl user_start
user_start:
    bl      program_start

.globl user_thread
user_thread: /* x0: a function and its argument */
    ldp     x1, x0, [x0]
    blr     x1
    mov     x8, #21 /* CALL_THREAD_EXIT */
    svc     #0

.globl system_call
system_call: /* number, six arguments */
    mov     x8, x0
    mov     x0, x1
    mov     x1, x2
    mov     x2, x3
    mov     x3, x4
    mov     x4, x5
    mov     x5, x6
    svc     #0
    ret
