// SPDX-License-Identifier: Apache-2.0
/*
 * The sandbox's pid 1, and the launcher that brings bubblewrap to its place. Static, so that it
 * needs nothing of the root file system that it runs in; it parses nothing that the target wrote.
 *
 *   init launch NETNS PROCS... -- PROGRAM ARGS...
 *	joins the cgroups whose cgroup.procs are open as PROCS and the network namespace open as
 *	NETNS (-1: stay), takes an empty keyring, closes these, executes PROGRAM without environment.
 *
 *   init userns
 *	makes a user namespace, writes a byte, and lives until its input ends.
 *
 *   init CONTROL ORDER STDIN STDOUT STDERR
 *	as pid 1 of a finished sandbox: says READY on the socket CONTROL, waits for GO and a nonce,
 *	fires the canary, starts the target that the memfd ORDER describes, reaps until nobody is
 *	left, fires the canary again, says so, exits.
 *
 * order.h has the layout of ORDER; control.py is the other side of the messages.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "canary.h"
#include "fail.h"
#include "filter.h"
#include "order.h"

enum message_kind { READY = 1, FAILED, EXITED, EMPTY };

/* What the child was at when it failed; control.py has the names. */
enum step { EXEC, STDIO, LIMITS, IDENTITY, KEYRING, DIRECTORY, FILTER };

struct message {
	uint32_t kind;
	int32_t first;	/* FAILED: step; EXITED: exit status */
	int32_t second; /* FAILED: errno; EXITED: signal, 0 for none */
};

/*
 * Where the kernel has no keyrings, or a filter of an outer container forbids them, the target
 * cannot reach any either.
 */
static int keyctl(unsigned long operation, long argument)
{
	if (syscall(SYS_keyctl, operation, argument) >= 0 || errno == ENOSYS || errno == EPERM)
		return 0;
	return -1;
}

/* --- launcher ---------------------------------------------------------------------------------- */

static int launch(int argc, char **argv)
{
	char *no_environment[] = { NULL };
	int netns = argc > 2 ? atoi(argv[2]) : -1;
	int i;

	for (i = 3; i < argc && strcmp(argv[i], "--"); i++) {
		int procs = atoi(argv[i]);

		need(write(procs, "0", 1) == 1, "cannot join the cgroup");
		close(procs);
	}
	if (netns >= 0) {
		need(setns(netns, CLONE_NEWNET) == 0, "cannot join the network namespace");
		close(netns);
	}
	need(keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0) == 0, "cannot make a keyring");
	need(i + 1 < argc, "no program");
	execve(argv[i + 1], &argv[i + 1], no_environment);
	die(argv[i + 1]);
	return 1;
}

/* --- privileges ---------------------------------------------------------------------------------- */

static int keep_capabilities(uint32_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = kept, .permitted = kept } };

	return syscall(SYS_capset, &header, data);
}

static int drop_capabilities(void)
{
	return keep_capabilities(0);
}

static int bound_capabilities(uint32_t kept)
{
	for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
		if (!(capability < 32 && kept >> capability & 1) && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
			return -1;
	return 0;
}

/* In a user namespace, an image's root keeps what it may do to the image's own files and users. */
static int take_identity(const struct order *order)
{
	uint32_t uid = order->uid, gid = order->gid;
	uint32_t kept = uid == 0 ? order->capabilities : 0;

	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) || keep_capabilities(kept))
		return -1;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* A user's keyrings outlive its processes: an earlier audit may have left something in them. */
static int take_empty_keyrings(void)
{
	if (keyctl(KEYCTL_JOIN_SESSION_KEYRING, 0) || keyctl(KEYCTL_CLEAR, KEY_SPEC_USER_KEYRING))
		return -1;
	return keyctl(KEYCTL_CLEAR, KEY_SPEC_USER_SESSION_KEYRING);
}

/* --- the target ---------------------------------------------------------------------------------- */

/* Leaves descriptors 0 to 2, and the report's as 3, which exec closes. */
static int take_stdio(const int stdio[3], int *report)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup2(stdio[fd], fd) < 0)
			return -1;
	if (*report != 3) {
		if (dup3(*report, 3, O_CLOEXEC) < 0)
			return -1;
		*report = 3;
	}
	return close_range(4, ~0U, 0);
}

/* Beside the limits: where memory runs out, the target goes before anything of the host. */
static int take_limits(const struct target *target)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "500", 3) != 3)
		return -1;
	close(fd);
	for (uint32_t i = 0; i < target->order->limits; i++) {
		struct rlimit limit = { target->limits[i].soft, target->limits[i].hard };

		if (setrlimit(target->limits[i].resource, &limit))
			return -1;
	}
	return 0;
}

/* Returns only on failure. */
static enum step become(const struct target *target, const int stdio[3], int *report)
{
	setsid();
	umask(022);
	if (take_stdio(stdio, report))
		return STDIO;
	if (take_limits(target))
		return LIMITS;
	if (take_identity(target->order))
		return IDENTITY;
	if (take_empty_keyrings())
		return KEYRING;
	if (chdir(target->directory))
		return DIRECTORY;
	if (refuse_sockets())
		return FILTER;
	execve(target->program, target->argv, target->envp);
	return EXEC;
}

/* Returns the target's pid after its exec, or after the message that says why there was none. */
static pid_t start(const struct target *target, const int stdio[3], int control)
{
	struct message failure = { .kind = FAILED };
	int report[2];
	pid_t child;

	need(pipe2(report, O_CLOEXEC) == 0, "pipe");
	child = fork();
	need(child >= 0, "fork");
	if (child == 0) {
		failure.first = become(target, stdio, &report[1]);
		failure.second = errno;
		_exit(write(report[1], &failure, sizeof(failure)) < 0 ? 126 : 127);
	}
	close(report[1]);
	if (read(report[0], &failure, sizeof(failure)) == sizeof(failure))
		send(control, &failure, sizeof(failure), MSG_NOSIGNAL);
	close(report[0]);
	return child;
}

static void reap_until_empty(pid_t main_child, int control)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		struct message ended = { .kind = EXITED };

		if (pid != main_child)
			continue;
		ended.first = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
		ended.second = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
		send(control, &ended, sizeof(ended), MSG_NOSIGNAL);
	}
}

/* --- pid 1 --------------------------------------------------------------------------------------- */

/* The command line is readable to all; name and arguments say what they must and no more. */
static void hide_arguments(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		memset(argv[i], 0, strlen(argv[i]));
	memcpy(argv[0], "init", sizeof("init"));
	prctl(PR_SET_NAME, "init", 0, 0, 0);
}

static void default_signals(void)
{
	/* The kernel's own struct sigaction: libc would keep its two signals from us. */
	const struct {
		void *handler;
		unsigned long flags;
		void *restorer;
		unsigned long mask;
	} plain = { 0 };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		syscall(SYS_rt_sigaction, number, &plain, NULL, sizeof(plain.mask));
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Makes a user namespace for whoever writes its maps: says that it is there, and waits for EOF. */
static int hold_user_namespace(void)
{
	char byte = 0;

	need(unshare(CLONE_NEWUSER) == 0, "cannot make a user namespace");
	need(write(STDOUT_FILENO, &byte, 1) == 1, "user namespace");
	return read(STDIN_FILENO, &byte, 1) != 0;
}

static int init(int argc, char **argv)
{
	const struct message ready = { .kind = READY }, empty = { .kind = EMPTY };
	int control = atoi(argv[1]);
	int stdio[3] = { atoi(argv[3]), atoi(argv[4]), atoi(argv[5]) };
	struct target target;
	char go[1 + NONCE_SIZE + 1] = { 0 };
	int self = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	pid_t child;

	need(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0, "dumpable");
	target = read_order(atoi(argv[2]));
	hide_arguments(argc, argv);
	default_signals();
	need(bound_capabilities(target.order->capabilities) == 0, "bounding set");
	need(send(control, &ready, sizeof(ready), MSG_NOSIGNAL) == sizeof(ready), "ready");
	/* No message: capture is gone, and with pid 1 goes the sandbox. */
	if (recv(control, go, 1 + NONCE_SIZE, 0) != 1 + NONCE_SIZE)
		return 1;
	canary(go + 1, CANARY_BEFORE, self);
	child = start(&target, stdio, control);
	need(setgroups(0, NULL) == 0 && drop_capabilities() == 0, "capabilities");
	/* Held here too, they would never end for their other side. */
	for (int i = 0; i < 3; i++)
		close(stdio[i]);
	reap_until_empty(child, control);
	canary(go + 1, CANARY_AFTER, self);
	send(control, &empty, sizeof(empty), MSG_NOSIGNAL);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "launch"))
		return launch(argc, argv);
	if (argc == 2 && !strcmp(argv[1], "userns"))
		return hold_user_namespace();
	if (argc == 1 && !strcmp(argv[0], CANARY_NAME))
		return 0;
	return argc == 6 ? init(argc, argv) : 2;
}
