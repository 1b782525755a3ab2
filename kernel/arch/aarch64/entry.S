/* SPDX-License-Identifier: MIT */
/*
 * aarch64: the first instructions, the entry from and the return to whoever was interrupted, and
 * the switch between threads.
 *
 * tpidr_el1 is the current thread. The gates' window is PSTATE.PAN: with SCTLR_EL1.SPAN clear the
 * processor closes it at every entry, before the first instruction, and the return restores it with
 * the rest of PSTATE. The kernel's stack pointer stands at the top of the thread's stack whenever
 * the user runs.
 */
#define LINK_OFFSET 0xffffffff40000000
#define THREAD_STACK_TOP 104
#define THREAD_STACK     112
#define FRAME_BYTES 304
#define FRAME_SP    248
#define FRAME_PC    256
#define FRAME_STATE 264
#define FRAME_ESR   272
#define FRAME_FAR   280
#define FRAME_TPIDR 288

.section .text.start, "ax"
.globl image_start
image_start: /* at its physical address, without translation */
    mov     x20, #0
    adrp    x1, boot_stacks + 16384
    b       go_high

.globl other_start
other_start: /* x0: its boot thread */
    mov     x20, x0
    adrp    x1, boot_stacks + 32768

go_high: /* blocks of 1 GiB: where we are; devices, memory and the image in the upper half */
    adrp    x2, boot_low
    adrp    x3, boot_high
    ldr     x4, =0x40000701
    str     x4, [x2, #8]
    str     x4, [x3, #8]
    str     x4, [x3, #510 * 8]
    ldr     x4, =0x0060000000000705
    str     x4, [x3]
    msr     ttbr0_el1, x2
    msr     ttbr1_el1, x3
    ldr     x4, =0x00ff
    msr     mair_el1, x4 /* 0: memory, 1: devices */
    ldr     x4, =0x2b5193519 /* 39 bits in both halves, pages of 4 KiB, shared and cached */
    msr     tcr_el1, x4
    dsb     sy
    tlbi    vmalle1
    dsb     sy
    isb
    ldr     x4, =0x3050181d /* translation, caches, aligned stacks; SPAN clear */
    msr     sctlr_el1, x4
    isb
    ldr     x5, =LINK_OFFSET
    add     sp, x1, x5
    ldr     x4, =high
    br      x4
high:
    .inst   0xd500419f /* msr pan, #1 */
    adr     x4, vectors
    msr     vbar_el1, x4
    isb
    msr     tpidr_el1, x20
    cbnz    x20, 1f
    mov     w0, #0
    bl      main_boot_thread
    msr     tpidr_el1, x0
    ldr     x0, =image_end
    ldr     x5, =LINK_OFFSET
    sub     x0, x0, x5
    bl      main_first
1:  mov     x0, x20
    bl      main_other
.ltorg

/* ---- traps ---- */

/* With a check for the kernel's traps: there is room on the stack. sp_el0 is free there, as the
 * user's lies in its frame. */
.macro entry user, what
    .balign 128
    sub     sp, sp, #FRAME_BYTES
    .ifc \user, kernel
    msr     sp_el0, x0
    mrs     x0, tpidr_el1
    ldr     x0, [x0, #THREAD_STACK]
    cmp     sp, x0
    b.lo    stack_full
    mrs     x0, sp_el0
    .endif
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    mov     w1, #\what
    b       trap_\user
.endm

.text
.balign 2048
vectors:
    .rept 4
    entry kernel, 2
    .endr
    entry kernel, 0
    entry kernel, 1
    entry kernel, 2
    entry kernel, 2
    entry user, 0
    entry user, 1
    entry user, 2
    entry user, 2
    .rept 4
    entry user, 2
    .endr

.macro each_register two, one
    \two    x4, x5, [sp, #32]
    \two    x6, x7, [sp, #48]
    \two    x8, x9, [sp, #64]
    \two    x10, x11, [sp, #80]
    \two    x12, x13, [sp, #96]
    \two    x14, x15, [sp, #112]
    \two    x16, x17, [sp, #128]
    \two    x18, x19, [sp, #144]
    \two    x20, x21, [sp, #160]
    \two    x22, x23, [sp, #176]
    \two    x24, x25, [sp, #192]
    \two    x26, x27, [sp, #208]
    \two    x28, x29, [sp, #224]
    \one    x30, [sp, #240]
.endm

.macro save_rest
    each_register stp, str
    mrs     x2, elr_el1
    mrs     x3, spsr_el1
    stp     x2, x3, [sp, #FRAME_PC]
    mrs     x2, esr_el1
    mrs     x3, far_el1
    stp     x2, x3, [sp, #FRAME_ESR]
.endm

stack_full: /* to its top: nothing on it is gone back to */
    mrs     x0, tpidr_el1
    ldr     x0, [x0, #THREAD_STACK_TOP]
    sub     sp, x0, #FRAME_BYTES
    mrs     x0, elr_el1
    bl      on_stack_full

trap_kernel:
    save_rest
    mov     x0, sp
    bl      arch_trap
    mov     x0, sp
    b       trap_return

trap_user:
    save_rest
    mrs     x2, sp_el0
    str     x2, [sp, #FRAME_SP]
    mrs     x2, tpidr_el0
    str     x2, [sp, #FRAME_TPIDR]
    mov     x0, sp
    bl      arch_trap
    mov     x0, sp

.globl trap_return
trap_return: /* x0: the frame. Interrupts are off. */
    mov     sp, x0
    ldp     x2, x3, [sp, #FRAME_PC]
    msr     elr_el1, x2
    msr     spsr_el1, x3
    tbnz    x3, #2, 1f
    ldr     x2, [sp, #FRAME_SP]
    msr     sp_el0, x2
    ldr     x2, [sp, #FRAME_TPIDR]
    msr     tpidr_el0, x2
1:  ldp     x0, x1, [sp]
    ldp     x2, x3, [sp, #16]
    each_register ldp, ldr
    add     sp, sp, #FRAME_BYTES
    clrex /* a reservation does not outlive a trap */
    eret

/* ---- threads ---- */

.macro each_kept two, at
    \two    x19, x20, [\at]
    \two    x21, x22, [\at, #16]
    \two    x23, x24, [\at, #32]
    \two    x25, x26, [\at, #48]
    \two    x27, x28, [\at, #64]
    \two    x29, x30, [\at, #80]
.endm

.globl arch_switch
arch_switch: /* x0: from, x1: to; a context is the first of a thread */
    each_kept stp, x0
    mov     x2, sp
    str     x2, [x0, #96]
    each_kept ldp, x1
    ldr     x2, [x1, #96]
    mov     sp, x2
    msr     tpidr_el1, x1
    ret

.section .bss
.balign 4096
.globl boot_low
boot_low:
    .skip 4096
boot_high:
    .skip 4096
boot_stacks:
    .skip 32768
    .skip 4096
