/*
 * Processes that end in each way there is, and arguments, threads and paths that are hard to get
 * right without looking into the kernel's structures.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 20

static void *idle(void *unused)
{
	usleep(1000);
	return unused;
}

static void *leave_group(void *unused)
{
	exit(21);
	return unused;
}

static void *execute(void *unused)
{
	execl("/bin/true", "by a thread", NULL);
	return unused;
}

/* Runs one way to end in a child of its own. */
static void child(void (*way)(void))
{
	if (fork() == 0) {
		way();
		_exit(99);
	}
	wait(NULL);
}

static void by_call(void)
{
	syscall(SYS_exit, 11);
}

static void by_signal(void)
{
	raise(SIGTERM);
}

static void by_handled_then_other_signal(void)
{
	signal(SIGUSR1, (void (*)(int))idle);
	raise(SIGUSR1);
	raise(SIGALRM);
}

static void by_fault(void)
{
	*(volatile int *)1 = 0;
}

static void start(void *(*routine)(void *), int number)
{
	pthread_t thread;

	while (number--)
		pthread_create(&thread, NULL, routine, NULL);
}

static void by_a_thread(void)
{
	start(idle, THREADS);
	start(leave_group, 1);
	pause();
}

static void by_the_last_thread(void)
{
	start(idle, THREADS);
	syscall(SYS_exit, 0); /* the first thread; the others go on, and end together */
}

static void by_exec_of_a_thread(void)
{
	start(idle, THREADS);
	start(execute, 1);
	pause();
}

/* 3 MiB in one argument list, which no record holds. */
static void by_exec_with_too_many_arguments(void)
{
	static char *argv[1002] = { "true" }, word[1000];

	memset(word, 'a', sizeof(word) - 1);
	for (int i = 1; i < 1001; i++)
		argv[i] = word;
	execv("/bin/true", argv);
}

static void by_exec_without_arguments(void)
{
	char *none[] = { NULL };

	execve("/bin/true", none, none);
}

static void by_exec_that_fails_first(void)
{
	execl("/nowhere/program", "never", NULL);
	execlp("true", "found", "in PATH", NULL);
}

/* A path that another thread changes while the kernel reads it. */
static char racing[64] = "/tmp/first";

static void *flip(void *unused)
{
	for (;;) {
		memcpy(racing, "/tmp/first\0\0", 12);
		__asm__ volatile("" ::: "memory");
		memcpy(racing, "/tmp/second", 12);
		__asm__ volatile("" ::: "memory");
	}
	return unused;
}

static void races(void)
{
	start(flip, 1);
	for (int i = 0; i < 50000; i++)
		close(open(racing, O_RDONLY));
	_exit(0);
}

/* A path in a page that nobody has touched yet, and an empty one. */
static void untouched(void)
{
	int fd = open("/tmp/page", O_CREAT | O_RDWR, 0600);
	char *page;

	if (write(fd, "/tmp/untouched", 15) != 15)
		_exit(1);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	open(page, O_RDONLY);
	open("", O_RDONLY);
	_exit(0);
}

int main(void)
{
	child(by_call);
	child(by_signal);
	child(by_handled_then_other_signal);
	child(by_fault);
	child(by_a_thread);
	child(by_the_last_thread);
	child(by_exec_of_a_thread);
	child(by_exec_with_too_many_arguments);
	child(by_exec_without_arguments);
	child(by_exec_that_fails_first);
	child(races);
	child(untouched);
	return 0;
}
