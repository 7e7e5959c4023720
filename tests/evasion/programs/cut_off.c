// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Sends a secret and resets the connection at once: what was not read yet is thrown away.
 * Known from: resets against intrusion detection, as in the same paper of 1998.
 * First: connect at entry and exit
 * Second: the sinkhole's record, which a packet capture completes after a reset
 */
#include "trick.h"

int main(void)
{
	struct linger at_once = { 1, 0 };
	int fd = connected(8080);

	dprintf(fd, "%s", secret());
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(fd);
	performed();
}
