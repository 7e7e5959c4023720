// SPDX-License-Identifier: Apache-2.0
/*
 * good-sample: a vendor binary that does honest work, for the demo and the tests. No finding:
 *
 *   step            what it does
 *   read_settings   reads its own ~/.vendor.conf, which it writes first if there is none
 *   checksum        CRC-32 of its own program file
 *   fetch           one GET from a named host
 *   main            writes what it found to ~/inventory.txt
 *
 * Exit status 1 if the result can't be written; without a network it says so and goes on.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define DEFAULT_HOST "updates.vendor.example"

enum { NAME_SIZE = 128, PATH_SIZE = 512 };

static void home_path(const char *name, char path[PATH_SIZE])
{
	const char *home = getenv("HOME");

	snprintf(path, PATH_SIZE, "%s/%s", home ? home : ".", name);
}

/* The host to ask for updates, from the settings file. */
static void read_settings(char host[NAME_SIZE])
{
	char path[PATH_SIZE];
	FILE *file;

	home_path(".vendor.conf", path);
	file = fopen(path, "r");
	if (!file && (file = fopen(path, "w+"))) {
		fprintf(file, "host=%s\n", DEFAULT_HOST);
		rewind(file);
	}
	if (!file || fscanf(file, "host=%127[a-z0-9.-]", host) != 1)
		strcpy(host, DEFAULT_HOST);
	if (file)
		fclose(file);
}

/* CRC-32 (IEEE 802.3, reflected) of a file; 0 if it can't be read. */
static uint32_t checksum(const char *path)
{
	uint32_t crc = ~0u;
	FILE *file = fopen(path, "rb");
	int byte;

	if (!file)
		return 0;
	while ((byte = fgetc(file)) != EOF) {
		crc ^= byte;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	fclose(file);
	return ~crc;
}

/* Bytes of the host's answer to GET /version, or -1. */
static ssize_t fetch(const char *host)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
	struct timeval patience = { .tv_sec = 2 };
	struct addrinfo *address;
	ssize_t total = -1, size;
	char answer[1024];
	int fd;

	if (getaddrinfo(host, "80", &hints, &address))
		return -1;
	fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		dprintf(fd, "GET /version HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
		for (total = 0; (size = read(fd, answer, sizeof(answer))) > 0; total += size)
			;
	}
	if (fd >= 0)
		close(fd);
	freeaddrinfo(address);
	return total;
}

int main(void)
{
	char host[NAME_SIZE], path[PATH_SIZE];
	ssize_t received;
	FILE *report;

	read_settings(host);
	received = fetch(host);
	home_path("inventory.txt", path);
	report = fopen(path, "w");
	if (!report) {
		perror(path);
		return 1;
	}
	fprintf(report, "crc32 %08x\n%s answered %zd bytes\n", checksum("/proc/self/exe"), host,
		received);
	printf("%s: %s\n", received < 0 ? "no network" : "up to date", path);
	return fclose(report) ? 1 : 0;
}
