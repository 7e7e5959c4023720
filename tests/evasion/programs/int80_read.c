// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A 64-bit program opens and reads the token by 32-bit calls (int 0x80).
 * Known from: CVE-2009-0835: seccomp on x86-64 could be passed by 32-bit calls.
 * First: odd doors (32-bit calls)
 * Second: fanotify on the planted inode
 */
#include "trick.h"

/* Built without PIE, so that these lie below 4 GiB. */
static char path[] = TOKEN, text[4096];

static long call32(long number, long first, long second, long third)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(number), "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

int main(void)
{
	long fd = call32(5, (long)path, O_RDONLY, 0), size;

	if (fd < 0) {
		errno = -fd;
		blocked();
	}
	size = call32(3, fd, (long)text, sizeof(text));
	if (size < 0 || !is_token(text, size))
		errx(1, "this is not the token");
	performed();
}
