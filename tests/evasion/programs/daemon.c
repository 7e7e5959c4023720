// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Forks twice, leaves the session, and reads the token when the main process has ended.
 * Known from: every daemon; tracers that stop with the process they started.
 * First: open family, scoped by cgroup
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	if (fork())
		_exit(0);
	setsid();
	if (fork())
		_exit(0);
	while (getppid() != 1)
		usleep(1000);
	usleep(300000);
	read_token(open(TOKEN, O_RDONLY));
}
