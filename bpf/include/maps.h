/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps, the scope test, and how a record gets into its ring. */
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

#include "counts.h"

/* A fixed record of the ring, or NULL with the loss counted. */
#define reserve(ring, class, type)                                                                 \
	({                                                                                         \
		type *__r;                                                                         \
		count_produced(class);                                                             \
		__r = bpf_ringbuf_reserve(&(ring), sizeof(type), 0);                               \
		if (!__r)                                                                          \
			count_lost(class);                                                         \
		__r;                                                                               \
	})
#define reserve_critical(type) reserve(critical, ATO_CRITICAL, type)
#define reserve_bulk(type) reserve(bulk, ATO_BULK, type)

#endif
