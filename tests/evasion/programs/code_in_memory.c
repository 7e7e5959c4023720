// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Runs code that was never in a file: written into memory, made executable, jumped to.
 * Known from: shellcode; userland exec, by the grugq in 2004.
 * First: open family, for what the code reads; map (mprotect)
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <sys/mman.h>

/* mov $2, %eax; xor %esi, %esi; syscall; ret: open(first argument, O_RDONLY) */
static const unsigned char code[] = "\xb8\x02\x00\x00\x00\x31\xf6\x0f\x05\xc3";

int main(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(page, code, sizeof(code));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC))
		blocked();
	read_token(((int (*)(const char *))page)(TOKEN));
}
