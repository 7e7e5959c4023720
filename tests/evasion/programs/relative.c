// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Changes into the token's folder by descriptor and opens a bare file name.
 * Known from: rules that match absolute paths at the entry of the call.
 * First: open family: the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	int fd = open("/home", O_PATH);

	fd = openat(fd, "user", O_PATH);
	fd = openat(fd, ".aws", O_PATH);
	if (fchdir(fd))
		blocked();
	read_token(open("credentials", O_RDONLY));
}
