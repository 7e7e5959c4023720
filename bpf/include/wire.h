/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the wire saw: every flow that left the target, at the gateway's end of its link (XDP). */
#ifndef ATO_WIRE_H
#define ATO_WIRE_H

#include "maps.h"
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#define IP_OFFSET 0x1fff

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, struct ato_flow_key);
	__type(value, struct ato_flow);
} flows SEC(".maps");

/* TCP, UDP and SCTP all start with the two ports. */
static __always_inline void fill_ports(struct ato_flow_key *key, void *at, void *end)
{
	__be16 *ports = at;

	if (key->protocol != IPPROTO_TCP && key->protocol != IPPROTO_UDP &&
	    key->protocol != IPPROTO_SCTP)
		return;
	if ((void *)(ports + 2) > end)
		return;
	key->sport = bpf_ntohs(ports[0]);
	key->dport = bpf_ntohs(ports[1]);
}

static __always_inline bool parse_ipv4(struct ato_flow_key *key, void *at, void *end)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return false;
	key->family = AF_INET;
	key->protocol = ip->protocol;
	__builtin_memcpy(key->saddr, &ip->saddr, 4);
	__builtin_memcpy(key->daddr, &ip->daddr, 4);
	if (!(ip->frag_off & bpf_htons(IP_OFFSET))) /* a later fragment has no ports */
		fill_ports(key, at + ip->ihl * 4, end);
	return true;
}

static __always_inline bool parse_ipv6(struct ato_flow_key *key, void *at, void *end)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end)
		return false;
	key->family = AF_INET6;
	key->protocol = ip->nexthdr; /* an extension header is told as itself */
	__builtin_memcpy(key->saddr, &ip->saddr, 16);
	__builtin_memcpy(key->daddr, &ip->daddr, 16);
	fill_ports(key, ip + 1, end);
	return true;
}

static __always_inline void count_flow(const struct ato_flow_key *key, __u64 bytes)
{
	struct ato_flow first = { .packets = 1, .bytes = bytes };
	struct ato_flow *flow = bpf_map_lookup_elem(&flows, key);

	if (flow) {
		__sync_fetch_and_add(&flow->packets, 1);
		__sync_fetch_and_add(&flow->bytes, bytes);
	} else if (bpf_map_update_elem(&flows, key, &first, BPF_NOEXIST)) {
		count_produced(ATO_BULK);
		count_lost(ATO_BULK);
	}
}

SEC("xdp")
int ato_wire(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *ethernet = data;
	struct ato_flow_key key = {};
	bool known = false;

	if ((void *)(ethernet + 1) > end)
		return XDP_PASS;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		known = parse_ipv4(&key, ethernet + 1, end);
	else if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
		known = parse_ipv6(&key, ethernet + 1, end);
	if (known)
		count_flow(&key, end - data);
	return XDP_PASS;
}

#endif
