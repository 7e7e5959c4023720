// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Moves the token to another name, reads it there, and moves it back.
 * Known from: mv before cat, against lists of secret paths.
 * First: open family: device and inode; rename
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	int fd;

	if (rename(TOKEN, "/home/user/work/page"))
		blocked();
	fd = open("/home/user/work/page", O_RDONLY);
	rename("/home/user/work/page", TOKEN);
	read_token(fd);
}
