// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Sends every byte as urgent data, which a plain receiver takes out of the stream.
 * Known from: Ptacek and Newsham, "Insertion, Evasion, and Denial of Service" (1998).
 * First: connect at entry and exit
 * Second: the sinkhole's record, where urgent data stays in line
 */
#include "trick.h"

int main(void)
{
	int fd = connected(8080);

	for (const char *at = secret(); *at; at++) {
		if (send(fd, at, 1, MSG_OOB) != 1)
			err(1, "send");
		usleep(500);
	}
	finish(fd);
	performed();
}
