// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The kernel side of an audit, one object, of which two groups of programs are loaded at once: for
 * those on tracepoints libbpf reads all of the kernel's types, and that takes as long as verifying
 * the others. This file has the two system call programs, which switch on the number: the first
 * probe of any kind on system calls taxes every process of the machine, a second one would tax it
 * again.
 */
#include "doors.h"
#include "files.h"
#include "processes.h"
#include "sockets.h"
#include "tls.h"
#include "wire.h"

static __always_inline struct pending *pending_of(__u64 flags)
{
	return bpf_task_storage_get(&pending, bpf_get_current_task_btf(), 0, flags);
}

static __always_inline int compat_enter(long nr)
{
	struct pending *p;

	if (!in_scope())
		return 0;
	p = pending_of(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!p || p->compat)
		return 0;
	p->compat = 1;
	return submit_compat(nr);
}

/* Keep what a call was given, until its exit. */
static __always_inline void enter(struct pending *p, struct pt_regs *regs, __u32 class, long nr)
{
	p->class = class;
	p->nr = nr;
	p->value = 0;
	p->arg = 0;
	p->ptr = p->ptr2 = 0;
	p->len = p->len2 = 0;
	switch (class) {
	case CALL_OPEN:
	case CALL_PATH:
	case CALL_MEMFD:
		path_enter(p, regs);
		break;
	case CALL_FCHMOD:
		p->dfd = ARG1(regs);
		p->arg = ARG2(regs);
		break;
	case CALL_MAP:
		map_enter(p, regs);
		break;
	case CALL_SENDMSG:
		tell_rights((void *)ARG2(regs));
		addr_enter(p, regs);
		break;
	case CALL_ADDR:
	case CALL_SENDTO:
	case CALL_SENDMMSG:
		addr_enter(p, regs);
		break;
	case CALL_DOOR:
		door_enter(p, regs);
		break;
	}
}

SEC("tp_btf/sys_enter")
int BPF_PROG(ato_sys_enter, struct pt_regs *regs, long nr)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pending *p;
	__u32 class;

	if (OTHER_ABI(task->thread_info, nr))
		return compat_enter(nr);
	if (nr < 0 || nr >= CALLS)
		return 0;
	class = class_of[nr];
	if (class == CALL_NONE || !in_scope())
		return 0;
	if (class == CALL_IO || class == CALL_SENDTO || class == CALL_SENDMSG)
		tls_socket(regs, ARG1(regs), SENDS(nr));
	if (class == CALL_IO)
		return 0;
	p = pending_of(BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (p) {
		enter(p, regs, class, nr);
	} else {
		count_produced(ATO_BULK);
		count_lost(ATO_BULK);
	}
	return 0;
}

static __always_inline int leave(struct pending *p, long ret)
{
	switch (p->class) {
	case CALL_OPEN:
		return open_exit(p, ret);
	case CALL_PATH:
		return submit_long(p, ret, NULL, ATO_PATH);
	case CALL_MEMFD:
		return submit_long(p, ret, NULL, ATO_MEMFD);
	case CALL_FCHMOD:
		return submit_long(p, ret, file_of(p->dfd), ATO_PATH);
	case CALL_MAP:
		return submit_long(p, ret, file_of(p->dfd), ATO_MAP);
	case CALL_ADDR:
	case CALL_SENDTO:
	case CALL_SENDMSG:
		return addr_exit(p, ret);
	case CALL_SENDMMSG:
		return sendmmsg_exit(p, ret);
	case CALL_DOOR:
		return door_exit(p, ret);
	}
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(ato_sys_exit, struct pt_regs *regs, long ret)
{
	unsigned long nr = CALL_NUMBER(regs);
	struct pending *p;

	if (nr >= CALLS || class_of[nr] == CALL_NONE || class_of[nr] == CALL_IO)
		return 0;
	if (!live_scope())
		return 0;
	p = pending_of(nr == __NR_socket && in_scope() ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (!p)
		return 0;
	if (p->nr != nr && nr == __NR_socket) /* the sandbox's filter refused it before its entry */
		enter(p, regs, CALL_DOOR, nr);
	if (p->nr == nr)
		leave(p, ret);
	p->nr = NO_CALL;
	p->class = CALL_NONE;
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
