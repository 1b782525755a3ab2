/* SPDX-License-Identifier: MIT */
/*
 * x86-64: from 32 bits (PVH) and from 16 (the other CPU) to long mode, the entry from and the
 * return to whoever was interrupted, and the switch between threads.
 *
 * The gates' window is the flag AC. No entry clears it by itself but syscall's, whose mask has it:
 * every other begins with clac, and cld. The return is iretq for all, which restores it.
 */
#define LINK_OFFSET      0xffffffff80000000
#define THREAD_STACK_TOP 56
#define USER_CS          0x23
#define USER_SS          0x1b
#define KERNEL_CS        0x08
#define TRAMPOLINE       0x8000

.section .note.Xen, "a", @note
    .long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long image_start - LINK_OFFSET

/* ---- to long mode ---- */

.section .text.start, "ax"
.code32
.globl image_start
image_start:
    movl    $(boot_pml4 - LINK_OFFSET), %edi
    movl    $(boot_low - LINK_OFFSET + 3), %eax
    movl    %eax, (%edi)
    movl    %eax, 273 * 8(%edi) /* the direct half */
    movl    $(boot_high - LINK_OFFSET + 3), %eax
    movl    %eax, 511 * 8(%edi)
    movl    $(boot_low - LINK_OFFSET), %edi
    movl    $0x83, (%edi) /* pages of 1 GiB: memory, and devices */
    movl    $0xc0000083, 3 * 8(%edi)
    movl    $(boot_high - LINK_OFFSET), %edi
    movl    $0x83, 510 * 8(%edi)
    movl    $(boot_stacks + 16384 - LINK_OFFSET), %esp
    xorl    %ebx, %ebx

/* ebx: 0 for the first CPU. Protected mode, flat segments. */
long_mode:
    movl    %cr4, %eax
    orl     $0x20, %eax
    movl    %eax, %cr4
    movl    $(boot_pml4 - LINK_OFFSET), %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx
    rdmsr
    orl     $0x901, %eax /* NX, long mode, syscall */
    wrmsr
    movl    %cr0, %eax
    andl    $~0x60000000, %eax /* caches on, for who comes from reset */
    orl     $0x80010001, %eax /* paging; and the kernel minds what is read-only */
    movl    %eax, %cr0
    lgdt    boot_gdt_at - LINK_OFFSET
    ljmp    $KERNEL_CS, $(in_low - LINK_OFFSET)

.code64
in_low:
    movq    $in_high, %rax
    jmp     *%rax
in_high:
    movq    $LINK_OFFSET, %rax
    addq    %rax, %rsp
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    %eax, %fs
    movl    %eax, %gs
    testl   %ebx, %ebx
    jnz     1f
    leaq    image_end(%rip), %rdi
    movq    $LINK_OFFSET, %rax
    subq    %rax, %rdi
    call    boot_first
1:  call    boot_other

.code16
.globl trampoline, trampoline_end
trampoline: /* copied to TRAMPOLINE, where the other CPU starts */
    cli
    xorw    %ax, %ax
    movw    %ax, %ds
    lgdtl   TRAMPOLINE + (trampoline_gdt - trampoline)
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    ljmpl   $0x18, $(TRAMPOLINE + (1f - trampoline))
.code32
1:  movw    $0x10, %ax
    movw    %ax, %ds
    movw    %ax, %ss
    movl    $(boot_stacks + 32768 - LINK_OFFSET), %esp
    movl    $1, %ebx
    movl    $(long_mode - LINK_OFFSET), %eax
    jmp     *%eax
.balign 8
trampoline_gdt:
    .word 31
    .long boot_gdt - LINK_OFFSET
trampoline_end:
.code64

.section .rodata
.balign 8
boot_gdt:
    .quad 0, 0x00af9b000000ffff /* code of 64 bits */
    .quad 0x00cf93000000ffff    /* data */
    .quad 0x00cf9b000000ffff    /* code of 32 bits */
boot_gdt_at:
    .word 31
    .quad boot_gdt - LINK_OFFSET

/* ---- traps ---- */

.text
.macro save_registers /* one is a place only: rsp lies above */
    .irp r, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rsp, rbx, rdx, rcx, rax
    pushq   %\r
    .endr
.endm

/* A frame is an odd number of words, and a function's stack is aligned to two. rdi: the frame. */
.macro call_trap
    movq    %rsp, %rdi
    pushq   %rdi
    call    arch_trap
    popq    %rdi
.endm

/* Each vector's first instructions: a number, and an error code where the processor has none. */
.balign 16
.globl trap_vectors
trap_vectors:
.set vector, 0
.rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
    pushq   $0
    .endif
    pushq   $vector
    jmp     trap
    .set vector, vector + 1
.endr

trap:
    clac
    cld
    save_registers
    testb   $3, 19 * 8(%rsp)
    jz      1f
    swapgs
1:  call_trap

.globl trap_return
trap_return: /* rdi: the frame. Interrupts are off. */
    movq    %rdi, %rsp
    testb   $3, 19 * 8(%rsp)
    jz      1f
    swapgs
1:  .irp r, rax, rcx, rdx, rbx, rbp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    popq    %\r
    .endr
    leaq    16(%rsp), %rsp
    iretq

.globl call_entry
call_entry: /* syscall: interrupts are off, AC and DF clear. The stack is the user's still. */
    swapgs
    movq    %rsp, %gs:8
    movq    %gs:0, %rsp
    movq    THREAD_STACK_TOP(%rsp), %rsp
    pushq   $USER_SS
    pushq   %gs:8
    pushq   %r11
    pushq   $USER_CS
    pushq   %rcx
    pushq   $0
    pushq   $256 /* the vector of a call */
    save_registers
    call_trap
    jmp     trap_return

/* ---- threads ---- */

.globl arch_switch_stacks
arch_switch_stacks: /* rdi: from, rsi: to; a context is the first of a thread */
    movq    %rsp, (%rdi)
    movq    %rbx, 8(%rdi)
    movq    %rbp, 16(%rdi)
    movq    %r12, 24(%rdi)
    movq    %r13, 32(%rdi)
    movq    %r14, 40(%rdi)
    movq    %r15, 48(%rdi)
    movq    (%rsi), %rsp
    movq    8(%rsi), %rbx
    movq    16(%rsi), %rbp
    movq    24(%rsi), %r12
    movq    32(%rsi), %r13
    movq    40(%rsi), %r14
    movq    48(%rsi), %r15
    ret

.section .bss
.balign 4096
boot_pml4:
    .skip 4096
boot_low:
    .skip 4096
boot_high:
    .skip 4096
boot_stacks:
    .skip 32768
