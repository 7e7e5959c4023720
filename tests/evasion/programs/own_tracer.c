// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: Lets itself be traced by its own child, so that no other tracer can attach.
 * Known from: anti-debugging by PTRACE_TRACEME or PTRACE_SEIZE, in most packed Linux malware.
 * First: odd doors (ptrace)
 * Second: none; this capture does not use ptrace and is not hindered
 */
#include "trick.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

int main(void)
{
	pid_t parent = getpid(), child;
	int status;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	child = fork();
	if (child == 0)
		_exit(ptrace(PTRACE_SEIZE, parent, 0, 0) ? errno : 0);
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	if (errno)
		blocked();
	performed();
}
