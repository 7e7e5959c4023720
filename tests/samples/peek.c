// SPDX-License-Identifier: Apache-2.0
/*
 * peek WAY: reach into another process, or into what is its own. For process_memory_access and
 * code_injection. Whether it is allowed depends on the machine; an attempt counts.
 *
 *   ptrace  one child attaches to its sibling
 *   read    a child reads its parent's memory by process_vm_readv
 *   mem     a child opens its parent's /proc/PID/mem for writing
 *   write   a child writes its parent's memory by process_vm_writev
 *   debug   a debugger at work: its own child asks to be traced, and gets a word written
 *   own     its own memory, by /proc/self/mem and process_vm_readv
 *   jit     memory that is written, then executed
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static long word = 42;

static int is(const char *way, const char *name)
{
	return !strcmp(way, name);
}

static void by_vector(pid_t pid, int writes)
{
	long copy = word;
	struct iovec here = { &copy, sizeof(copy) }, there = { &word, sizeof(word) };

	if (writes)
		process_vm_writev(pid, &here, 1, &there, 1, 0);
	else
		process_vm_readv(pid, &here, 1, &there, 1, 0);
}

static void by_file(const char *who, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/mem", who);
	close(open(path, flags));
}

static void in_child(const char *way, pid_t parent)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", parent);
	if (is(way, "mem"))
		by_file(number, O_RDWR);
	else
		by_vector(parent, is(way, "write"));
}

static void siblings(void)
{
	pid_t victim = fork(), thief;

	if (!victim)
		_exit(!sleep(1));
	thief = fork();
	if (!thief) {
		if (!ptrace(PTRACE_ATTACH, victim, 0, 0)) {
			waitpid(victim, NULL, __WALL);
			ptrace(PTRACE_DETACH, victim, 0, 0);
		}
		_exit(0);
	}
	waitpid(thief, NULL, 0);
	kill(victim, SIGKILL);
}

static void debug(void)
{
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	waitpid(child, NULL, 0);
	if (ptrace(PTRACE_POKEDATA, child, &word, word))
		err(1, "ptrace");
	by_vector(child, 0);
	ptrace(PTRACE_CONT, child, 0, 0);
	waitpid(child, NULL, 0); /* stopped in its exec */
	ptrace(PTRACE_CONT, child, 0, 0);
}

static void jit(void)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int (*answer)(void) = (int (*)(void))page;

	memcpy(page, code, sizeof(code));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC) || answer() != 42)
		err(1, "jit");
}

int main(int argc, char **argv)
{
	const char *way = argc == 2 ? argv[1] : "";

	if (is(way, "ptrace")) {
		siblings();
	} else if (is(way, "debug")) {
		debug();
	} else if (is(way, "jit")) {
		jit();
	} else if (is(way, "own")) {
		by_file("self", O_RDWR);
		by_vector(getpid(), 0);
	} else if (is(way, "read") || is(way, "mem") || is(way, "write")) {
		pid_t parent = getpid();

		if (!fork()) {
			in_child(way, parent);
			_exit(0);
		}
	} else {
		errx(2, "usage: peek WAY");
	}
	while (wait(NULL) > 0)
		;
	return 0;
}
