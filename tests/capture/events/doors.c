/*
 * Knocks at each odd door once: what matters is that the call is made, not that it succeeds. The
 * home's AWS credentials are reached by ways that name no path.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECRET "/home/user/.aws/credentials"

static char *ring, *completions;
static struct io_uring_sqe *entry;
static struct io_uring_params params;
static int ring_fd;

static void uring_setup(void)
{
	ring_fd = syscall(SYS_io_uring_setup, 4, &params);
	ring = mmap(NULL, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE,
		    MAP_SHARED, ring_fd, IORING_OFF_SQ_RING);
	completions = mmap(NULL, params.cq_off.cqes + params.cq_entries * 16,
			   PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, IORING_OFF_CQ_RING);
	entry = mmap(NULL, 4 * sizeof(*entry), PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd,
		     IORING_OFF_SQES);
}

static int uring(struct io_uring_sqe operation)
{
	uint32_t *tail = (uint32_t *)(ring + params.sq_off.tail);
	uint32_t *head = (uint32_t *)(completions + params.cq_off.head);
	uint32_t index = *tail & (params.sq_entries - 1);
	struct io_uring_cqe *done;

	entry[index] = operation;
	((uint32_t *)(ring + params.sq_off.array))[index] = index;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	syscall(SYS_io_uring_enter, ring_fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0);
	done = (struct io_uring_cqe *)(completions + params.cq_off.cqes) +
	       (*head & (params.cq_entries - 1));
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return done->res;
}

static void through_uring(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4201) };
	char data[64];
	int fd;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	uring_setup();
	fd = uring((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD,
					  .addr = (uintptr_t)SECRET });
	uring((struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = fd, .addr = (uintptr_t)data,
				     .len = sizeof(data) });
	uring((struct io_uring_sqe){ .opcode = IORING_OP_CONNECT,
				     .fd = socket(AF_INET, SOCK_STREAM, 0),
				     .addr = (uintptr_t)&to, .off = sizeof(to) });
	fprintf(stderr, "io_uring opened: %d\n", fd >= 0);
}

static void processes(void)
{
	struct iovec here = { &here, 8 }, there = { &here, 8 };
	pid_t child = fork();
	int status;

	if (child == 0) {
		pause();
		_exit(0);
	}
	ptrace(PTRACE_SEIZE, child, 0, 0);
	syscall(SYS_process_vm_readv, child, &here, 1, &there, 1, 0);
	syscall(SYS_process_vm_writev, child, &here, 1, &there, 1, 0);
	syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, child, 0), 0, 0);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void namespaces(void)
{
	pid_t child = fork();

	if (child == 0) {
		unshare(CLONE_NEWUSER | CLONE_NEWNET);
		setns(open("/proc/self/ns/uts", O_RDONLY), CLONE_NEWUTS);
		mount("none", "/tmp", "tmpfs", 0, NULL);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void kernel(void)
{
	union bpf_attr program = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER };
	struct perf_event_attr event = { .size = sizeof(event) };

	syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof(program));
	syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
	syscall(SYS_userfaultfd, 1);
	syscall(SYS_finit_module, -1, "", 0);
	syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
}

static void descriptors(void)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .head = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct iovec byte = { "x", 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} handle = { .head.handle_bytes = MAX_HANDLE_SZ };
	int pair[2], pipes[2], mount, secret = open(SECRET, O_RDONLY);

	name_to_handle_at(AT_FDCWD, SECRET, &handle.head, &mount, 0);
	open_by_handle_at(secret, &handle.head, O_RDONLY);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	memcpy(CMSG_DATA(&control.head), &secret, sizeof(int));
	sendmsg(pair[0], &message, 0);
	sendfile(pair[0], secret, NULL, 16);
	if (pipe(pipes) == 0)
		splice(secret, NULL, pipes[1], NULL, 16, 0);
	copy_file_range(secret, NULL, open("/tmp/copy", O_WRONLY | O_CREAT, 0600), NULL, 16, 0);
}

static void sockets(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(4202) };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socket(AF_PACKET, SOCK_RAW, 0);
	socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	socket(AF_INET, SOCK_DGRAM, 0); /* ordinary, not told */
	sendto(socket(AF_INET, SOCK_STREAM, 0), "x", 1, MSG_FASTOPEN, (void *)&to, sizeof(to));
}

/* The first call of a new thread: the sandbox's filter refuses it before the entry probe. */
static void *vsock(void *unused)
{
	socket(AF_VSOCK, SOCK_STREAM, 0);
	return unused;
}

static void old_abi(void)
{
#ifdef __x86_64__
	long result;

	/* getpid of the 32-bit table */
	asm volatile("int $0x80" : "=a"(result) : "a"(20) : "memory", "r8", "r9", "r10", "r11");
#endif
}

int main(void)
{
	pthread_t thread;

	through_uring();
	processes();
	namespaces();
	kernel();
	descriptors();
	sockets();
	pthread_create(&thread, NULL, vsock, NULL);
	pthread_join(thread, NULL);
	old_abi();
	return 0;
}
