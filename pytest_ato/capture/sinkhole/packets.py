"""Ethernet frames from the target, read down to the payload.

Owns the parsing of IPv4 and IPv6 headers, UDP, ICMP and other protocols, from any bytes: it never
raises, and reads only what is there. Left out are TCP and unicast DNS (their sockets record them)
and what a kernel says by itself: ARP, IGMP, MLD, neighbour discovery, router solicitation, ICMP
errors. Sources: RFC 791, 8200 (extension headers), 768, 792, 4443.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pytest_ato.capture.sinkhole.fragments import Fragment, Reassembler

ETHERNET = 14
ETH_IPV4 = 0x0800
ETH_IPV6 = 0x86DD

ICMP = 1
IGMP = 2
TCP = 6
UDP = 17
ICMP6 = 58
_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSIONS = frozenset({0, 43, 60, _FRAGMENT, _AUTHENTICATION})
_MAX_EXTENSIONS = 8
_PORTS_FIRST = frozenset({UDP, 33, 132, 136})
"""Protocols whose header begins with both ports: UDP, DCCP, SCTP, UDP-Lite."""

_DNS = 53
_ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})
_ICMP6_CHATTER = frozenset({1, 2, 3, 4, *range(130, 138), 141, 142, 143})
_NAMES = {ICMP: "icmp", UDP: "udp", ICMP6: "icmp6"}


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet, whole or (a lone fragment) in part; `size` is the payload's length."""

    protocol: str
    client: str
    address: str
    size: int
    data: bytes
    client_port: int = 0
    port: int = 0


class PacketReader:
    """Reads the frames of one audit; keeps only unfinished fragments, which are bounded."""

    def __init__(self) -> None:
        self._fragments = Reassembler()

    def read(self, frame: bytes) -> list[Packet]:
        """Return the packets that this frame completes: none for chatter, mostly one."""
        datagram = _ip(frame)
        if datagram is None:
            return []
        if not datagram.fragmented:
            return _packets([datagram])
        return _packets(self._fragments.add(datagram))

    def finish(self) -> list[Packet]:
        """Return what is left of datagrams whose last fragment never came."""
        return _packets(self._fragments.flush())


def _ip(frame: bytes) -> Fragment | None:
    if len(frame) < ETHERNET:
        return None
    kind = int.from_bytes(frame[12:14])
    body = frame[ETHERNET:]
    if kind == ETH_IPV4 and len(body) >= 20 and body[0] >> 4 == 4:
        return _ipv4(body)
    if kind == ETH_IPV6 and len(body) >= 40 and body[0] >> 4 == 6:
        return _ipv6(body)
    return None


def _ipv4(body: bytes) -> Fragment:
    total, ident, where = struct.unpack_from("!HHH", body, 2)
    header = max(20, (body[0] & 15) * 4)
    # Length 0 is a packet that the sender's kernel left to be segmented later.
    end = min(total, len(body)) if total >= header else len(body)
    return Fragment(
        source=str(IPv4Address(body[12:16])),
        destination=str(IPv4Address(body[16:20])),
        protocol=body[9],
        ident=ident,
        offset=(where & 0x1FFF) * 8,
        more=bool(where & 0x2000),
        payload=body[header:end],
    )


def _ipv6(body: bytes) -> Fragment:
    length = int.from_bytes(body[4:6])
    end = min(40 + length, len(body)) if length else len(body)
    protocol, at = body[6], 40
    ident, offset, more = 0, 0, False
    for _ in range(_MAX_EXTENSIONS):
        if protocol not in _EXTENSIONS or at + 8 > end:
            break
        following = body[at]
        if protocol == _FRAGMENT:
            where, ident = struct.unpack_from("!HI", body, at + 2)
            offset, more = where & 0xFFF8, bool(where & 1)
            size = 8
        elif protocol == _AUTHENTICATION:
            size = (body[at + 1] + 2) * 4
        else:
            size = (body[at + 1] + 1) * 8
        last = protocol == _FRAGMENT and offset > 0
        protocol, at = following, at + size
        if last:  # what follows is the middle of the payload, not another header
            break
    return Fragment(
        source=str(IPv6Address(body[8:24])),
        destination=str(IPv6Address(body[24:40])),
        protocol=protocol,
        ident=ident,
        offset=offset,
        more=more,
        payload=body[at:end],
    )


def _packets(datagrams: list[Fragment]) -> list[Packet]:
    return [packet for datagram in datagrams if (packet := _packet(datagram)) is not None]


def _packet(datagram: Fragment) -> Packet | None:
    """Read the transport header; None for what other sockets record, and for chatter."""
    protocol, payload = datagram.protocol, datagram.payload
    if protocol in (TCP, IGMP):
        return None
    name = _NAMES.get(protocol, f"ip-{protocol}")
    client_port = port = 0
    if datagram.offset == 0:
        if protocol in _PORTS_FIRST and len(payload) >= 4:
            client_port, port = struct.unpack_from("!HH", payload)
        if _left_out(datagram, port):
            return None
        if protocol in _NAMES:
            payload = payload[8:]
    return Packet(
        protocol=name,
        client=datagram.source,
        address=datagram.destination,
        client_port=client_port,
        port=port,
        size=len(payload),
        data=payload,
    )


def _left_out(datagram: Fragment, port: int) -> bool:
    kind = datagram.payload[0] if datagram.payload else -1
    if datagram.protocol == UDP:
        return port == _DNS and not _multicast(datagram.destination)
    if datagram.protocol == ICMP:
        return kind in _ICMP_ERRORS
    return datagram.protocol == ICMP6 and kind in _ICMP6_CHATTER


def _multicast(address: str) -> bool:
    parsed = IPv6Address(address) if ":" in address else IPv4Address(address)
    return parsed.is_multicast
