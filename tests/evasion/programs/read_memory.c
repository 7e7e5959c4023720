// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Takes a secret out of another process's memory by process_vm_readv(2): nothing is opened.
 * Known from: credential scrapers that search the memory of others, such as mimipenguin.
 * First: odd doors (process_vm_readv with its aim)
 * Second: none: the copy passes no other hook
 */
#include "trick.h"
#include <signal.h>
#include <sys/uio.h>

int main(void)
{
	char copy[64] = "";
	struct iovec here = { copy, 40 }, there = { (void *)secret(), 40 };
	pid_t victim = fork();
	ssize_t size;

	if (victim == 0) {
		pause();
		_exit(0);
	}
	size = process_vm_readv(victim, &here, 1, &there, 1, 0);
	kill(victim, SIGKILL);
	wait(NULL);
	if (size < 0)
		blocked();
	if (memcmp(copy, secret(), 40))
		errx(1, "this is not the secret");
	performed();
}
