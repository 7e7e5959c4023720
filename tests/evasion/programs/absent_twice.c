// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: As absent_path, and a thread keeps dropping the page: it may be gone at exit as well.
 * Known from: madvise(2) with MADV_DONTNEED as the cheap half of a page-fault race.
 * First: open family: the kernel's own file at exit; a path not read at all is counted
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <pthread.h>
#include <sys/mman.h>

static char *path;

static void *drop(void *unused)
{
	for (;;)
		madvise(path, 4096, MADV_DONTNEED);
	return unused;
}

int main(void)
{
	int fd = open("/tmp/page", O_RDWR | O_CREAT, 0600);
	pthread_t thread;

	if (write(fd, TOKEN, sizeof(TOKEN)) != sizeof(TOKEN))
		err(1, "write");
	path = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	pthread_create(&thread, NULL, drop, NULL);
	read_token(open(path, O_RDONLY));
}
