// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Opens and reads the token by io_uring: neither open nor read is ever called.
 * Known from: ARMO's "Curing" rootkit of 2025, which stayed unseen by several eBPF sensors.
 * First: odd doors (io_uring_submit_req, by opcode)
 * Second: fanotify on the planted inode
 */
#include "ring.h"

int main(void)
{
	make_ring(0);
	read_token_by_ring();
}
