/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions without CFI, which use rbp for something else, so that only their code tells who called them.
 */
	.macro function name
	.p2align 4
	.globl \name
	.type \name, @function
\name:
	.endm

	.macro end name
	.size \name, . - \name
	.endm

	.text
	function bare_spin
	push	%rbp
	push	%r12
	mov	$1000000, %ebp
1:	dec	%ebp
	jnz	1b
	pop	%r12
	pop	%rbp
	ret
	end bare_spin

	function bare_pushes
	push	%rbx
	push	%rbp
	sub	$24, %rsp
	xor	%ebp, %ebp
	call	bare_spin
	add	$24, %rsp
	pop	%rbp
	pop	%rbx
	ret
	end bare_pushes

	function bare_moves
	sub	$40, %rsp
	mov	%rbx, 8(%rsp)
	mov	%rbp, 16(%rsp)
	mov	$7, %ebp
	call	bare_spin
	mov	8(%rsp), %rbx
	mov	16(%rsp), %rbp
	add	$40, %rsp
	ret
	end bare_moves

	function bare_aligned
	mov	%rsp, %rax
	and	$-64, %rsp
	sub	$128, %rsp
	mov	%rax, 96(%rsp)
	call	bare_spin
	mov	96(%rsp), %rsp
	ret
	end bare_aligned

	/* Goes on where a register says. */
	function bare_table
	push	%rbp
	sub	$16, %rsp
	mov	$3, %ebp
	lea	1f(%rip), %rax
	jmp	*%rax
1:	call	bare_spin
	add	$16, %rsp
	pop	%rbp
	ret
	end bare_table

	/* Its system call, getrandom, is its last instruction: what is behind it is another function. */
	function bare_random
	push	%rbp
	mov	$3, %ebp
	lea	buffer(%rip), %rdi
	mov	$65536, %esi
	xor	%edx, %edx
2:	mov	$318, %eax
	syscall
	end bare_random
	.globl bare_next
	.type bare_next, @function
bare_next:
	jmp	2b
	end bare_next

	.lcomm buffer, 65536
	.section .note.GNU-stack, "", @progbits
