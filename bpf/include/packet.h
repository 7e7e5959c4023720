/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the bytes of a frame to the flow that it belongs to. Packets are hostile: whatever is cut
 * short or contradicts itself is malformed, and is counted rather than guessed at.
 */
#ifndef ATO_PACKET_H
#define ATO_PACKET_H

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "flow.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif
#define ETH_P_QINQ1 0x9100 /* QinQ of old switches */
#define VLAN_MASK 0x0fff
#define IP_OFFSET 0x1fff
#define IP6_OFFSET 0xfff8
#define EXTENSIONS 6 /* as many of those we follow may be in a packet (RFC 8200, 4.1) */

enum parsed { PARSED_FLOW, PARSED_OTHER, PARSED_MALFORMED };

struct vlan {
	__be16 tci;
	__be16 next;
};

struct extension {
	__u8 next;
	__u8 length;
	__be16 offset; /* of a fragment header */
};

/*
 * What a packet says of its flow, as it lies in the packet. Where this is in a map and not on the
 * stack, the verifier forgets what was written to it, and so which way through the headers led
 * there: it has one state to follow from there on instead of hundreds.
 */
struct packet {
	struct flow_key key;
	__u32 tcp_flags;
	volatile __u32 length; /* of the extension header that is skipped */
};

/* Type and code; the answer to an echo has those of its question, so that both are one flow. */
static __always_inline __u16 icmp_kind(const __u8 *icmp, __u8 echo, __u8 answer)
{
	return (icmp[0] == answer && !icmp[1] ? echo : icmp[0]) << 8 | icmp[1];
}

/* What has no room for its ports is a flow nevertheless: of its protocol, without ports. */
static __always_inline void parse_ports(struct packet *packet, void *at, void *end)
{
	__be16 *ports = at;
	__u8 *bytes = at;

	if (at + 4 > end)
		return;
	switch (packet->key.protocol) {
	case IPPROTO_TCP:
		if (at + 14 <= end)
			packet->tcp_flags = bytes[13];
		/* fall through */
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		packet->key.sport = bpf_ntohs(ports[0]);
		packet->key.dport = bpf_ntohs(ports[1]);
		break;
	case IPPROTO_ICMP:
		packet->key.dport = icmp_kind(bytes, 8, 0);
		break;
	case IPPROTO_ICMPV6:
		packet->key.dport = icmp_kind(bytes, 128, 129);
		break;
	}
}

static __always_inline enum parsed parse_ipv4(struct packet *packet, void *at, void *end)
{
	struct iphdr *ip = at;
	__u32 length;

	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5)
		return PARSED_MALFORMED;
	length = ip->ihl * 4;
	if (at + length > end || bpf_ntohs(ip->tot_len) < length)
		return PARSED_MALFORMED;
	packet->key.family = AF_INET;
	packet->key.protocol = ip->protocol;
	__builtin_memcpy(packet->key.saddr, &ip->saddr, 4);
	__builtin_memcpy(packet->key.daddr, &ip->daddr, 4);
	if (!(ip->frag_off & bpf_htons(IP_OFFSET))) /* a later fragment has no ports */
		parse_ports(packet, at + length, end);
	return PARSED_FLOW;
}

static __always_inline enum parsed parse_ipv6(struct packet *packet, void *at, void *end)
{
	struct ipv6hdr *ip = at;
	struct extension *extension;
	__u8 next;

	if ((void *)(ip + 1) > end || ip->version != 6)
		return PARSED_MALFORMED;
	packet->key.family = AF_INET6;
	__builtin_memcpy(packet->key.saddr, &ip->saddr, 16);
	__builtin_memcpy(packet->key.daddr, &ip->daddr, 16);
	next = ip->nexthdr;
	at = ip + 1;
	for (int i = 0; i <= EXTENSIONS; i++) {
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
			return PARSED_FLOW;
		}
		extension = at;
		if (at + 8 > end)
			return PARSED_MALFORMED;
		if (next == IPPROTO_FRAGMENT) {
			packet->key.protocol = extension->next;
			if (extension->offset & bpf_htons(IP6_OFFSET))
				return PARSED_FLOW;
			packet->length = 8;
		} else if (next == IPPROTO_AH) {
			packet->length = ((__u32)extension->length + 2) * 4;
		} else {
			packet->length = ((__u32)extension->length + 1) * 8;
		}
		next = extension->next;
		at += packet->length & 0xffc;
	}
	return PARSED_MALFORMED;
}

static __always_inline int is_tag(__be16 type)
{
	return type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD) ||
	       type == bpf_htons(ETH_P_QINQ1);
}

/* `packet` has its interface, the outer tag if the driver took it off, and is zero otherwise. */
static __always_inline enum parsed parse(struct packet *packet, void *at, void *end)
{
	struct ethhdr *ethernet = at;
	struct vlan *tag;
	__be16 type;

	if ((void *)(ethernet + 1) > end)
		return PARSED_MALFORMED;
	type = ethernet->h_proto;
	at = ethernet + 1;
	for (int i = 0; i < 2 && is_tag(type); i++) {
		tag = at;
		if ((void *)(tag + 1) > end)
			return PARSED_MALFORMED;
		if (packet->key.vlan || i)
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
	return PARSED_OTHER;
}

#endif
