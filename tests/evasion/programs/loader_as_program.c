// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Runs a file without execute permission by giving it to the dynamic loader.
 * Known from: the old way round noexec mounts and execute bits, /lib64/ld-linux.so.2 ./x.
 * First: map: a file that was written in the audit becomes executable memory
 * Second: sched_process_exec, with the loader as the program; open family
 */
#include "trick.h"

int main(void)
{
	char *argv[] = { "ld.so", "/tmp/page", "performed", NULL };
	int fd = open("/tmp/page", O_WRONLY | O_CREAT, 0600);

	copy_into(fd, "/usr/bin/echo");
	close(fd);
	execve("/lib64/ld-linux-x86-64.so.2", argv, environ);
	blocked();
}
