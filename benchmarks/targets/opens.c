// SPDX-License-Identifier: Apache-2.0
/*
 * opens COUNT [FILES DIR]: open and close for reading COUNT times: one file of the system, or FILES
 * files in turn, made in the directory DIR first. Prints the seconds that the opens took, so that
 * neither exec nor the making of files is in the figure, and removes what it made.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void name(char *path, const char *directory, long number)
{
	snprintf(path, 256, "%s/ato-opens-%ld", directory, number);
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;
	long files = argc > 3 ? atol(argv[2]) : 0;
	char path[256] = "/usr/lib/os-release";
	double began, took;
	long i;

	for (i = 0; i < files; i++) {
		name(path, argv[3], i);
		close(open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600));
	}
	began = now();
	for (i = 0; i < count; i++) {
		if (files)
			name(path, argv[3], i % files);
		close(open(path, O_RDONLY));
	}
	took = now() - began;
	for (i = 0; i < files; i++) {
		name(path, argv[3], i);
		unlink(path);
	}
	printf("%.6f\n", took);
	return 0;
}
