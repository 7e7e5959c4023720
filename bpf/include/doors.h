/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Ways into the kernel that the other families do not cover, or not alone. */
#ifndef ATO_DOORS_H
#define ATO_DOORS_H

#include "pending.h"
#include "walk.h"

#define CLONE_NEW_ANY 0x7e020080 /* every CLONE_NEW* flag */
#define CLONE_NEWUSER 0x10000000
#define CLONE_NEWNET 0x40000000
#define SOCK_TYPE 0xf
#define SOCK_RAW 3
#define SOCK_PACKET 10
#define AF_NETLINK 16
#define SOL_SOCKET 1
#define SCM_RIGHTS 1

/* Requests of ptrace that reach into another process; a debugger's stepping is not told. */
static __always_inline bool ptrace_reaches(unsigned long request)
{
	switch (request) {
	case 0: /* PTRACE_TRACEME */
	case 4: /* PTRACE_POKETEXT */
	case 5: /* PTRACE_POKEDATA */
	case 6: /* PTRACE_POKEUSR */
	case 13: /* PTRACE_SETREGS */
	case 16: /* PTRACE_ATTACH */
	case 0x4205: /* PTRACE_SETREGSET */
	case 0x4206: /* PTRACE_SEIZE */
		return true;
	}
	return false;
}

static __always_inline bool odd_socket(unsigned long family, unsigned long type)
{
	switch (family) {
	case AF_INET:
	case AF_INET6: /* SOCK_PACKET, of old, means AF_PACKET */
		return (type & SOCK_TYPE) == SOCK_RAW || (type & SOCK_TYPE) == SOCK_PACKET;
	case AF_UNIX:
	case AF_NETLINK:
		return false;
	}
	return true;
}

/* Keep the arguments, or drop a call that is an ordinary use. */
static __always_inline void door_enter(struct pending *p, struct pt_regs *regs)
{
	__u64 *args = (void *)p->path;

	args[0] = ARG1(regs);
	args[1] = ARG2(regs);
	args[2] = ARG3(regs);
	args[3] = ARG4(regs);
	args[4] = ARG5(regs);
	p->dfd = -1;
	switch (p->nr) {
	case __NR_ptrace:
		if (!ptrace_reaches(args[0]))
			p->class = CALL_NONE;
		break;
	case __NR_socket:
		if (!odd_socket(args[0], args[1]))
			p->class = CALL_NONE;
		break;
	case __NR_clone3: /* struct clone_args starts with its flags */
		if (bpf_probe_read_user(&args[0], sizeof(args[0]), (void *)args[0]))
			args[0] = 0;
		/* fallthrough */
	case __NR_clone:
		if (!(args[0] & CLONE_NEW_ANY))
			p->class = CALL_NONE;
		break;
	case __NR_sendfile:
		p->dfd = args[1];
		break;
	case __NR_splice:
	case __NR_copy_file_range:
		p->dfd = args[0];
		break;
	}
}

static __always_inline struct ato_door *reserve_door(__u32 what, __u32 nr, long ret)
{
	struct ato_door *r;

	r = reserve_bulk(struct ato_door);
	if (!r)
		return NULL;
	r->ret = ret;
	__builtin_memset(r->args, 0, sizeof(r->args));
	r->ino = 0;
	r->dev = 0;
	r->what = what;
	r->nr = nr;
	r->len = 0;
	__builtin_memset(r->text, 0, sizeof(r->text));
	fill_header(&r->h, ATO_DOOR, 0);
	return r;
}

static __always_inline void fill_door_file(struct ato_door *r, struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	r->ino = BPF_CORE_READ(inode, i_ino);
	r->dev = BPF_CORE_READ(inode, i_sb, s_dev);
}

static __always_inline int door_exit(struct pending *p, long ret)
{
	struct ato_door *r = reserve_door(ATO_DOOR_CALL, p->nr, ret);
	struct file *file;
	int fd = p->dfd;

	if (!r)
		return 0;
	__builtin_memcpy(r->args, p->path, sizeof(r->args));
	if (p->nr == __NR_open_by_handle_at)
		fd = ret;
	file = fd >= 0 ? file_of(fd) : NULL;
	if (file)
		fill_door_file(r, file);
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

/* A 32-bit call: other numbers, so it is told once a thread and never misread as ours. */
static __always_inline int submit_compat(long nr)
{
	struct ato_door *r = reserve_door(ATO_DOOR_COMPAT, nr, 0);

	if (r)
		bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

/* Descriptors that travel beside a message (unix(7), SCM_RIGHTS). */
static __always_inline void tell_rights(const void *message)
{
	struct {
		__u64 len;
		__u32 level;
		__u32 type;
	} head = {};
	__u64 control = 0, size = 0;
	struct ato_door *r;

	/* struct msghdr: name, namelen, iov, iovlen, control, controllen */
	bpf_probe_read_user(&control, sizeof(control), message + 32);
	bpf_probe_read_user(&size, sizeof(size), message + 40);
	if (!control || size < sizeof(head) ||
	    bpf_probe_read_user(&head, sizeof(head), (void *)control) ||
	    head.level != SOL_SOCKET || head.type != SCM_RIGHTS)
		return;
	r = reserve_door(ATO_DOOR_RIGHTS, __NR_sendmsg, 0);
	if (!r)
		return;
	r->args[0] = (head.len - sizeof(head)) / sizeof(__u32);
	bpf_ringbuf_submit(r, SUBMIT);
}

/* io_uring: the operation itself, whichever thread of the kernel carries it out. */
static __always_inline int submit_uring(struct io_kiocb *req)
{
	struct io_connect *connect = (void *)req;
	struct io_open *open = (void *)req;
	__u8 opcode = BPF_CORE_READ(req, opcode);
	struct ato_door *r;
	struct file *file;
	long n;

	if (!in_scope())
		return 0;
	r = reserve_door(ATO_DOOR_URING, opcode, 0);
	if (!r)
		return 0;
	switch (opcode) {
	case 18: /* IORING_OP_OPENAT */
	case 28: /* IORING_OP_OPENAT2 */
		n = bpf_probe_read_kernel_str(r->text, sizeof(r->text),
					      BPF_CORE_READ(open, filename, name));
		r->len = n > 0 ? n : 0;
		break;
	case 16: /* IORING_OP_CONNECT */
		if (!bpf_probe_read_user(r->text, 28, BPF_CORE_READ(connect, addr)))
			r->len = 28;
		/* fallthrough */
	default:
		file = BPF_CORE_READ(req, file);
		/* From 5.19 on the file is looked up later, by the number that waits here. */
		if (!file && bpf_core_field_exists(req->cqe))
			file = file_of(BPF_CORE_READ(req, cqe.fd));
		if (file)
			fill_door_file(r, file);
	}
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(ato_io_uring_submit_req, struct io_kiocb *req)
{
	return submit_uring(req);
}

/* Before Linux 6.4. Before 6.0, when `cmd` came, the ring went before the request. */
SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(ato_io_uring_submit_sqe, void *first, void *second)
{
	struct io_kiocb *req = first;

	barrier_var(second); /* or clang merges the two loads into one of a computed address */
	if (!bpf_core_field_exists(req->cmd))
		req = second;
	return submit_uring(req);
}

#endif
