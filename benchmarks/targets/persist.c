// SPDX-License-Identifier: Apache-2.0
/*
 * persist COUNT: write COUNT different files from which programs are started at login, one every
 * 20 ms: each is a finding of its own.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 100;
	const char *home = getenv("HOME");
	char path[512];
	long i;

	snprintf(path, sizeof(path), "%s/.config", home);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/.config/autostart", home);
	mkdir(path, 0755);
	for (i = 0; i < count; i++) {
		int fd;

		snprintf(path, sizeof(path), "%s/.config/autostart/%ld.desktop", home, i);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			return 1;
		close(fd);
		usleep(20000);
	}
	return 0;
}
