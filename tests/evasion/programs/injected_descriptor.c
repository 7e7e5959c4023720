// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A process asks for a harmless file; its seccomp supervisor puts the token in its place.
 * Known from: seccomp_unotify(2): what LXD and rootless containers use to open on behalf of others.
 * First: open family, for the supervisor's own open
 * Second: fanotify on the planted inode
 */
#include "trick.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

/* The child: its next openat is answered by the supervisor. */
static void ask(int channel)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, code };
	int listener;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			   &program);
	if (listener < 0)
		blocked();
	if (write(channel, &listener, sizeof(listener)) < 0)
		err(1, "write");
	read_token(openat(AT_FDCWD, HARMLESS, O_RDONLY));
}

int main(void)
{
	struct seccomp_notif asked = {};
	struct seccomp_notif_addfd answer = { .flags = SECCOMP_ADDFD_FLAG_SEND };
	int channel[2], listener, status;
	pid_t child;

	if (pipe(channel))
		err(1, "pipe");
	child = fork();
	if (child == 0)
		ask(channel[1]);
	if (read(channel[0], &listener, sizeof(listener)) != sizeof(listener))
		err(1, "read");
	listener = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, child, 0), listener, 0);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked))
		err(1, "receive");
	answer.id = asked.id;
	answer.srcfd = open(TOKEN, O_RDONLY);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &answer) < 0)
		err(1, "answer");
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}
