// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Two hundred children that live for an instant; one of them reads the token.
 * Known from: races against tracers that follow /proc or a map filled from user space.
 * First: open family, scoped by cgroup
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	char text[4096];
	int status, found = 0;

	for (int i = 0; i < 200; i++) {
		if (fork() == 0) {
			if (i != 137)
				_exit(0);
			_exit(is_token(text, read(open(TOKEN, O_RDONLY), text, sizeof(text))) ? 7 : 1);
		}
	}
	while (wait(&status) > 0)
		found |= WEXITSTATUS(status) == 7;
	if (!found)
		errx(1, "nobody read the token");
	performed();
}
