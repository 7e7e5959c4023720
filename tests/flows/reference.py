"""How a frame is to be read, in Python: what the kernel side is compared with.

Written from the RFCs and `bpf/include/flow.h`, not from the program: slices instead of pointers, so
that a mistake in the bounds of one is not in the other.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, replace
from typing import Literal

Refusal = Literal["other", "malformed"]

_TAGS = (0x8100, 0x88A8, 0x9100)
_PORTS = (6, 17, 132)
_EXTENSIONS = {0, 43, 44, 51, 60}
_MOST = 6


@dataclass(frozen=True)
class Flow:
    """What a frame says of its flow."""

    source: str
    destination: str
    protocol: int
    source_port: int = 0
    destination_port: int = 0
    vlan: int = 0
    inner_vlan: int = 0
    flags: int = 0


class _Malformed(Exception):
    pass


def parse(frame: bytes) -> Flow | Refusal:
    """Return the flow that `frame` belongs to, or why it belongs to none."""
    try:
        return _frame(frame)
    except _Malformed:
        return "malformed"


def _take(data: bytes, size: int) -> tuple[bytes, bytes]:
    if len(data) < size:
        raise _Malformed
    return data[:size], data[size:]


def _frame(frame: bytes) -> Flow | Refusal:
    header, rest = _take(frame, 14)
    (kind,) = struct.unpack("!H", header[12:])
    tags: list[int] = []
    while kind in _TAGS and len(tags) < 2:
        tag, rest = _take(rest, 4)
        control, kind = struct.unpack("!HH", tag)
        tags.append(control & 0xFFF)
    if kind == 0x0800:
        flow = _ipv4(rest)
    elif kind == 0x86DD:
        flow = _ipv6(rest)
    else:
        return "other"
    vlan, inner = (*tags, 0, 0)[:2]
    return replace(flow, vlan=vlan, inner_vlan=inner)


def _ipv4(packet: bytes) -> Flow:
    header, _ = _take(packet, 20)
    version, words = header[0] >> 4, header[0] & 0xF
    total, _, fragment = struct.unpack("!HHH", header[2:8])
    if version != 4 or words < 5 or total < words * 4:
        raise _Malformed
    _, payload = _take(packet, words * 4)
    source, destination = (str(ipaddress.IPv4Address(header[at : at + 4])) for at in (12, 16))
    flow = Flow(source, destination, header[9])
    return flow if fragment & 0x1FFF else _transport(flow, payload)


def _ipv6(packet: bytes) -> Flow:
    header, rest = _take(packet, 40)
    if header[0] >> 4 != 6:
        raise _Malformed
    source, destination = (_ip6(header[at : at + 16]) for at in (8, 24))
    following = header[6]
    for _ in range(_MOST + 1):
        if following not in _EXTENSIONS:
            return _transport(Flow(source, destination, following), rest)
        start, _ = _take(rest, 8)
        kind, following, length = following, start[0], start[1]
        if kind == 44:
            size = 8
            if struct.unpack("!H", start[2:4])[0] & 0xFFF8:
                return Flow(source, destination, following)
        else:
            size = (length + 2) * 4 if kind == 51 else (length + 1) * 8
        rest = rest[size:]  # whether it is there, what follows will tell
    raise _Malformed


def _transport(flow: Flow, payload: bytes) -> Flow:
    if len(payload) < 4:
        return flow
    if flow.protocol in _PORTS:
        source, destination = struct.unpack("!HH", payload[:4])
        flags = payload[13] if flow.protocol == 6 and len(payload) >= 14 else 0
        return replace(flow, source_port=source, destination_port=destination, flags=flags)
    echo = {1: (0, 8), 58: (129, 128)}.get(flow.protocol)
    if echo is None:
        return flow
    kind, code = payload[0], payload[1]
    if kind == echo[0] and code == 0:
        kind = echo[1]
    return replace(flow, destination_port=kind * 256 + code)


def _ip6(data: bytes) -> str:
    address = ipaddress.IPv6Address(data)
    return str(address.ipv4_mapped or address)
