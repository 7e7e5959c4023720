/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is executed: the call, the new image, and its arguments when the call returns into it. */
#ifndef ATO_BCC_EXEC_H
#define ATO_BCC_EXEC_H

#include "maps.h"

#define USER32_CS 0x23
#define MAX_ARGS 8192

/* An executed program until its call returns. */
struct image {
	__u32 nr; /* 0: not known */
	__u32 len; /* bytes of name with its NUL */
	char name[MAX_PATH];
};

struct exec_record {
	struct ato_exec r;
	char text[MAX_PATH + MAX_ARGS];
};

BPF_HASH(exec_calls, __u32, __u32, 16384); /* number of the call that a thread is in */
BPF_HASH(images, __u32, struct image, 512);
BPF_PERCPU_ARRAY(exec_scratch, struct exec_record, 1);
BPF_PERCPU_ARRAY(image_scratch, struct image, 1);

static __always_inline int exec_enter(__u32 nr)
{
	__u32 tid = bpf_get_current_pid_tgid();

	if (in_scope() && exec_calls.update(&tid, &nr))
		count_missed(ATO_CRITICAL);
	return 0;
}

int ato_sys_enter_execve(struct tracepoint__syscalls__sys_enter_execve *args)
{
	return exec_enter(__NR_execve);
}

int ato_sys_enter_execveat(struct tracepoint__syscalls__sys_enter_execveat *args)
{
	return exec_enter(__NR_execveat);
}

/* The new image is in place. Its arguments are read when the call returns into it. */
int ato_sched_process_exec(struct tracepoint__sched__sched_process_exec *args)
{
	__u32 tid = bpf_get_current_pid_tgid(), old = args->old_pid, *nr;
	struct image *image;
	int zero = 0;
	long n;

	if (!in_scope())
		return 0;
	image = image_scratch.lookup(&zero);
	if (!image) {
		count_missed(ATO_CRITICAL);
		return 0;
	}
	nr = exec_calls.lookup(&old);
	image->nr = nr ? *nr : 0;
	n = bpf_probe_read_kernel_str(image->name, MAX_PATH,
				      (char *)args + (args->data_loc_filename & 0xffff));
	image->len = n > 0 ? n : 0;
	exec_calls.delete(&old);
	if (images.update(&tid, image))
		count_missed(ATO_CRITICAL);
	return 0;
}

static __always_inline __u64 read_word(__u64 at, bool wide)
{
	__u64 word = 0;

	if (wide)
		bpf_probe_read_user(&word, 8, (void *)at);
	else
		bpf_probe_read_user(&word, 4, (void *)at);
	return word;
}

/*
 * The arguments as they lie in the new image, whose stack begins with their number and addresses.
 * What the program gave to the call can't be relied on: its pages need not have been touched.
 */
static __always_inline __u64 append_args(struct exec_record *e, __u64 at, struct pt_regs *regs,
					 __u16 *flags)
{
	bool wide = regs->cs != USER32_CS;
	__u64 word = wide ? 8 : 4, sp = regs->sp, first, last, size;
	long n;

	if (at > MAX_PATH)
		return 0;
	first = read_word(sp + word, wide);
	last = read_word(sp + word * read_word(sp, wide), wide);
	n = read_text(e->text + at, MAX_ARGS, (void *)last);
	if (n <= 0 || last < first) {
		*flags |= ATO_F_UNREAD;
		return 0;
	}
	size = e->r.args = last - first + n;
	if (size > MAX_ARGS) {
		size = MAX_ARGS;
		*flags |= ATO_F_TRUNCATED;
	}
	asm volatile("" : "+r"(size));
	if (size > MAX_ARGS)
		return 0;
	if (bpf_probe_read_user(e->text + at, size, (void *)first)) {
		*flags |= ATO_F_UNREAD;
		return 0;
	}
	return size;
}

static __always_inline int submit_exec(const struct image *image, struct pt_regs *regs)
{
	struct exec_record *e;
	__u64 name, size;
	__u16 flags = 0;
	int zero = 0;

	count_produced(ATO_CRITICAL);
	e = exec_scratch.lookup(&zero);
	if (!e) {
		count_lost(ATO_CRITICAL);
		return 0;
	}
	__builtin_memset(&e->r, 0, sizeof(e->r));
	e->r.nlink = 1;
	e->r.uid = bpf_get_current_uid_gid();
	e->r.nr = image->nr;
	e->r.stdio_mode[0] = e->r.stdio_mode[1] = e->r.stdio_mode[2] = ATO_MODE_UNKNOWN;
	name = image->len;
	if (name > MAX_PATH)
		name = MAX_PATH;
	bpf_probe_read_kernel(e->text, name, image->name);
	e->r.len[0] = name;
	size = append_args(e, name, regs, &flags);
	e->r.len[2] = size;
	if (!name || !image->nr)
		flags |= ATO_F_UNREAD;
	count_flags(ATO_CRITICAL, flags);
	fill_header(&e->r.h, ATO_EXEC, flags);
	size += sizeof(e->r) + name;
	if (size > sizeof(*e) || critical.ringbuf_output(e, size, SUBMIT))
		count_lost(ATO_CRITICAL);
	return 0;
}

/* A raw tracepoint, because it comes with the registers, whose layout is part of ptrace's ABI. */
int ato_exec_return(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 tid = bpf_get_current_pid_tgid();
	struct pt_regs regs = {};
	struct image *image;

	if (!in_scope())
		return 0;
	image = images.lookup(&tid);
	if (!image)
		return 0;
	bpf_probe_read_kernel(&regs, sizeof(regs), (void *)ctx->args[0]);
	submit_exec(image, &regs);
	images.delete(&tid);
	return 0;
}

#endif
