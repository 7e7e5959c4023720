// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A thread, not the leader, executes another program and takes over the process's id.
 * Known from: de_thread in the kernel's exec; tables by thread id lose the process there.
 * First: sched_process_exec; open family
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <pthread.h>

static void *run(void *unused)
{
	char *argv[] = { "sh", "-c", "grep -q aws_secret " TOKEN " && echo performed", NULL };

	execv("/bin/sh", argv);
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, NULL);
	pause();
}
