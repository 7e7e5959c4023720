"""Maps of flows as Python reads them: the twin of `bpf/include/flow.h`.

Owns the layouts, and the way from their bytes to named values. A test compiles the header and
compares every size and offset. Layouts are native: the reader runs on the machine whose kernel
writes them.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Final, NamedTuple

from pytest_ato.capture import addresses
from pytest_ato.capture.abi import Layout

OUT: Final = 0
IN: Final = 1
"""Directions, as seen from what lies behind the interface."""

ICMP: Final = ("icmp", "icmp6")
"""Protocols whose destination port is a kind."""

STEP: Final = 16
WINDOW_BITS: Final = 30

KEY_LAYOUT: Final = Layout(
    "flow_key",
    (
        ("saddr", "16s"),
        ("daddr", "16s"),
        ("sport", "H"),
        ("dport", "H"),
        ("vlan", "H"),
        ("inner_vlan", "H"),
        ("family", "B"),
        ("protocol", "B"),
        ("pad", "2x"),
        ("interface", "I"),
    ),
)
VALUE_LAYOUT: Final = Layout(
    "flow_value",
    (
        ("packets", "2Q"),
        ("bytes", "2Q"),
        ("first", "Q"),
        ("last", "Q"),
        ("tick", "Q"),
        ("tcp_flags", "2I"),
    ),
)
SPIKE_LAYOUT: Final = Layout(
    "flow_spike",
    (
        ("ts", "Q"),
        ("saddr", "16s"),
        ("packets", "I"),
        ("family", "B"),
        ("direction", "B"),
        ("pad", "2x"),
    ),
)
SETTINGS_LAYOUT: Final = Layout("flow_settings", (("spike_packets", "Q"), ("spike_quiet", "Q")))
LAYOUTS: Final = (KEY_LAYOUT, VALUE_LAYOUT, SPIKE_LAYOUT, SETTINGS_LAYOUT)

KEY: Final = KEY_LAYOUT.format
VALUE: Final = VALUE_LAYOUT.format
SPIKE: Final = SPIKE_LAYOUT.format


class FlowKey(NamedTuple):
    """Which flow: one interface's, both directions, named by the tuple of its outgoing packets."""

    interface: int
    """Index, in the interface's own network namespace."""
    protocol: str
    """tcp, udp, sctp, icmp, icmp6, or ``ip-N``."""
    source: str
    source_port: int
    """0 where the protocol has none, or the packet was a later fragment."""
    destination: str
    destination_port: int
    """Of ICMP its type times 256 plus its code (IPFIX 32 and 139)."""
    vlan: int = 0
    """Identifier of the outer tag; 0: none."""
    inner_vlan: int = 0


class Totals(NamedTuple):
    """What was counted of one flow since its entry was made, over all CPUs."""

    packets_out: int
    packets_in: int
    bytes_out: int
    """Of whole frames."""
    bytes_in: int
    first: int
    """``CLOCK_MONOTONIC``, ns, to a tick of the kernel's."""
    last: int
    flags_out: int
    """All TCP flags that were ever set."""
    flags_in: int


class Counts(NamedTuple):
    """Packets that made no flow, and hints, over all CPUs since the map was made."""

    other: int
    """Packets that are neither IPv4 nor IPv6."""
    malformed: int
    full: int
    """Packets of a new flow that the map had no room for: they are in no flow."""
    full_bytes: int
    spikes: int
    """Hints that were told."""
    spikes_untold: int
    """Hints too soon after the last of their source, or without room in the ring."""


class Spike(NamedTuple):
    """A hint: one source sends more than it should."""

    ts: int
    """``CLOCK_MONOTONIC``, ns."""
    source: str
    packets: int
    """In the last window (1.07 s) and on one CPU, estimated."""
    direction: str
    """out or in."""


def key(data: bytes) -> FlowKey:
    """Read a key of the map."""
    source, destination, sport, dport, vlan, inner, family, protocol, interface = KEY.unpack(data)
    return FlowKey(
        interface,
        addresses.protocol(0, protocol) or "ip-0",
        _ip(source, family),
        sport,
        _ip(destination, family),
        dport,
        vlan,
        inner,
    )


def totals(per_cpu: Sequence[tuple[int, ...]]) -> Totals:
    """Sum the values of all CPUs, as `VALUE` unpacks them."""
    saw = [row for row in per_cpu if row[4]]
    if len(saw) == 1:  # a queue of packets has its CPU: the usual case, and tens of thousands come
        out, into, bytes_out, bytes_in, first, last, _, flags_out, flags_in = saw[0]
        return Totals(out, into, bytes_out, bytes_in, first, last, flags_out, flags_in)
    flags_out = flags_in = 0
    for row in saw:
        flags_out |= row[7]
        flags_in |= row[8]
    first, last = min((row[4] for row in saw), default=0), max((row[5] for row in saw), default=0)
    out, into, bytes_out, bytes_in = (sum(row[place] for row in saw) for place in range(4))
    return Totals(out, into, bytes_out, bytes_in, first, last, flags_out, flags_in)


def spike(data: bytes) -> Spike:
    """Read a record of the ring."""
    ts, source, packets, family, direction = SPIKE.unpack(data)
    return Spike(ts, _ip(source, family), packets, "in" if direction == IN else "out")


def _ip(data: bytes, family: int) -> str:
    return addresses.ip_text(data[:4] if family == socket.AF_INET else data)
