// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Measures whether opening a file takes longer than it should, and acts only if it does not.
 * Known from: timing checks against debuggers and emulators; here, against probes on system calls.
 * First: open family: the measuring itself is thousands of opens without a purpose
 * Second: none: what is not done can't be seen
 */
#include "trick.h"
#include <time.h>

#define ROUNDS 20000

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(void)
{
	double start = now(), quiet, open_time;

	for (int i = 0; i < ROUNDS; i++)
		now(); /* no system call: the vDSO's */
	quiet = now() - start;
	start = now();
	for (int i = 0; i < ROUNDS; i++)
		open("/nothing/there", O_RDONLY);
	open_time = now() - start;
	if (open_time > 8 * quiet) /* alone, on the machine that this was tried on, it is less */
		performed();
	read_token(open(TOKEN, O_RDONLY));
}
