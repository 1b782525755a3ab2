/* SPDX-License-Identifier: MIT */
/*
 * riscv64: the first instructions, the entry from and the return to whoever was interrupted, and
 * the switch between threads.
 *
 * tp is the current thread. sscratch is 0 in the kernel; with the user it is the thread, and that
 * is how an entry knows where it comes from. The gates' window is sstatus.SUM: an entry clears it
 * as it saves it, and the return restores what was saved.
 */
#define THREAD_STACK_TOP 112
#define THREAD_STACK     120
#define THREAD_SCRATCH   128
#define FRAME_BYTES      288
#define FRAME_STATUS     256
#define FRAME_UNUSED     280
#define LINK_OFFSET      0xffffffff00000000

.section .text.start, "ax"
.globl image_start
image_start: /* a0: this CPU. At its physical address, without translation. */
    la      t0, boot_taken
    li      t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez    t1, other_start
    la      t0, boot_cpu
    sd      a0, 0(t0)
    la      t0, boot_fdt
    sd      a1, 0(t0)
    la      sp, boot_stacks + 16384
    li      s1, 0
    j       go_high

/* OpenSBI 1.1 sends the other CPU on before it has stored where to and with what: now and then it
 * comes to image_start, too, and its registers tell nothing. */
.globl other_start
other_start:
    la      t0, boot_other
    amoswap.d.aqrl s1, zero, (t0)
    la      sp, boot_stacks + 32768

go_high: /* gigapages: the one we are in, the direct half's, and the image's, which is the same */
    la      t0, boot_root
    li      t1, (0x80000000 >> 12 << 10) | 0xcf | 0x100
    addi    t2, t0, 2047
    addi    t2, t2, 1 /* the upper half */
    sd      t1, 2 * 8(t0)
    sd      t1, 2 * 8(t2)
    sd      t1, 254 * 8(t2)
    li      t1, 0xcf | 0x100 /* devices, and whatever lies below memory */
    sd      t1, 0(t2)
    srli    t0, t0, 12
    li      t1, 8 << 60
    or      t0, t0, t1
    li      t2, LINK_OFFSET
    la      t1, high
    add     t1, t1, t2
    add     sp, sp, t2
    sfence.vma
    csrw    satp, t0
    sfence.vma
    jr      t1
high:
    la      t0, trap_entry
    csrw    stvec, t0
    csrw    sscratch, zero
    mv      tp, s1
    bnez    s1, 1f
    li      a0, 0
    call    main_boot_thread
    mv      tp, a0
    la      a0, image_end
    li      t0, LINK_OFFSET
    sub     a0, a0, t0
    call    boot_first
1:  mv      a0, tp
    call    main_other

/* ---- traps ---- */

.macro each_register op
    .irp n, 1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
    \op x\n, \n * 8(sp)
    .endr
    .irp n, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \op x\n, \n * 8(sp)
    .endr
.endm

.text
.balign 4
.globl trap_entry
trap_entry:
    csrrw   tp, sscratch, tp
    bnez    tp, from_user
    csrr    tp, sscratch
    sd      sp, THREAD_SCRATCH(tp)
    sd      t0, THREAD_SCRATCH + 8(tp)
    ld      t0, THREAD_STACK(tp)
    addi    sp, sp, -FRAME_BYTES
    bltu    sp, t0, stack_full
    ld      t0, THREAD_SCRATCH + 8(tp)
    j       save
stack_full: /* to its top: nothing on it is gone back to */
    ld      sp, THREAD_STACK_TOP(tp)
    addi    sp, sp, -FRAME_BYTES
    csrw    sscratch, zero
    csrr    a0, sepc
    call    on_stack_full
from_user:
    sd      sp, THREAD_SCRATCH(tp)
    ld      sp, THREAD_STACK_TOP(tp)
    addi    sp, sp, -FRAME_BYTES
save:
    each_register sd
    ld      t0, THREAD_SCRATCH(tp)
    sd      t0, 2 * 8(sp)
    li      t0, 1 << 18
    csrrc   t1, sstatus, t0 /* the window closes */
    csrr    t2, sepc
    csrr    t3, scause
    csrr    t4, stval
    csrrw   t5, sscratch, zero
    sd      t5, 4 * 8(sp) /* the user's tp; the kernel's is not restored from here */
    sd      t2, 0(sp)
    sd      t1, FRAME_STATUS(sp)
    sd      t3, FRAME_STATUS + 8(sp)
    sd      t4, FRAME_STATUS + 16(sp)
    mv      a0, sp
    call    arch_trap
    mv      a0, sp

.globl trap_return
trap_return: /* a0: the frame. Interrupts are off. */
    mv      sp, a0
    ld      t1, FRAME_STATUS(sp)
    ld      t2, 0(sp)
    csrw    sstatus, t1
    csrw    sepc, t2
    andi    t1, t1, 1 << 8
    bnez    t1, 1f
    csrw    sscratch, tp
    ld      tp, 4 * 8(sp)
1:  addi    t0, sp, FRAME_UNUSED
    sc.d    zero, zero, (t0) /* a reservation does not outlive a trap */
    each_register ld
    ld      sp, 2 * 8(sp)
    sret

/* ---- threads ---- */

.globl arch_switch
arch_switch: /* a0: from, a1: to; a context is the first of a thread */
    sd      ra, 0(a0)
    sd      sp, 8(a0)
    ld      ra, 0(a1)
    ld      sp, 8(a1)
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
    sd      s\n, 16 + \n * 8(a0)
    ld      s\n, 16 + \n * 8(a1)
    .endr
    mv      tp, a1
    ret

.section .bss
.balign 4096
boot_root:
    .skip 4096
boot_stacks:
    .skip 32768
