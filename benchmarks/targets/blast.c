// SPDX-License-Identifier: Apache-2.0
/*
 * blast ADDRESS PORT FLOWS COUNT: send COUNT empty datagrams, in turn from FLOWS sockets, and print
 * the seconds that it took.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#define BATCH 64
#define MOST 512

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mmsghdr messages[BATCH] = {};
	int sockets[MOST], flows, i;
	long count, sent = 0;
	double began;

	if (argc != 5 || !inet_aton(argv[1], &to.sin_addr))
		return 2;
	to.sin_port = htons(atoi(argv[2]));
	flows = atoi(argv[3]);
	count = atol(argv[4]);
	if (flows < 1 || flows > MOST)
		return 2;
	for (i = 0; i < flows; i++) {
		sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
		if (sockets[i] < 0 || connect(sockets[i], (void *)&to, sizeof(to)))
			return 1;
	}
	began = now();
	for (i = 0; sent < count; i = (i + 1) % flows) {
		int done = sendmmsg(sockets[i], messages, BATCH, 0);

		if (done < 0)
			return 1;
		sent += done;
	}
	printf("%.6f\n", now() - began);
	return 0;
}
