/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What one packet adds to the flow that it belongs to, on the CPU that sees it. */
#ifndef ATO_ACCOUNTING_H
#define ATO_ACCOUNTING_H

#include "packet.h"

static __always_inline void stamp(struct flow_value *value)
{
	__u64 tick = bpf_jiffies64();

	if (value->tick == tick)
		return;
	value->tick = tick;
	value->last = bpf_ktime_get_coarse_ns();
	if (!value->first) /* another CPU made the entry */
		value->first = value->last;
}

static __always_inline void add(struct flow_value *value, const struct packet *packet, __u64 bytes,
				__u32 packets, __u32 direction)
{
	value->packets[direction] += packets;
	value->bytes[direction] += bytes;
	value->tcp_flags[direction] |= packet->tcp_flags;
	stamp(value);
}

#endif
