// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Makes a user namespace by clone3(2) with its flags in a page that is not in memory yet.
 * Known from: the move from clone to clone3, whose flags seccomp filters can't read at all.
 * First: odd doors (clone3, its flags read where they can be)
 * Second: the new process itself, at sched_process_fork: its namespaces are not its parent's
 */
#include "trick.h"
#include <linux/sched.h>
#include <signal.h>
#include <sys/mman.h>

int main(void)
{
	struct clone_args how = { .flags = CLONE_NEWUSER | CLONE_NEWNET, .exit_signal = SIGCHLD };
	int fd = open("/tmp/page", O_RDWR | O_CREAT, 0600), status;
	long child;

	if (write(fd, &how, sizeof(how)) != sizeof(how))
		err(1, "write");
	child = syscall(SYS_clone3, mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0), sizeof(how));
	if (child < 0)
		blocked();
	if (child == 0)
		_exit(getuid() != 65534); /* who has no number there yet is nobody */
	waitpid(child, &status, 0);
	if (status)
		errx(1, "no namespace of its own: %#x", status);
	performed();
}
