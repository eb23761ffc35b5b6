// SPDX-License-Identifier: Apache-2.0
/* Hand-written functions, with unwind information and without. */
	.text

/* With CFI, a frame of an odd size, and the frame pointer's register used for something else. */
	.globl asm_cfi_call
	.type asm_cfi_call, @function
	.p2align 4
asm_cfi_call:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	push %r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	sub $40, %rsp
	.cfi_adjust_cfa_offset 40
	mov %rdi, %rax
	mov %rsi, %rdi
	mov $12345, %ebp
	call *%rax
	add $40, %rsp
	.cfi_adjust_cfa_offset -40
	pop %r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	pop %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size asm_cfi_call, .-asm_cfi_call

/* Without CFI, with a frame pointer. */
	.globl asm_fp_call
	.type asm_fp_call, @function
	.p2align 4
asm_fp_call:
	push %rbp
	mov %rsp, %rbp
	mov %rdi, %rax
	mov %rsi, %rdi
	call *%rax
	pop %rbp
	ret
	.size asm_fp_call, .-asm_fp_call

/* Without CFI and without any frame. */
	.globl asm_spin
	.type asm_spin, @function
	.p2align 4
asm_spin:
	mov $88172645, %eax
1:	mov %rax, %rdx
	shl $13, %rdx
	xor %rdx, %rax
	mov %rax, %rdx
	shr $7, %rdx
	xor %rdx, %rax
	dec %rdi
	jnz 1b
	ret
	.size asm_spin, .-asm_spin

/* The byte before its first instruction belongs to no function with unwind information. */
	.globl asm_trap_first
	.type asm_trap_first, @function
	.p2align 4
	nop
asm_trap_first:
	.cfi_startproc
	ud2
	ret
	.cfi_endproc
	.size asm_trap_first, .-asm_trap_first

/* A stack switch as coroutine libraries have it: what is saved is on the stack that is left. */
	.globl asm_switch
	.type asm_switch, @function
	.p2align 4
asm_switch:
	.cfi_startproc
	push %rbp
	.cfi_adjust_cfa_offset 8
	push %rbx
	.cfi_adjust_cfa_offset 8
	push %r12
	.cfi_adjust_cfa_offset 8
	push %r13
	.cfi_adjust_cfa_offset 8
	push %r14
	.cfi_adjust_cfa_offset 8
	push %r15
	.cfi_adjust_cfa_offset 8
	mov %rsp, (%rdi)
	mov (%rsi), %rsp
	pop %r15
	.cfi_adjust_cfa_offset -8
	pop %r14
	.cfi_adjust_cfa_offset -8
	pop %r13
	.cfi_adjust_cfa_offset -8
	pop %r12
	.cfi_adjust_cfa_offset -8
	pop %rbx
	.cfi_adjust_cfa_offset -8
	pop %rbp
	.cfi_adjust_cfa_offset -8
	ret
	.cfi_endproc
	.size asm_switch, .-asm_switch

	.section .note.GNU-stack, "", @progbits
