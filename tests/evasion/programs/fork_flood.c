// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Two thousand processes come and go before a secret is sent.
 * Known from: event loss under load; process tables of sensors that fill up.
 * First: fork, exec and exit, in a ring that a flood of files can't fill; connect
 * Second: the sinkhole's record of the bytes
 */
#include "trick.h"

int main(void)
{
	int fd;

	for (int i = 0; i < 2000; i++) {
		if (fork() == 0)
			_exit(0);
		wait(NULL);
	}
	fd = connected(8080);
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
