// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Executes a memfd by its name under /proc/self/fd, as if it were an ordinary path.
 * Known from: in-memory execution with only execve at hand, as in Perl and PHP one-liners.
 * First: sched_process_exec: the kernel's file of the image, a memfd
 * Second: memfd_create; the number of links of the image
 */
#include "trick.h"
#include <sys/mman.h>

int main(void)
{
	char *argv[] = { "echo", "performed", NULL }, path[64];
	int fd = memfd_create("kworker/u8:1", MFD_CLOEXEC);

	copy_into(fd, "/usr/bin/echo");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	execve(path, argv, environ);
	blocked();
}
