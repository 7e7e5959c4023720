// SPDX-License-Identifier: Apache-2.0
// Two builds of one program: -DNEXT asks for one name more. The rest differs from run to run.
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void call(const char *name)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found;
	int fd;

	if (getaddrinfo(name, "80", &hints, &found))
		return;
	fd = socket(found->ai_family, SOCK_STREAM, 0);
	if (!connect(fd, found->ai_addr, found->ai_addrlen))
		(void)!write(fd, "GET / HTTP/1.0\r\n\r\n", 18);
	close(fd);
	freeaddrinfo(found);
}

static void write_file(const char *path)
{
	FILE *file = fopen(path, "w");

	if (file) {
		fputs("x", file);
		fclose(file);
	}
}

int main(void)
{
	char path[256], scratch[] = "/tmp/vendor-XXXXXX";
	struct timespec now;
	unsigned long long random;
	int fd = mkstemp(scratch);

	close(fd);
	unlink(scratch);
	clock_gettime(CLOCK_REALTIME, &now);
	random = (unsigned long long)now.tv_nsec * 2654435761u ^ (unsigned long long)getpid();
	snprintf(path, sizeof(path), "%s/.cache", getenv("HOME"));
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/.cache/%016llx.bin", getenv("HOME"), random);
	write_file(path);
	snprintf(path, sizeof(path), "%s/.cache/run-%d%06ld.log", getenv("HOME"), getpid(),
		 now.tv_nsec / 1000);
	write_file(path);
	if (!fork())
		execlp("uname", "uname", "-m", NULL);
	wait(NULL);
	snprintf(path, sizeof(path), "%08llx.cdn.vendor.example", random | 0x10000000);
	call(path);
	call("updates.vendor.example");
#ifdef NEXT
	call("telemetry.vendor.example");
#endif
	return 0;
}
