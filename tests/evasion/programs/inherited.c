// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: One program opens the token, another that it executes reads it by the inherited number.
 * Known from: descriptor inheritance; rules by program see an opener that never reads.
 * First: open family, and the lineage
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <sys/uio.h>

int main(int argc, char **argv)
{
	char text[4096], *again[] = { argv[0], "7", NULL };
	struct iovec buffer = { text, sizeof(text) };
	ssize_t size;

	if (argc == 1) {
		dup2(open(TOKEN, O_RDONLY), 7);
		execv(argv[0], again);
		err(1, "exec");
	}
	size = preadv2(7, &buffer, 1, 0, 0);
	if (size < 0 || !is_token(text, size))
		errx(1, "this is not the token");
	performed();
}
