/* SPDX-License-Identifier: MIT */
/* The first instruction of a program (rdi: what is on the stack) and of a thread; system calls. */
.text
.globl user_start
user_start:
    call    program_start

.globl user_thread
user_thread: /* rdi: a function and its argument */
    movq    (%rdi), %rax
    movq    8(%rdi), %rdi
    andq    $-16, %rsp
    call    *%rax
    movl    $21, %eax /* CALL_THREAD_EXIT */
    syscall

.globl system_call
system_call: /* number, six arguments */
    movq    %rdi, %rax
    movq    %rsi, %rdi
    movq    %rdx, %rsi
    movq    %rcx, %rdx
    movq    %r8, %r10
    movq    %r9, %r8
    movq    8(%rsp), %r9
    syscall
    ret
.section .note.GNU-stack, "", @progbits
