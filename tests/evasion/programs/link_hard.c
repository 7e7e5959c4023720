// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Opens the token by a second name, a hard link in a folder that nobody watches.
 * Known from: rules on path prefixes; fs.protected_hardlinks stands against links to others' files.
 * First: open family: device and inode of the opened file
 * Second: fanotify, which marks the inode
 */
#include "trick.h"

int main(void)
{
	if (link(TOKEN, "/home/user/work/page"))
		blocked();
	read_token(open("/home/user/work/page", O_RDONLY));
}
