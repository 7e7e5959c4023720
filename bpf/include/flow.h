/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a map of flows holds: the ABI between the programs that count (xdp_flows.bpf.c for services,
 * wire.h for audits) and whoever reads, of the pinned /sys/fs/bpf/flow_map also readers that are not
 * ours. Plain C with fixed-width types; pytest_ato/capture/abi.py is its Python twin, and a test
 * compares the two.
 */
#ifndef ATO_FLOW_H
#define ATO_FLOW_H

#include <linux/types.h>

/* Directions, as seen from what lies behind the interface. */
#define FLOW_OUT 0 /* what enters the interface: sent by the other end of a veth */
#define FLOW_IN 1 /* what leaves through it */
#define FLOW_DIRECTIONS 2

/* One flow of one interface: both directions of it, named by the tuple of its outgoing packets. */
struct flow_key {
	__u8 saddr[16]; /* IPv4: the first four bytes, the rest is 0 */
	__u8 daddr[16];
	__u16 sport; /* host order; 0 where the protocol or a later fragment has none */
	__u16 dport; /* ICMP: type and code as in IPFIX 32 and 139; an echo's answer is the echo's */
	__u16 vlan; /* identifier of the outer tag, 0: none */
	__u16 inner_vlan;
	__u8 family; /* AF_INET or AF_INET6 */
	__u8 protocol;
	__u16 pad;
	__u32 interface; /* its index, in its own network namespace */
};

struct flow_value {
	__u64 packets[FLOW_DIRECTIONS];
	__u64 bytes[FLOW_DIRECTIONS]; /* of whole frames */
	__u64 first; /* CLOCK_MONOTONIC at the last tick, ns; 0: never on this CPU */
	__u64 last;
	__u64 tick; /* the kernel's, at `last`: time is read once a tick, not once a packet */
	__u32 tcp_flags[FLOW_DIRECTIONS]; /* all that were ever set */
};

/* Counts of packets that made no flow, and of hints; per CPU, each by its place. */
enum flow_count {
	FLOW_COUNT_OTHER, /* neither IPv4 nor IPv6 */
	FLOW_COUNT_MALFORMED,
	FLOW_COUNT_FULL, /* of a new flow that the map had no room for */
	FLOW_COUNT_FULL_BYTES,
	FLOW_COUNT_SPIKES, /* told */
	FLOW_COUNT_SPIKES_UNTOLD, /* too soon after the last, or no room in the ring */
	FLOW_COUNTS,
};

/* A hint: one source sends more than it should. */
struct flow_spike {
	__u64 ts;
	__u8 saddr[16];
	__u32 packets; /* in the last window, estimated; on one CPU */
	__u8 family;
	__u8 direction;
	__u16 pad;
};

/* Settings, written before the program is loaded. */
struct flow_settings {
	__u64 spike_packets; /* a window's, on one CPU, above which a source is told; 0: never */
	__u64 spike_quiet; /* ns between two hints of one source */
};

/* A source's packets are counted with the first of each flow, then by so many of it at once. */
#define FLOW_STEP 16
#define FLOW_WINDOW_BITS 30 /* a window is 2^30 ns: 1.07 s, and a shift in place of a division */

#endif
