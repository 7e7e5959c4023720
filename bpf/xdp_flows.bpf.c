// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Accounting of flows at an interface, for services that run on: XDP sees what enters, its twin on
 * tc what leaves. The map is pinned, so that a dispatcher of another process reads it while packets
 * go on. No packet is ever held, changed or dropped.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"

#define NULL ((void *)0)

typedef _Bool bool;

#define AF_INET 2
#define AF_INET6 10
#define ETH_P_QINQ1 0x9100 /* QinQ of old switches */
#define VLAN_MASK 0x0fff
#define IP_OFFSET 0x1fff
#define IP6_OFFSET 0xfff8
#define EXTENSIONS 8 /* headers that are followed; a longer chain is malformed */
#define SCTP 132
#define HEADERS 256 /* bytes of a packet that may hold headers we look at */

enum verdict { FLOW, OTHER, MALFORMED };

struct vlan {
	__be16 tci;
	__be16 next;
};

struct extension {
	__u8 next;
	__u8 length;
	__be16 offset; /* of a fragment header */
};

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
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} flow_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} flow_spikes SEC(".maps");

/* What a packet says of its flow, as it lies in the packet. */
struct packet {
	struct flow_key key;
	__u32 tcp_flags;
};

static __always_inline void count(__u32 which, __u64 amount)
{
	__u64 *value = bpf_map_lookup_elem(&flow_counts, &which);

	if (value)
		*value += amount;
}

static __always_inline void parse_ports(struct packet *packet, void *at, void *end)
{
	__u8 protocol = packet->key.protocol;
	__be16 *ports = at;
	__u8 *bytes = at;

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP && protocol != SCTP)
		return;
	if ((void *)(ports + 2) > end)
		return;
	packet->key.sport = bpf_ntohs(ports[0]);
	packet->key.dport = bpf_ntohs(ports[1]);
	if (protocol == IPPROTO_TCP && (void *)(bytes + 14) <= end)
		packet->tcp_flags = bytes[13];
}

static __always_inline enum verdict parse_ipv4(struct packet *packet, void *at, void *end)
{
	struct iphdr *ip = at;
	__u32 length;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return MALFORMED;
	length = ip->ihl * 4;
	if (at + length > end || bpf_ntohs(ip->tot_len) < length)
		return MALFORMED;
	packet->key.family = AF_INET;
	packet->key.protocol = ip->protocol;
	__builtin_memcpy(packet->key.saddr, &ip->saddr, 4);
	__builtin_memcpy(packet->key.daddr, &ip->daddr, 4);
	if (!(ip->frag_off & bpf_htons(IP_OFFSET))) /* a later fragment has no ports */
		parse_ports(packet, at + length, end);
	return FLOW;
}

static __always_inline enum verdict parse_ipv6(struct packet *packet, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	struct extension *extension;
	__u8 next;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return MALFORMED;
	packet->key.family = AF_INET6;
	__builtin_memcpy(packet->key.saddr, &ip->saddr, 16);
	__builtin_memcpy(packet->key.daddr, &ip->daddr, 16);
	next = ip->nexthdr;
	at = ip + 1;
	for (int i = 0; i < EXTENSIONS; i++) {
		packet->key.protocol = next;
		switch (next) {
		case IPPROTO_HOPOPTS:
		case IPPROTO_ROUTING:
		case IPPROTO_DSTOPTS:
		case IPPROTO_FRAGMENT:
		case IPPROTO_AH:
			break;
		default:
			parse_ports(packet, at, end);
			return FLOW;
		}
		extension = at;
		if (at + 8 > end)
			return MALFORMED;
		if (next == IPPROTO_FRAGMENT) {
			packet->key.protocol = extension->next;
			if (extension->offset & bpf_htons(IP6_OFFSET))
				return FLOW;
			at += 8;
		} else if (next == IPPROTO_AH) {
			at += ((__u32)extension->length + 2) * 4;
		} else {
			at += ((__u32)extension->length + 1) * 8;
		}
		next = extension->next;
	}
	return MALFORMED;
}

static __always_inline bool is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD) ||
	       type == bpf_htons(ETH_P_QINQ1);
}

static __always_inline enum verdict parse(struct packet *packet, void *at, void *end)
{
	struct ethhdr *ethernet = at;
	struct vlan *tag;
	__be16 type;

	if ((void *)(ethernet + 1) > end)
		return MALFORMED;
	type = ethernet->h_proto;
	at = ethernet + 1;
	for (int i = 0; i < 2 && is_tag(type); i++) {
		tag = at;
		if ((void *)(tag + 1) > end)
			return MALFORMED;
		if (packet->key.vlan || i) /* the driver may have taken the outer one off */
			packet->key.inner_vlan = bpf_ntohs(tag->tci) & VLAN_MASK;
		else
			packet->key.vlan = bpf_ntohs(tag->tci) & VLAN_MASK;
		type = tag->next;
		at = tag + 1;
	}
	if (type == bpf_htons(ETH_P_IP))
		return parse_ipv4(packet, at, end);
	if (type == bpf_htons(ETH_P_IPV6))
		return parse_ipv6(packet, at, end);
	return OTHER;
}

/* Name the flow by its outgoing packets. */
static __always_inline void turn(struct flow_key *key)
{
	__u8 address[16];
	__u16 port = key->sport;

	__builtin_memcpy(address, key->saddr, 16);
	__builtin_memcpy(key->saddr, key->daddr, 16);
	__builtin_memcpy(key->daddr, address, 16);
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

static __always_inline void stamp(struct flow_value *value, __u64 tick)
{
	value->tick = tick;
	value->last = bpf_ktime_get_coarse_ns();
	if (!value->first) /* another CPU made the entry */
		value->first = value->last;
}

/* The first packet of a flow. */
static __always_inline void begin(struct packet *packet, __u64 bytes, __u32 packets,
				  __u32 direction, __u64 tick)
{
	struct flow_value first = {};

	first.packets[direction] = packets;
	first.bytes[direction] = bytes;
	first.tcp_flags[direction] = packet->tcp_flags;
	stamp(&first, tick);
	if (bpf_map_update_elem(&flow_map, &packet->key, &first, BPF_ANY)) {
		count(FLOW_COUNT_FULL, packets);
		count(FLOW_COUNT_FULL_BYTES, bytes);
	}
	watch_source(&packet->key, first.last, packets, direction);
}

static __always_inline void account(struct packet *packet, __u64 bytes, __u32 packets,
				    __u32 direction)
{
	__u64 tick = bpf_jiffies64(), before, after;
	struct flow_value *value;

	if (direction == FLOW_IN)
		turn(&packet->key);
	value = bpf_map_lookup_elem(&flow_map, &packet->key);
	if (!value) {
		begin(packet, bytes, packets, direction, tick);
		return;
	}
	before = value->packets[direction];
	after = before + packets;
	value->packets[direction] = after;
	value->bytes[direction] += bytes;
	value->tcp_flags[direction] |= packet->tcp_flags;
	if (value->tick != tick)
		stamp(value, tick);
	if (before / FLOW_STEP != after / FLOW_STEP)
		watch_source(&packet->key, value->last, after - before + FLOW_STEP - 1, direction);
}

static __always_inline void see(struct packet *packet, void *at, void *end, __u64 bytes,
				__u32 packets, __u32 direction)
{
	switch (parse(packet, at, end)) {
	case FLOW:
		account(packet, bytes, packets, direction);
		break;
	case OTHER:
		count(FLOW_COUNT_OTHER, packets);
		break;
	case MALFORMED:
		count(FLOW_COUNT_MALFORMED, packets);
		break;
	}
}

SEC("xdp")
int netflow_filter(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct packet packet = {};

	see(&packet, data, end, end - data, 1, FLOW_OUT);
	return XDP_PASS;
}

SEC("tc")
int netflow_twin(struct __sk_buff *ctx)
{
	__u32 packets = ctx->gso_segs ? ctx->gso_segs : 1;
	struct packet packet = {};

	if (ctx->data_end - ctx->data < HEADERS && ctx->data_end - ctx->data < ctx->len)
		bpf_skb_pull_data(ctx, ctx->len < HEADERS ? ctx->len : HEADERS);
	if (ctx->vlan_present)
		packet.key.vlan = ctx->vlan_tci & VLAN_MASK;
	see(&packet, (void *)(long)ctx->data, (void *)(long)ctx->data_end, ctx->len, packets,
	    FLOW_IN);
	return TC_ACT_UNSPEC; /* whatever comes after us decides */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
