/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, the scope test, the counts, and how a record gets into its ring. */
#ifndef ATO_MAPS_H
#define ATO_MAPS_H

#include "kernel.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "abi.h"

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

/* The sizes are set by the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20);
} critical SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} bulk SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ato_scope);
} scope SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ato_counts);
} counts SEC(".maps");

static __always_inline struct ato_scope *live_scope(void)
{
	__u32 zero = 0;
	struct ato_scope *s = bpf_map_lookup_elem(&scope, &zero);

	return s && s->active ? s : NULL;
}

/*
 * Whether the current task belongs to the audit. Membership of a cgroup is inherited at fork and
 * kept until exit, so threads, daemons and kernel workers on the audit's behalf are included and
 * no table has to be filled.
 */
static __always_inline bool in_scope(void)
{
	struct ato_scope *s = live_scope();
	__u32 tgid;

	if (!s || bpf_get_current_ancestor_cgroup_id(s->level) != s->cgroup)
		return false;
	tgid = bpf_get_current_pid_tgid() >> 32;
	return tgid != s->ignore[0] && tgid != s->ignore[1];
}

static __always_inline struct ato_counts *count(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&counts, &zero);
}

static __always_inline void count_produced(__u32 class)
{
	struct ato_counts *c = count();

	if (c)
		c->produced[class]++;
}

static __always_inline void count_lost(__u32 class)
{
	struct ato_counts *c = count();

	if (c)
		c->lost[class]++;
}

static __always_inline void count_flags(__u32 class, __u16 flags)
{
	struct ato_counts *c;

	if (!(flags & (ATO_F_UNREAD | ATO_F_TRUNCATED)))
		return;
	c = count();
	if (!c)
		return;
	if (flags & ATO_F_UNREAD)
		c->unread[class]++;
	if (flags & ATO_F_TRUNCATED)
		c->truncated[class]++;
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

/*
 * The reader drains by time, so no record wakes it: a wake-up per record doubles the cost of a
 * traced call.
 */
#define SUBMIT BPF_RB_NO_WAKEUP

/* A fixed record of the critical ring, or NULL with the loss counted. */
#define reserve_critical(type)                                                                     \
	({                                                                                         \
		type *__r;                                                                         \
		count_produced(ATO_CRITICAL);                                                      \
		__r = bpf_ringbuf_reserve(&critical, sizeof(type), 0);                             \
		if (!__r)                                                                          \
			count_lost(ATO_CRITICAL);                                                  \
		__r;                                                                               \
	})

#endif
