/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood THREADS OPENS FILES: opens in each thread, of so many different names that are not there.
 * With a further argument, the main thread meanwhile runs 200 processes that connect nowhere.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static long opens, files;

static void *flood(void *argument)
{
	char path[64];

	for (long i = 0; i < opens; i++) {
		snprintf(path, sizeof(path), "/tmp/missing-%ld-%ld", (long)argument, i % files);
		if (open(path, O_RDONLY) >= 0)
			return NULL;
	}
	return NULL;
}

static void connect_from_a_child(int number, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1000 + number) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fork() == 0) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		connect(fd, (struct sockaddr *)&to, sizeof(to));
		execl(argv[0], argv[0], "0", "0", "1", NULL);
		_exit(1);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	long count = atol(argv[1]);
	pthread_t threads[8];

	opens = atol(argv[2]);
	files = atol(argv[3]);
	for (long i = 0; i < count; i++)
		pthread_create(&threads[i], NULL, flood, (void *)i);
	for (int i = 0; argc > 4 && i < 200; i++)
		connect_from_a_child(i, argv);
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
