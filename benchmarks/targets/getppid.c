// SPDX-License-Identifier: Apache-2.0
/* getppid COUNT: make the cheapest system call COUNT times and print the seconds that it took. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 1000;
	double began = now();
	long i;

	for (i = 0; i < count; i++)
		syscall(SYS_getppid);
	printf("%.6f\n", now() - began);
	return 0;
}
