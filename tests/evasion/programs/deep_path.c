// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Links the token below 100 folders, 20,000 bytes deep, and opens it relative to them.
 * Known from: probes that walk a bounded number of folders up, or into a bounded buffer.
 * First: open family: device and inode of the opened file
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	char name[201];

	memset(name, 'd', 200);
	name[200] = 0;
	if (chdir("/home/user/work"))
		err(1, "chdir");
	for (int i = 0; i < 100; i++)
		if (mkdir(name, 0700) || chdir(name))
			err(1, "folder %d", i);
	if (link(TOKEN, "page"))
		err(1, "link");
	read_token(open("page", O_RDONLY));
}
