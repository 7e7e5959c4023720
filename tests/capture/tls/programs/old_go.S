/*
 * What a program of Go before 1.17 looks like from outside: arguments on the stack, the goroutine
 * right below the thread pointer, functions named in Go's own table. No such compiler is packaged
 * any more, so its calls are made by hand; what it "encrypts" goes out as it is.
 */
	.set	SYS_write, 1
	.set	SYS_socket, 41
	.set	SYS_connect, 42
	.set	SYS_exit, 60
	.set	SYS_arch_prctl, 158
	.set	ARCH_SET_FS, 0x1002

	.data
goroutine:
	.quad	0, 0
stack_limit:
	.quad	-1			/* too small a stack: the first call begins anew */
below_thread:
	.quad	goroutine
thread:
	.quad	0
address:
	.short	2			/* AF_INET, port 4433, 127.0.0.1 */
	.byte	0x11, 0x51, 127, 0, 0, 1
	.quad	0
connection:
	.quad	0
text:
	.ascii	"GET /old-go/ HTTP/1.0\r\n\r\n"
	.set	text_size, . - text

	.text
	.globl	_start
_start:
	mov	$ARCH_SET_FS, %edi
	lea	thread(%rip), %rsi
	mov	$SYS_arch_prctl, %eax
	syscall
	mov	$2, %edi
	mov	$1, %esi
	xor	%edx, %edx
	mov	$SYS_socket, %eax
	syscall
	mov	%eax, %ebx
	mov	%eax, %edi
	lea	address(%rip), %rsi
	mov	$16, %edx
	mov	$SYS_connect, %eax
	syscall
	sub	$56, %rsp		/* receiver, slice of three words; a count and an error */
	lea	connection(%rip), %rax
	mov	%rax, (%rsp)
	lea	text(%rip), %rax
	mov	%rax, 8(%rsp)
	movq	$text_size, 16(%rsp)
	movq	$text_size, 24(%rsp)
	call	conn_write
	cmpq	$text_size, 32(%rsp)
	setne	%dil
	movzbl	%dil, %edi
	mov	$SYS_exit, %eax
	syscall

conn_write:
	mov	%fs:-8, %rcx
	cmp	0x10(%rcx), %rsp
	jbe	1f
	sub	$0x18, %rsp
	mov	%ebx, %edi
	mov	0x28(%rsp), %rsi
	mov	0x30(%rsp), %rdx
	mov	$SYS_write, %eax
	syscall
	mov	%rax, 0x40(%rsp)
	add	$0x18, %rsp
	ret
1:	call	more_stack
	jmp	conn_write
	.set	conn_write_size, . - conn_write

more_stack:
	movq	$0, stack_limit(%rip)
	ret

/* The table as Go 1.2 to 1.15 wrote it: everything counts from its start. */
	.section .rodata
	.balign	8
table:
	.byte	0xfb, 0xff, 0xff, 0xff, 0, 0, 1, 8
	.quad	1
	.quad	conn_write, record - table
	.quad	conn_write + conn_write_size
record:
	.quad	conn_write
	.long	name - table, 0, 0, 0
name:
	.asciz	"crypto/tls.(*Conn).Write"
