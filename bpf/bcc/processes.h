/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Processes: how they come and how they end. */
#ifndef ATO_BCC_PROCESSES_H
#define ATO_BCC_PROCESSES_H

#include "exec.h"

#define CLONE_THREAD 0x00010000
#define MAX_THREADS 65536

/* How a process or thread ends, noted before it does. */
enum how {
	BY_GROUP, /* exit_group: of the process */
	BY_THREAD, /* exit: of the thread */
	BY_SIGNAL, /* the last signal that was sent to it */
};

struct ending {
	__u32 pid;
	__u32 how;
};

BPF_HASH(threads, __u32, __u64, MAX_THREADS); /* living ones, of processes that have had two */
BPF_TABLE("lru_hash", struct ending, __u32, endings, 16384);

static __always_inline void forget_ending(__u32 pid, enum how how)
{
	struct ending e = { .pid = pid, .how = how };

	endings.delete(&e);
}

/* Only processes that have had a second thread are counted: most never have. */
static __always_inline int thread_started(__u32 tgid)
{
	__u64 *living = threads.lookup(&tgid), two = 2;

	if (living)
		lock_xadd(living, 1);
	else if (threads.update(&tgid, &two))
		count_missed(ATO_CRITICAL); /* the end of this process will not be told */
	return 0;
}

/*
 * Whether the thread that ends is its process's last. Two that end at once may both see 0, but
 * only one can take the entry away.
 */
static __always_inline bool is_last_thread(__u32 tgid)
{
	__u64 *living = threads.lookup(&tgid);

	if (!living)
		return true;
	lock_xadd(living, -1);
	return *living == 0 && threads.delete(&tgid) == 0;
}

/* sched_process_fork does not tell a process from a thread; this one has the flags. */
int ato_task_newtask(struct tracepoint__task__task_newtask *args)
{
	struct ato_fork *r;

	/* The sandbox's init is not ignored here: its child is the target's first process. */
	if (!in_cgroup())
		return 0;
	if (args->clone_flags & CLONE_THREAD)
		return thread_started(bpf_get_current_pid_tgid() >> 32);
	forget_ending(args->pid, BY_SIGNAL); /* sent to whoever had this number before */
	r = begin_critical(sizeof(*r));
	if (!r)
		return 0;
	r->child = args->pid;
	fill_header(&r->h, ATO_FORK, 0);
	critical.ringbuf_submit(r, SUBMIT);
	return 0;
}

static __always_inline void note_ending(__u32 pid, enum how how, __u32 code)
{
	struct ending e = { .pid = pid, .how = how };

	endings.update(&e, &code);
}

int ato_sys_enter_exit_group(struct tracepoint__syscalls__sys_enter_exit_group *args)
{
	if (in_scope())
		note_ending(bpf_get_current_pid_tgid() >> 32, BY_GROUP,
			    (args->error_code & 0xff) << 8);
	return 0;
}

int ato_sys_enter_exit(struct tracepoint__syscalls__sys_enter_exit *args)
{
	if (in_scope())
		note_ending(bpf_get_current_pid_tgid(), BY_THREAD, (args->error_code & 0xff) << 8);
	return 0;
}

/* Signals that end nothing unless a program wants it: CHLD, CONT, stops, URG, WINCH. */
#define HARMLESS (1 << 17 | 1 << 18 | 1 << 19 | 1 << 20 | 1 << 21 | 1 << 22 | 1 << 23 | 1 << 28)

/*
 * The signal that a process dies of is told where it is sent: at its delivery the kernel has
 * already made a SIGKILL of it. Senders are outside, too, so this one is not scoped.
 */
int ato_signal_generate(struct tracepoint__signal__signal_generate *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 pid = args->pid, sig = args->sig;

	if (!live_scope() || args->result || sig == 0 || sig > 64 ||
	    (sig < 32 && (HARMLESS & (1 << sig))))
		return 0;
	note_ending(pid == (__u32)id ? id >> 32 : pid, BY_SIGNAL, sig);
	return 0;
}

static __always_inline __u32 exit_code(__u32 tgid, __u32 tid)
{
	struct ending e = { .pid = tgid, .how = BY_GROUP };
	__u32 *code = endings.lookup(&e);

	if (!code) {
		e.pid = tid;
		e.how = BY_THREAD;
		code = endings.lookup(&e);
	}
	if (!code) {
		e.how = BY_SIGNAL;
		code = endings.lookup(&e);
	}
	if (!code) {
		e.pid = tgid;
		code = endings.lookup(&e);
	}
	return code ? *code : 0;
}

int ato_sched_process_exit(struct tracepoint__sched__sched_process_exit *args)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32, tid = id, code;
	struct ato_exit *r;

	if (!in_scope())
		return 0;
	calls.delete(&id);
	exec_calls.delete(&tid);
	images.delete(&tid);
	code = exit_code(tgid, tid);
	forget_ending(tid, BY_THREAD);
	if (!is_last_thread(tgid))
		return 0;
	forget_ending(tgid, BY_GROUP);
	forget_ending(tgid, BY_SIGNAL);
	r = begin_critical(sizeof(*r));
	if (!r)
		return 0;
	r->code = code;
	fill_header(&r->h, ATO_EXIT, 0);
	critical.ringbuf_submit(r, SUBMIT);
	return 0;
}

#endif
