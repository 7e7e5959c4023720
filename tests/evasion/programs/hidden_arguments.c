// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Executes a reader, and blanks its arguments in memory before anybody looks them up.
 * Known from: argument spoofing, as miners and old daemons do it against ps and /proc/PID/cmdline.
 * First: exec: the arguments as they lie in the new image at sched_process_exec
 * Second: open family and fanotify, for what the reader reads
 */
#include "trick.h"

/* Only this ever has the path as an argument, and it wipes it at once. */
static void reader(char **argv)
{
	char path[64];

	strncpy(path, argv[1], sizeof(path) - 1);
	memset(argv[1], 0, strlen(argv[1]));
	strcpy(argv[0], "[kworker]");
	read_token(open(path, O_RDONLY));
}

int main(int argc, char **argv)
{
	char *again[] = { "/usr/sbin/cron-daemon", TOKEN, NULL };

	if (argc == 2)
		reader(argv);
	execv(argv[0], again);
	err(1, "exec");
}
