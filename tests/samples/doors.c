// SPDX-License-Identifier: Apache-2.0
/*
 * doors WAY: use a file or the network past the calls that everybody watches, or come near it.
 * For kernel_bypass_io, and for the reads of honeytokens that only the files themselves tell.
 *
 *   uring_read     open and read the AWS credentials by io_uring
 *   uring_connect  connect to a documentation address by io_uring
 *   uring_nop      make a ring and submit nothing that moves data: info
 *   handle         open the AWS credentials by their handle, without a path
 *   int80          open and read them by 32-bit calls
 *   given          a child opens them and passes the descriptor; the parent reads
 *   linked         read them through a hard link in /tmp, or in the home where /tmp is another disk
 *   packet, raw    a packet socket, a raw socket (refused)
 *   userns, bpf    a user namespace of its own, a BPF program (refused)
 *   udp            an ordinary datagram
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER ".aws"
#define TOKEN FOLDER "/credentials"

static char text[4096];

static void read_all(int fd)
{
	if (read(fd, text, sizeof(text)) <= 0)
		err(1, "read");
	close(fd);
}

/* --- io_uring, one operation at a time ----------------------------------------------------- */

static int submit(const struct io_uring_sqe *operation)
{
	struct io_uring_params p = {};
	int fd = syscall(SYS_io_uring_setup, 1, &p);
	size_t size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	struct io_uring_sqe *sqes;
	char *queues;

	if (fd < 0)
		err(0, "io_uring_setup"); /* a machine without it: nothing to show */
	queues = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      IORING_OFF_SQ_RING);
	sqes = mmap(NULL, sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, fd, IORING_OFF_SQES);
	if (queues == MAP_FAILED || sqes == MAP_FAILED)
		err(1, "mmap");
	*sqes = *operation;
	*(unsigned *)(queues + p.sq_off.array) = 0;
	__atomic_store_n((unsigned *)(queues + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		err(1, "io_uring_enter");
	return ((struct io_uring_cqe *)(queues + p.cq_off.cqes))->res;
}

static void uring_read(void)
{
	struct io_uring_sqe open_it = { .opcode = IORING_OP_OPENAT,
					.fd = AT_FDCWD,
					.addr = (unsigned long)TOKEN,
					.open_flags = O_RDONLY };
	int fd = submit(&open_it);
	struct io_uring_sqe read_it = { .opcode = IORING_OP_READ,
					.fd = fd,
					.addr = (unsigned long)text,
					.len = sizeof(text) };

	if (fd < 0 || submit(&read_it) <= 0)
		errx(1, "could not read");
}

static void uring_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(443) };
	struct io_uring_sqe connect_it = { .opcode = IORING_OP_CONNECT,
					   .fd = socket(AF_INET, SOCK_STREAM, 0),
					   .addr = (unsigned long)&to,
					   .off = sizeof(to) };

	inet_pton(AF_INET, "203.0.113.9", &to.sin_addr);
	submit(&connect_it);
}

static void uring_nop(void)
{
	struct io_uring_sqe nothing = { .opcode = IORING_OP_NOP };

	submit(&nothing);
}

/* --- other ways to a file ------------------------------------------------------------------ */

static void handle(void)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} name = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount, fd, folder = open(FOLDER, O_RDONLY | O_DIRECTORY);

	if (name_to_handle_at(AT_FDCWD, TOKEN, &name.head, &mount, 0))
		err(1, "name_to_handle_at");
	fd = open_by_handle_at(folder, &name.head, O_RDONLY);
	if (fd >= 0) /* without a capability only newer kernels allow it */
		read_all(fd);
}

static long call32(long number, long first, long second, long third)
{
	long result;

	asm volatile("int $0x80"
		     : "=a"(result)
		     : "a"(number), "b"(first), "c"(second), "d"(third)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static void int80(void)
{
	char *low = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_32BIT | MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	long fd;

	strcpy(low, TOKEN);
	fd = call32(5, (long)low, O_RDONLY, 0);
	if (fd < 0 || call32(3, fd, (long)low + 4096, 4096) <= 0)
		errx(0, "this machine has no 32-bit calls");
}

static void given(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {}, byte = 0;
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		err(1, "socketpair");
	if (!fork()) {
		*head = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		*(int *)CMSG_DATA(head) = open(TOKEN, O_RDONLY);
		_exit(sendmsg(pair[1], &message, 0) != 1);
	}
	if (recvmsg(pair[0], &message, 0) != 1)
		err(1, "recvmsg");
	wait(NULL);
	read_all(*(int *)CMSG_DATA(CMSG_FIRSTHDR(&message)));
}

static void linked(void)
{
	const char *name = "/tmp/innocent";
	int fd;

	if (link(TOKEN, name) && link(TOKEN, name = "innocent"))
		err(1, "link");
	fd = open(name, O_RDONLY);
	if (fd < 0)
		err(1, "%s", name);
	read_all(fd);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void packet(void)
{
	socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static void raw(void)
{
	socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static void userns(void)
{
	unshare(CLONE_NEWUSER);
}

static void load_bpf(void)
{
	union bpf_attr nothing = {};

	syscall(SYS_bpf, BPF_PROG_LOAD, &nothing, sizeof(nothing));
}

static void udp(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	inet_pton(AF_INET, "203.0.113.9", &to.sin_addr);
	sendto(socket(AF_INET, SOCK_DGRAM, 0), "x", 1, 0, (struct sockaddr *)&to, sizeof(to));
}

static const struct {
	const char *name;
	void (*act)(void);
} ways[] = {
	{ "uring_read", uring_read }, { "uring_connect", uring_connect },
	{ "uring_nop", uring_nop },   { "handle", handle },
	{ "int80", int80 },	      { "given", given },
	{ "linked", linked },	      { "packet", packet },
	{ "raw", raw },		      { "userns", userns },
	{ "bpf", load_bpf },	      { "udp", udp },
};

int main(int argc, char **argv)
{
	const char *home = getenv("HOME");

	if (!home || chdir(home))
		err(1, "HOME");
	for (unsigned i = 0; argc == 2 && i < sizeof(ways) / sizeof(*ways); i++) {
		if (!strcmp(argv[1], ways[i].name)) {
			ways[i].act();
			return 0;
		}
	}
	errx(2, "usage: doors WAY");
}
