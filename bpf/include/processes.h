/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: fork, exec, exit. Probes of the scheduler, so no way of calling goes round them. */
#ifndef ATO_PROCESSES_H
#define ATO_PROCESSES_H

#include "doors.h"
#include "pending.h"
#include "tls.h"
#include "walk.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} exec_scratch SEC(".maps");

/*
 * Namespaces that a child has for itself, by the kernel's own account: clone3 has its flags in
 * memory, which may not be there, or be another's by the time that the kernel reads it.
 */
static __always_inline void tell_namespaces(struct task_struct *parent, struct task_struct *child)
{
	__u64 flags = 0;
	struct ato_door *r;

	if (BPF_CORE_READ(child, real_cred, user_ns) != BPF_CORE_READ(parent, real_cred, user_ns))
		flags |= CLONE_NEWUSER;
	if (BPF_CORE_READ(child, nsproxy, net_ns) != BPF_CORE_READ(parent, nsproxy, net_ns))
		flags |= CLONE_NEWNET;
	if (!flags)
		return;
	r = reserve_door(ATO_DOOR_CALL, __NR_clone3, 0);
	if (!r)
		return;
	r->args[0] = flags;
	bpf_ringbuf_submit(r, SUBMIT);
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(ato_sched_process_fork, struct task_struct *parent, struct task_struct *child)
{
	struct ato_scope *s = live_scope();
	struct ato_fork *r;

	/* The sandbox's init is not ignored here: its child is the target's first process. */
	if (!s || child->tgid == parent->tgid ||
	    bpf_get_current_ancestor_cgroup_id(s->level) != s->cgroup)
		return 0;
	r = reserve_critical(struct ato_fork);
	if (!r)
		return 0;
	r->child = child->tgid;
	r->inner = inner_pid(child);
	fill_header(&r->h, ATO_FORK, 0);
	bpf_ringbuf_submit(r, SUBMIT);
	tell_namespaces(parent, child);
	return 0;
}

static __always_inline void fill_stdio(struct ato_exec *r)
{
	int fd;

#pragma unroll
	for (fd = 0; fd < 3; fd++) {
		struct file *file = file_of(fd);
		struct sock *sk;

		r->stdio_mode[fd] = r->stdio_family[fd] = r->stdio_protocol[fd] = 0;
		r->stdio_rdev[fd] = 0;
		if (!file)
			continue;
		r->stdio_mode[fd] = BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT;
		r->stdio_rdev[fd] = BPF_CORE_READ(file, f_inode, i_rdev);
		sk = sock_of(file);
		if (!sk)
			continue;
		r->stdio_family[fd] = BPF_CORE_READ(sk, __sk_common.skc_family);
		r->stdio_protocol[fd] = BPF_CORE_READ(sk, sk_protocol);
	}
}

static __always_inline __u32 append_filename(struct scratch *s, const char *name, __u16 *flags)
{
	char *at = scratch_end(s, flags);
	long n = at ? bpf_probe_read_kernel_str(at, MAX_PATH, name) : 0;

	if (n <= 0)
		return 0;
	s->used += n;
	return n;
}

/* The arguments as they lie in the new image, whose pages were just written. */
static __always_inline __u32 append_args(struct scratch *s, struct ato_exec *r,
					 struct task_struct *task, __u16 *flags)
{
	__u64 start = BPF_CORE_READ(task, mm, arg_start), size;
	char *at = scratch_end(s, flags);

	size = r->args = BPF_CORE_READ(task, mm, arg_end) - start;
	if (size > ARGS_MAX) {
		size = ARGS_MAX;
		*flags |= ATO_F_TRUNCATED;
	}
	asm volatile("" : "+r"(size));
	if (!at || size > ARGS_MAX)
		return 0;
	if (bpf_probe_read_user(at, size, (void *)start)) {
		*flags |= ATO_F_UNREAD;
		return 0;
	}
	s->used += size;
	return size;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(ato_sched_process_exec, struct task_struct *task, int old_pid,
	     struct linux_binprm *bprm)
{
	struct scratch *s;
	struct pending *p;
	struct file *file;
	struct ato_exec *r;
	__u32 zero = 0;
	__u16 flags = 0;
	__u64 size;

	if (!in_scope())
		return 0;
	count_produced(ATO_CRITICAL);
	s = bpf_map_lookup_elem(&exec_scratch, &zero);
	if (!s) {
		count_lost(ATO_CRITICAL);
		return 0;
	}
	r = (void *)s->rec;
	s->used = sizeof(*r);
	file = BPF_CORE_READ(bprm, file);
	r->ino = BPF_CORE_READ(file, f_inode, i_ino);
	r->dev = BPF_CORE_READ(file, f_inode, i_sb, s_dev);
	r->nlink = BPF_CORE_READ(file, f_inode, i_nlink);
	r->ppid = BPF_CORE_READ(task, real_parent, tgid);
	r->uid = bpf_get_current_uid_gid();
	r->inner = inner_pid(task);
	p = bpf_task_storage_get(&pending, task, 0, 0);
	r->nr = p ? p->nr : __NR_execve;
	r->pad = 0;
	r->pad2 = 0;
	fill_stdio(r);
	r->len[0] = append_filename(s, BPF_CORE_READ(bprm, filename), &flags);
	r->len[1] = walk_file(s, file, &flags);
	r->len[2] = append_args(s, r, task, &flags);
	count_flags(ATO_CRITICAL, flags);
	fill_header(&r->h, ATO_EXEC, flags);
	size = s->used;
	asm volatile("" : "+r"(size));
	if (size > sizeof(s->rec) || bpf_ringbuf_output(&critical, r, size, SUBMIT))
		count_lost(ATO_CRITICAL);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(ato_sched_process_exit, struct task_struct *task)
{
	struct signal_struct *signal = BPF_CORE_READ(task, signal);
	struct ato_exit *r;
	int group;

	tls_thread_ends();
	/* The end of a process is the end of its last thread, whichever that is. */
	if (BPF_CORE_READ(signal, live.counter) != 0 || !in_scope())
		return 0;
	r = reserve_critical(struct ato_exit);
	if (!r)
		return 0;
	group = BPF_CORE_READ(signal, group_exit_code);
	r->code = group ? group : task->exit_code;
	r->pad = 0;
	fill_header(&r->h, ATO_EXIT, 0);
	bpf_ringbuf_submit(r, SUBMIT);
	return 0;
}

#endif
