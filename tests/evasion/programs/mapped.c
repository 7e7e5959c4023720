// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Maps the token into memory instead of reading it.
 * Known from: rules that wait for read(2) after open(2), as in early provenance recorders.
 * First: open family at entry and exit
 * Second: fanotify on the planted inode (open and close; a mapping reads nothing)
 */
#include "trick.h"
#include <sys/mman.h>

int main(void)
{
	int fd = open(TOKEN, O_RDONLY);
	const char *text = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

	if (text == MAP_FAILED)
		blocked();
	if (!is_token(text, 4096))
		errx(1, "this is not the token");
	performed();
}
