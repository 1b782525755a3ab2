/* SPDX-License-Identifier: MIT */
/*
 * Stepping: between STEP_ON() and STEP_OFF() the thread gets a SIGTRAP after each instruction of
 * the program, which must have a handler. What the kernel and the handler do is not stepped
 * through. Only on x86-64: others have no way to ask for it from inside.
 */
#ifndef WARD_TESTS_STEP_H
#define WARD_TESTS_STEP_H

#if defined(__x86_64__)
#define STEP_IS_THERE 1

/* Changes the trap flag, apart from what the compiler keeps below the stack pointer. */
#define STEP_CHANGE(CHANGE)                                                                        \
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n pushfq\n " CHANGE                                  \
                     ", (%%rsp)\n popfq\n leaq 128(%%rsp), %%rsp" ::                               \
                         : "memory", "cc")
#define STEP_ON()  STEP_CHANGE("orq $0x100")
#define STEP_OFF() STEP_CHANGE("andq $~0x100")

#else
#define STEP_IS_THERE 0
#define STEP_ON()     ((void)0)
#define STEP_OFF()    ((void)0)
#endif

#endif
