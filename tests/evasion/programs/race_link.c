// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A thread swaps a symbolic link between a harmless file and the token under one path.
 * Known from: symlink races, as old as access(2): the path is the same, its meaning is not.
 * First: open family: the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <pthread.h>

#define TRIES 50000

static void *flip(void *unused)
{
	for (;;)
		renameat2(AT_FDCWD, "/tmp/page", AT_FDCWD, "/tmp/other", RENAME_EXCHANGE);
	return unused;
}

int main(void)
{
	pthread_t thread;
	char text[512];

	if (symlink(HARMLESS, "/tmp/page") || symlink(TOKEN, "/tmp/other"))
		err(1, "symlink");
	pthread_create(&thread, NULL, flip, NULL);
	for (int i = 0; i < TRIES; i++) {
		int fd = open("/tmp/page", O_RDONLY);
		ssize_t size = read(fd, text, sizeof(text));

		close(fd);
		if (size > 0 && is_token(text, size))
			performed();
	}
	errx(1, "the race was never won");
}
