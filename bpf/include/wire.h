/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the wire saw: every flow that left the target, at the gateway's end of its link (XDP). */
#ifndef ATO_WIRE_H
#define ATO_WIRE_H

#include "maps.h"
#include "accounting.h"

/* One value a flow, not one a CPU: to allocate those took longer than all programs' verification. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
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

/* Packets of one flow may come on two CPUs at once. */
static __always_inline void count_flow(const struct packet *packet, __u64 bytes)
{
	struct flow_value *flow = bpf_map_lookup_elem(&flows, &packet->key), none = {};

	if (!flow) { /* where the other CPU was first, that is refused and found */
		bpf_map_update_elem(&flows, &packet->key, &none, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(&flows, &packet->key);
	}
	if (!flow) {
		count_produced(ATO_BULK);
		count_lost(ATO_BULK);
		return;
	}
	__sync_fetch_and_add(&flow->packets[FLOW_OUT], 1);
	__sync_fetch_and_add(&flow->bytes[FLOW_OUT], bytes);
	__sync_fetch_and_or(&flow->tcp_flags[FLOW_OUT], packet->tcp_flags);
	stamp(flow);
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
