// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Accounting of flows at an interface, for services that run on: XDP sees what enters, its twin on
 * tc what leaves. The map is pinned, so that a dispatcher of another process reads it while packets
 * go on. No packet is ever held, changed or dropped.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include "accounting.h"

#define NULL ((void *)0)

#define HEADERS 256 /* bytes of a packet that may hold headers we look at */

struct guard {
	__u64 window;
	__u32 before; /* packets of the window before */
	__u32 now;
	__u64 told;
};

const volatile struct flow_settings settings;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u8[16]);
	__type(value, struct guard);
} spike_guard SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOW_COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} flow_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} flow_spikes SEC(".maps");

static __always_inline void count(__u32 which, __u64 amount)
{
	__u64 *value = bpf_map_lookup_elem(&flow_counts, &which);

	if (value)
		*value += amount;
}

/* Name the flow by its outgoing packets. */
static __always_inline void turn(struct flow_key *key)
{
	__u8 address[16];
	__u16 port = key->sport;

	__builtin_memcpy(address, key->saddr, 16);
	__builtin_memcpy(key->saddr, key->daddr, 16);
	__builtin_memcpy(key->daddr, address, 16);
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6)
		return; /* a kind, which is nobody's port */
	key->sport = key->dport;
	key->dport = port;
}

static __always_inline void tell(struct guard *guard, const struct flow_key *key, __u64 now,
				 __u32 packets, __u32 direction)
{
	struct flow_spike *spike = NULL;

	if (!guard->told || now - guard->told >= settings.spike_quiet)
		spike = bpf_ringbuf_reserve(&flow_spikes, sizeof(*spike), 0);
	if (!spike) {
		count(FLOW_COUNT_SPIKES_UNTOLD, 1);
		return;
	}
	guard->told = now;
	spike->ts = now;
	__builtin_memcpy(spike->saddr, direction == FLOW_OUT ? key->saddr : key->daddr, 16);
	spike->packets = packets;
	spike->family = key->family;
	spike->direction = direction;
	spike->pad = 0;
	bpf_ringbuf_submit(spike, 0);
	count(FLOW_COUNT_SPIKES, 1);
}

/* The packets of the last window, sliding: of the one before, the part that is still in it. */
static __always_inline void watch_source(const struct flow_key *key, __u64 now, __u32 packets,
					 __u32 direction)
{
	const __u8 *source = direction == FLOW_OUT ? key->saddr : key->daddr;
	__u64 window = now >> FLOW_WINDOW_BITS;
	__u32 passed = (now >> (FLOW_WINDOW_BITS - 10)) & 1023;
	struct guard *guard, first = { .window = window, .now = packets };
	__u64 estimate;

	if (!settings.spike_packets)
		return;
	guard = bpf_map_lookup_elem(&spike_guard, source);
	if (!guard) {
		bpf_map_update_elem(&spike_guard, source, &first, BPF_NOEXIST);
		return;
	}
	if (guard->window != window) {
		guard->before = guard->window + 1 == window ? guard->now : 0;
		guard->now = 0;
		guard->window = window;
	}
	guard->now += packets;
	estimate = guard->now + (((__u64)guard->before * (1024 - passed)) >> 10);
	if (estimate > settings.spike_packets)
		tell(guard, key, now, estimate, direction);
}

/* The first packet of a flow. */
static __always_inline void begin(struct packet *packet, __u64 bytes, __u32 packets,
				  __u32 direction)
{
	struct flow_value first = {};

	add(&first, packet, bytes, packets, direction);
	if (bpf_map_update_elem(&flow_map, &packet->key, &first, BPF_ANY)) {
		count(FLOW_COUNT_FULL, packets);
		count(FLOW_COUNT_FULL_BYTES, bytes);
	}
	watch_source(&packet->key, first.last, packets, direction);
}

static __always_inline void account(struct packet *packet, __u64 bytes, __u32 packets,
				    __u32 direction)
{
	struct flow_value *value;
	__u64 before, steps;

	if (direction == FLOW_IN)
		turn(&packet->key);
	value = bpf_map_lookup_elem(&flow_map, &packet->key);
	if (!value) {
		begin(packet, bytes, packets, direction);
		return;
	}
	before = value->packets[direction];
	add(value, packet, bytes, packets, direction);
	steps = (before + packets) / FLOW_STEP - before / FLOW_STEP;
	if (steps)
		watch_source(&packet->key, value->last, steps * FLOW_STEP, direction);
}

static __always_inline void see(struct packet *packet, void *at, void *end, __u64 bytes,
				__u32 packets, __u32 direction)
{
	switch (parse(packet, at, end)) {
	case PARSED_FLOW:
		account(packet, bytes, packets, direction);
		break;
	case PARSED_OTHER:
		count(FLOW_COUNT_OTHER, packets);
		break;
	case PARSED_MALFORMED:
		count(FLOW_COUNT_MALFORMED, packets);
		break;
	}
}

SEC("xdp")
int netflow_filter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet packet = { .key.interface = ctx->ingress_ifindex };

	see(&packet, data, end, end - data, 1, FLOW_OUT);
	return XDP_PASS;
}

SEC("tc")
int netflow_twin(struct __sk_buff *ctx)
{
	__u32 packets = ctx->gso_segs ? ctx->gso_segs : 1;
	struct packet packet = { .key.interface = ctx->ifindex };

	if (ctx->data_end - ctx->data < HEADERS && ctx->data_end - ctx->data < ctx->len)
		bpf_skb_pull_data(ctx, ctx->len < HEADERS ? ctx->len : HEADERS);
	if (ctx->vlan_present)
		packet.key.vlan = ctx->vlan_tci & VLAN_MASK;
	see(&packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx->len, packets,
	    FLOW_IN);
	return TC_ACT_UNSPEC; /* whatever comes after us decides */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
