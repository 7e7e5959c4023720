// SPDX-License-Identifier: Apache-2.0
/*
 * flip WAY: change an argument while the kernel reads it, or be busy without doing so. For
 * source_disagreement.
 *
 *   path     a thread flips the path of a file that is opened, between the host's name and a
 *            honeytoken
 *   address  a thread flips the address that is connected to
 *   steady   threads that open and connect by links, relative paths and inherited descriptors
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TRIES 25 /* in a row */
#define CONTESTED 50 /* rows of tries during which the other thread was at work */
#define SECONDS 20 /* at most; on a busy machine the thread is often not at work */
#define LENGTH 64

static char harmless[LENGTH] = "/etc/hostname", token[LENGTH];
static volatile char path[LENGTH];
static volatile unsigned long flips;
static struct sockaddr_in to = { .sin_family = AF_INET };

static void *flip_path(void *unused)
{
	for (;; flips++) {
		for (int i = 0; i < LENGTH; i++)
			path[i] = token[i];
		for (int i = 0; i < LENGTH; i++)
			path[i] = harmless[i];
	}
	return unused;
}

/* Each address stays for about as long as the kernel takes between two looks at it. */
static void *flip_address(void *unused)
{
	volatile in_addr_t *address = &to.sin_addr.s_addr;
	const in_addr_t either[] = { inet_addr("203.0.113.9"), htonl(INADDR_LOOPBACK) };

	for (int i = 0;; i ^= 1, flips++) {
		*address = either[i];
		for (volatile int pause = 0; pause < 100; pause++)
			;
	}
	return unused;
}

/* Do the tries again and again until the other thread changed the argument during enough. */
static void race(void *(*flip)(void *), void (*try)(void))
{
	time_t end = time(NULL) + SECONDS;
	pthread_t thread;

	if (pthread_create(&thread, NULL, flip, NULL))
		errx(1, "no thread");
	for (int contested = 0; contested < CONTESTED && time(NULL) < end; usleep(1000)) {
		unsigned long before = flips;

		try();
		contested += flips > before + TRIES;
	}
}

static void open_often(const char *name, int tries)
{
	for (int i = 0; i < tries; i++)
		close(open(name, O_RDONLY));
}

static void connect_often(int tries)
{
	for (int i = 0; i < tries; i++) {
		int fd = socket(AF_INET, SOCK_DGRAM, 0);

		to.sin_port = htons(9);
		connect(fd, (struct sockaddr *)&to, sizeof(to));
		close(fd);
	}
}

static void try_path(void)
{
	open_often((const char *)path, TRIES);
}

static void try_address(void)
{
	connect_often(TRIES);
}

static void *work(void *unused)
{
	open_often("link", 200);
	open_often("./plain", 200);
	open_often("../work/plain", 200);
	return unused;
}

static void steady(void)
{
	pthread_t threads[4];
	int fd;

	close(open("plain", O_WRONLY | O_CREAT, 0600));
	if (symlink("plain", "link"))
		err(1, "link");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect_often(50);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	fd = open(token, O_RDONLY); /* a read, but no way round the calls */
	if (!fork()) {
		char byte;

		_exit(read(fd, &byte, 1) != 1);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "", *home = getenv("HOME");

	if (!home || strlen(home) > 32)
		errx(2, "HOME");
	strcat(strcpy(token, home), "/.aws/credentials");
	if (!strcmp(way, "path")) {
		race(flip_path, try_path);
	} else if (!strcmp(way, "address")) {
		race(flip_address, try_address);
	} else if (!strcmp(way, "steady")) {
		steady();
	} else {
		errx(2, "usage: flip WAY");
	}
	return 0;
}
