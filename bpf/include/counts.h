/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The counts and the header of a record, alike for both loaders. Whoever includes this has defined
 * count(), which gives this CPU's counts or NULL.
 */
#ifndef ATO_COUNTS_H
#define ATO_COUNTS_H

#include "abi.h"

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

#endif
