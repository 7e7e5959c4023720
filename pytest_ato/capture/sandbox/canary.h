/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The liveness proof: init makes one call that each probe must see, between two opens that name the
 * round. It runs before the target starts and after the last process ended; what capture did not
 * see of it, it would not have seen of the target. Results do not matter, only the calls.
 */
#ifndef CANARY_H
#define CANARY_H

#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sys/mman.h>

/* Marked by fanotify, one a round: unread events of one process on one file become one. */
#define CANARY_BEFORE "/etc/hostname"
#define CANARY_AFTER "/etc/nsswitch.conf"
#define CANARY_NAME "canary"
#define NONCE_SIZE 8

/* Each open has a name of its own: of two alike, the second is told as a count of the first. */
static void canary_mark(const char *nonce, const char *word, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/%s.%s%s", nonce, word, file);
	close(open(path, O_RDONLY | O_CLOEXEC));
}

static void canary_sockets(const struct sockaddr *to, socklen_t size)
{
	int tcp = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int udp = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (connect(tcp, to, size) == 0 || sendto(udp, "", 0, 0, to, size) == 0)
		errno = 0;
	close(tcp);
	close(udp);
}

/* One NOP through a ring of one entry; a host may forbid io_uring, and the target with it. */
static void canary_uring(void)
{
	struct io_uring_params params = { 0 };
	int fd = syscall(SYS_io_uring_setup, 1, &params);
	size_t size = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
	struct io_uring_sqe *entry;
	char *ring;

	if (fd < 0)
		return;
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	entry = mmap(NULL, sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (ring != MAP_FAILED && entry != MAP_FAILED) {
		memset(entry, 0, sizeof(*entry));
		entry->opcode = IORING_OP_NOP;
		*(uint32_t *)(ring + params.sq_off.array) = 0;
		__atomic_store_n((uint32_t *)(ring + params.sq_off.tail), 1, __ATOMIC_RELEASE);
		syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	}
	close(fd);
}

/* `self` is this program, so that the exec succeeds; main() leaves at once under this name. */
static void canary_process(int self)
{
	char *argv[] = { CANARY_NAME, NULL }, *no_environment[] = { NULL };
	pid_t child = fork();

	if (child == 0) {
		syscall(SYS_execveat, self, "", argv, no_environment, AT_EMPTY_PATH);
		_exit(1);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

/*
 * A function to watch as those of TLS libraries are, with instructions at which a probe costs
 * little. Capture finds it by its symbols, which are the only ones that this program keeps.
 */
int ato_canary(const void *handle, const void *buffer, int size);
asm(".globl ato_canary, ato_canary_end\n"
    ".type ato_canary, @function\n"
    ".type ato_canary_end, @function\n"
    "ato_canary:\n"
    "	nop\n"
    "	mov %edx, %eax\n"
    "ato_canary_end:\n"
    "	nop\n"
    "	ret\n");

static void canary(const char *nonce, const char *file, int self)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(1) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(1) };

	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	six.sin6_addr = in6addr_loopback;
	canary_mark(nonce, "begin", file);
	canary_sockets((struct sockaddr *)&four, sizeof(four));
	canary_sockets((struct sockaddr *)&six, sizeof(six));
	canary_uring();
	canary_process(self);
	ato_canary(NULL, nonce, NONCE_SIZE);
	close(open(file, O_RDONLY | O_CLOEXEC));
	canary_mark(nonce, "end", file);
}

#endif
