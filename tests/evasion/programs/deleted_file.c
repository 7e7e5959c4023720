// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Writes a program, opens it, deletes it, and only then executes it.
 * Known from: BPFDoor, which ran from a deleted copy in shared memory.
 * First: sched_process_exec: the image has no link left
 * Second: open family and unlink
 */
#include "trick.h"

int main(void)
{
	char *argv[] = { "echo", "performed", NULL };
	int fd = open("/tmp/page", O_WRONLY | O_CREAT, 0700);

	copy_into(fd, "/usr/bin/echo");
	close(fd);
	fd = open("/tmp/page", O_RDONLY | O_CLOEXEC);
	unlink("/tmp/page");
	fexecve(fd, argv, environ);
	blocked();
}
