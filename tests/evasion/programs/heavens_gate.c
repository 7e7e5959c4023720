// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Jumps into a 32-bit code segment, makes a 32-bit call there, and jumps back.
 * Known from: "Heaven's Gate", first of Windows malware, later shown to pass Linux tracers too.
 * First: odd doors (32-bit calls)
 * Second: fanotify on the planted inode
 */
#include "trick.h"

/* Built without PIE, so that these lie below 4 GiB. */
static char path[] = TOKEN;
__attribute__((used)) static unsigned long kept_stack;
__attribute__((used)) static struct {
	unsigned offset;
	unsigned short segment;
} __attribute__((packed)) gate = { 0, 0x23 };

/* open(path, O_RDONLY), called from 32-bit code */
long open32(long path);

asm(".text\n"
    "open32:\n"
    "	push %rbx\n"
    "	mov %rsp, kept_stack\n"
    "	mov %edi, %ebx\n"
    "	mov $5, %eax\n"
    "	xor %ecx, %ecx\n"
    "	movl $1f, gate\n"
    "	ljmp *gate\n"
    ".code32\n"
    "1:	int $0x80\n"
    "	ljmp $0x33, $2f\n"
    ".code64\n"
    "2:	mov kept_stack, %rsp\n"
    "	pop %rbx\n"
    "	cltq\n"
    "	ret\n");

int main(void)
{
	long fd = open32((long)path);

	if (fd < 0) {
		errno = -fd;
		blocked();
	}
	read_token(fd);
}
