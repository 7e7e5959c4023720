/* SPDX-License-Identifier: Apache-2.0 */
/* A minimal io_uring, by system calls alone: one operation at a time, and its result. */
#ifndef RING_H
#define RING_H

#include "trick.h"
#include <linux/io_uring.h>
#include <sys/mman.h>

static struct {
	int fd;
	unsigned setup;
	unsigned *sq_tail, *sq_mask, *sq_flags, *sq_array, *cq_head, *cq_tail, *cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
} ring;

/* Give up as blocked if the kernel has no io_uring for us. */
static void make_ring(unsigned flags)
{
	struct io_uring_params p = { .flags = flags, .sq_thread_idle = 1000 };
	char *queues;
	size_t size;

	ring.setup = flags;
	ring.fd = syscall(SYS_io_uring_setup, 4, &p);
	if (ring.fd < 0)
		blocked();
	size = p.sq_off.array + p.sq_entries * sizeof(unsigned);
	if (size < p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe))
		size = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
	queues = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd, IORING_OFF_SQ_RING);
	ring.sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED, ring.fd, IORING_OFF_SQES);
	if (queues == MAP_FAILED || ring.sqes == MAP_FAILED)
		err(1, "mmap");
	ring.sq_tail = (unsigned *)(queues + p.sq_off.tail);
	ring.sq_mask = (unsigned *)(queues + p.sq_off.ring_mask);
	ring.sq_flags = (unsigned *)(queues + p.sq_off.flags);
	ring.sq_array = (unsigned *)(queues + p.sq_off.array);
	ring.cq_head = (unsigned *)(queues + p.cq_off.head);
	ring.cq_tail = (unsigned *)(queues + p.cq_off.tail);
	ring.cq_mask = (unsigned *)(queues + p.cq_off.ring_mask);
	ring.cqes = (struct io_uring_cqe *)(queues + p.cq_off.cqes);
}

/* Hand over one operation and wait for its result. */
static int submit(struct io_uring_sqe operation)
{
	unsigned tail = *ring.sq_tail, index = tail & *ring.sq_mask, enter = IORING_ENTER_GETEVENTS;
	unsigned count = 1, head = *ring.cq_head;
	int result;

	ring.sqes[index] = operation;
	ring.sq_array[index] = index;
	__atomic_store_n(ring.sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (ring.setup & IORING_SETUP_SQPOLL) { /* the kernel's thread looks by itself */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		count = 0;
		if (__atomic_load_n(ring.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			enter |= IORING_ENTER_SQ_WAKEUP;
	}
	if (syscall(SYS_io_uring_enter, ring.fd, count, 1, enter, NULL, 0) < 0)
		err(1, "io_uring_enter");
	while (__atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE) == head)
		sched_yield();
	result = ring.cqes[head & *ring.cq_mask].res;
	__atomic_store_n(ring.cq_head, head + 1, __ATOMIC_RELEASE);
	if (result < 0) {
		errno = -result;
		err(1, "operation %d", operation.opcode);
	}
	return result;
}

/* Open and read the token without a system call for either. */
UNUSED static void read_token_by_ring(void)
{
	static char text[4096];
	int size, fd = submit((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT,
						     .fd = AT_FDCWD,
						     .addr = (unsigned long)TOKEN,
						     .open_flags = O_RDONLY });

	size = submit((struct io_uring_sqe){ .opcode = IORING_OP_READ,
					     .fd = fd,
					     .addr = (unsigned long)text,
					     .len = sizeof(text) });
	if (!is_token(text, size))
		errx(1, "this is not the token");
	performed();
}

#endif
