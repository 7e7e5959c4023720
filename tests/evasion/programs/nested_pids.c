// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Reads the token as pid 1 of a pid namespace of its own.
 * Known from: tools that join events by the pid a process sees of itself.
 * First: odd doors (unshare); open family, with the kernel's outer pid
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	int status;

	own_namespaces(CLONE_NEWPID);
	if (fork() == 0)
		read_token(open(TOKEN, O_RDONLY));
	wait(&status);
	return WEXITSTATUS(status);
}
