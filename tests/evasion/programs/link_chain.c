// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Thirty symbolic links, each to the next, stand between the path and the token.
 * Known from: rules on the path as the program gave it; 40 links are what the kernel follows.
 * First: open family: the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	char to[64] = TOKEN, name[64] = "";

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "/tmp/page%d", i);
		if (symlink(to, name))
			err(1, "symlink");
		strcpy(to, name);
	}
	read_token(open(name, O_RDONLY));
}
