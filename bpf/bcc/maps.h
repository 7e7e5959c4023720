/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, the scope test, the counts, and what is common to all records. */
#ifndef ATO_BCC_MAPS_H
#define ATO_BCC_MAPS_H

#include "abi.h"
#include <asm/ptrace.h>
#include <asm/unistd.h>
#include <linux/errno.h>

#define ENTRY_TEXT 256 /* bytes of a path, or of an address, that are read at entry */
#define MAX_PATH 4096
#define SUBMIT BPF_RB_NO_WAKEUP /* the reader drains by time */

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

static __always_inline void count_produced(int class)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c)
		c->produced[class]++;
}

static __always_inline void count_lost(int class)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c)
		c->lost[class]++;
}

/* An event of which not even a record could be begun. */
static __always_inline void count_missed(int class)
{
	count_produced(class);
	count_lost(class);
}

static __always_inline void count_flags(int class, __u16 flags)
{
	int zero = 0;
	struct ato_counts *c = counts.lookup(&zero);

	if (c && (flags & ATO_F_UNREAD))
		c->unread[class]++;
	if (c && (flags & ATO_F_TRUNCATED))
		c->truncated[class]++;
}

/* Bytes of a text of the program's with its NUL; up to 6.12 an empty one is told as 0. */
static __always_inline long read_text(char *text, __u32 size, const void *at)
{
	long n = bpf_probe_read_user_str(text, size, at);

	return n == 0 ? 1 : n;
}

static __always_inline void fill_header(struct ato_header *h, __u16 kind, __u16 flags)
{
	__u64 id = bpf_get_current_pid_tgid();

	h->ts = bpf_ktime_get_ns();
	h->tgid = id >> 32;
	h->tid = id;
	h->kind = kind;
	h->flags = flags;
	h->pad = 0;
}

#endif
