/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, the scope test, and what is common to all records. */
#ifndef ATO_BCC_MAPS_H
#define ATO_BCC_MAPS_H

#include "abi.h"
#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <linux/errno.h>

#define ENTRY_TEXT 256 /* bytes of a path, or of an address, that are read at entry */
#define MAX_PATH 4096

/* A system call between its entry and its exit. */
struct call {
	__u64 ptr; /* of the path, address or messages */
	__u64 value; /* flags; bytes to send */
	__s32 fd;
	__u32 arg;
	__u32 nr;
	__u32 len; /* bytes of text that were read, 0: none; of an address: its length */
	__u32 read; /* an address was read */
	__u32 pad;
	char text[ENTRY_TEXT];
};

BPF_RINGBUF_OUTPUT(critical, CRITICAL_PAGES);
BPF_RINGBUF_OUTPUT(bulk, BULK_PAGES);
BPF_RINGBUF_OUTPUT(plain, PLAIN_PAGES);
BPF_ARRAY(scope, struct ato_scope, 1);
BPF_PERCPU_ARRAY(counts, struct ato_counts, 1);
BPF_HASH(calls, __u64, struct call, 16384);

static __always_inline struct ato_scope *live_scope(void)
{
	int zero = 0;
	struct ato_scope *s = scope.lookup(&zero);

	return s && s->active ? s : NULL;
}

/* Whether the current task is in the audit's cgroup, which is inherited and kept until exit. */
static __always_inline bool in_cgroup(void)
{
	struct ato_scope *s = live_scope();

	return s && bpf_get_current_ancestor_cgroup_id(s->level) == s->cgroup;
}

static __always_inline bool in_scope(void)
{
	struct ato_scope *s = live_scope();
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	return s && in_cgroup() && tgid != s->ignore[0] && tgid != s->ignore[1];
}

static __always_inline struct ato_counts *count(void)
{
	int zero = 0;

	return counts.lookup(&zero);
}

#include "counts.h"

/* An event of which not even a record could be begun. */
static __always_inline void count_missed(int class)
{
	count_produced(class);
	count_lost(class);
}

/* A critical record of zeros, to be filled and submitted; NULL: the ring is full, which is counted. */
static __always_inline void *begin_critical(__u64 size)
{
	void *record;

	count_produced(ATO_CRITICAL);
	record = critical.ringbuf_reserve(size);
	if (record)
		__builtin_memset(record, 0, size);
	else
		count_lost(ATO_CRITICAL);
	return record;
}

/* Bytes of a text of the program's with its NUL; up to 6.12 an empty one is told as 0. */
static __always_inline long read_text(char *text, __u32 size, const void *at)
{
	long n = bpf_probe_read_user_str(text, size, at);

	return n == 0 ? 1 : n;
}

#endif
