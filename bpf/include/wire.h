/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the wire saw: every flow that left the target, at the gateway's end of its link (XDP). */
#ifndef ATO_WIRE_H
#define ATO_WIRE_H

#include "maps.h"
#include "accounting.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} wire_packet SEC(".maps");

static __always_inline void count_flow(const struct packet *packet, __u64 bytes)
{
	struct flow_value *flow = bpf_map_lookup_elem(&flows, &packet->key), first = {};

	if (flow) {
		add(flow, packet, bytes, 1, FLOW_OUT);
		return;
	}
	add(&first, packet, bytes, 1, FLOW_OUT);
	if (bpf_map_update_elem(&flows, &packet->key, &first, BPF_ANY)) {
		count_produced(ATO_BULK);
		count_lost(ATO_BULK);
	}
}

SEC("xdp")
int ato_wire(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet *packet;
	__u32 zero = 0;

	packet = bpf_map_lookup_elem(&wire_packet, &zero);
	if (!packet)
		return XDP_PASS;
	__builtin_memset(packet, 0, sizeof(*packet));
	packet->key.interface = ctx->ingress_ifindex;
	if (parse(packet, data, end) == PARSED_FLOW)
		count_flow(packet, end - data);
	return XDP_PASS;
}

#endif
