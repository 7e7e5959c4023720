// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Opens the token by a file handle, with no path at all.
 * Known from: the "shocker" container escape of 2014, which guessed handles of the host's files.
 * First: odd doors (open_by_handle_at, also when refused)
 * Second: fanotify on the planted inode
 */
#include "trick.h"

int main(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount, folder = open(TOKEN_FOLDER, O_RDONLY | O_DIRECTORY), fd;

	if (name_to_handle_at(AT_FDCWD, TOKEN, &handle.head, &mount, 0))
		blocked();
	fd = open_by_handle_at(folder, &handle.head, O_RDONLY);
	if (fd < 0)
		blocked();
	read_token(fd);
}
