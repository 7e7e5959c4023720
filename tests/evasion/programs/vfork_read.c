// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A vfork child, which shares its parent's memory, reads the token and vanishes.
 * Known from: vfork(2); tracers that take up a child only at its exec.
 * First: open family, scoped by cgroup
 * Second: fanotify on the planted inode
 */
#include "trick.h"

static char text[4096];
static volatile ssize_t size;

int main(void)
{
	if (vfork() == 0) {
		size = read(open(TOKEN, O_RDONLY), text, sizeof(text));
		_exit(0);
	}
	if (size < 0 || !is_token(text, size))
		errx(1, "this is not the token");
	performed();
}
