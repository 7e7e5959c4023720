// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: One process opens the token, another gets the descriptor over a unix socket and reads.
 * Known from: SCM_RIGHTS, the broker pattern of browsers turned round.
 * First: open family; odd doors (pass_descriptor)
 * Second: fanotify on the planted inode
 */
#include "trick.h"

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static void pass(int channel, int fd)
{
	union control control = {};
	struct iovec byte = { "", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	if (sendmsg(channel, &message, 0) < 0)
		err(1, "sendmsg");
	_exit(0);
}

int main(void)
{
	union control control;
	char byte;
	struct iovec place = { &byte, 1 };
	struct msghdr message = { .msg_iov = &place, .msg_iovlen = 1,
				  .msg_control = &control, .msg_controllen = sizeof(control) };
	int pair[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	if (fork() == 0)
		pass(pair[1], open(TOKEN, O_RDONLY));
	if (recvmsg(pair[0], &message, 0) < 0)
		err(1, "recvmsg");
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	read_token(fd);
}
