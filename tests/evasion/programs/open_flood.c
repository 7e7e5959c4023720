// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Two threads open files as fast as they can while a third reads the token.
 * Known from: event loss under load, the most reported way to blind eBPF sensors.
 * First: open family; what does not fit is counted as lost
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <pthread.h>

#define OPENS 100000

static void *flood(void *unused)
{
	for (int i = 0; i < OPENS; i++)
		close(open(HARMLESS, O_RDONLY));
	return unused;
}

int main(void)
{
	pthread_t threads[2];
	int fd;

	for (int i = 0; i < 2; i++)
		pthread_create(&threads[i], NULL, flood, NULL);
	usleep(100000);
	fd = open(TOKEN, O_RDONLY);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	read_token(fd);
}
