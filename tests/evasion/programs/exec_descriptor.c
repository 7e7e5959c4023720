// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Executes a reader by descriptor: execveat(2) with an empty path names no program.
 * Known from: fexecve(3), and rules that take the program's name from the arguments of execve.
 * First: exec of the kernel's own file (sched_process_exec)
 * Second: open family and fanotify, for what the reader reads
 */
#include "trick.h"

int main(void)
{
	char *argv[] = { "-", "-qm1", "-e", "aws_secret_access_key", TOKEN, NULL };
	int fd = open("/usr/bin/grep", O_PATH | O_CLOEXEC), status;

	if (fork() == 0) {
		syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
		_exit(9);
	}
	wait(&status);
	if (status)
		errx(1, "the reader ended with %#x", status);
	performed();
}
