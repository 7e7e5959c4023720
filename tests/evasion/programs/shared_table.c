// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Two processes share one table of descriptors; one opens, the other reads.
 * Known from: clone(2) with CLONE_FILES but without CLONE_THREAD, which rules by process forget.
 * First: open family
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <signal.h>

static char stack[1 << 16];
static int fd = -1;

static int opener(void *unused)
{
	(void)unused;
	fd = open(TOKEN, O_RDONLY);
	return 0;
}

int main(void)
{
	int flags = CLONE_FILES | CLONE_VM | SIGCHLD;

	if (clone(opener, stack + sizeof(stack), flags, NULL) < 0)
		blocked();
	wait(NULL);
	read_token(fd);
}
