// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: As uring_read, but the kernel's own polling thread submits (IORING_SETUP_SQPOLL).
 * Known from: the same work, as the variant without any call at the time of the deed.
 * First: odd doors (io_uring_submit_req, on the thread's task)
 * Second: fanotify on the planted inode
 */
#include "ring.h"

int main(void)
{
	make_ring(IORING_SETUP_SQPOLL);
	read_token_by_ring();
}
