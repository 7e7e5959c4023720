// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Executes a program that exists in memory only, by the memfd's descriptor.
 * Known from: fileless loaders since memfd_create(2) (Linux 3.17), such as fileless-elf-exec.
 * First: sched_process_exec: the kernel's file of the image, a memfd
 * Second: memfd_create; the number of links of the image
 */
#include "trick.h"
#include <sys/mman.h>

int main(void)
{
	char *argv[] = { "echo", "performed", NULL };
	int fd = memfd_create("", MFD_CLOEXEC);

	copy_into(fd, "/usr/bin/echo");
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	blocked();
}
