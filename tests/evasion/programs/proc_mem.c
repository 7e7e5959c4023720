// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Takes a secret out of another process's memory by /proc/PID/mem.
 * Known from: LaZagne's and mimipenguin's memory searches.
 * First: open family (/proc/PID/mem)
 * Second: none: the kernel has no other hook on it that an unprivileged probe may use
 */
#include "trick.h"
#include <signal.h>

int main(void)
{
	char path[64], copy[64] = "";
	pid_t victim = fork();
	ssize_t size;
	int fd;

	if (victim == 0) {
		pause();
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	fd = open(path, O_RDONLY);
	size = pread(fd, copy, 40, (off_t)secret());
	kill(victim, SIGKILL);
	wait(NULL);
	if (size < 0)
		blocked();
	if (memcmp(copy, secret(), 40))
		errx(1, "this is not the secret");
	performed();
}
