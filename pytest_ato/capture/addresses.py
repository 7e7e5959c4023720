"""Socket addresses as the kernel and programs lay them out, turned into text."""

from __future__ import annotations

import ipaddress
import socket
from typing import Final, Literal, NamedTuple

Family = Literal["inet", "inet6", "unix", "netlink", "packet", "other"]

_FAMILIES: Final[dict[int, Family]] = {
    socket.AF_INET: "inet",
    socket.AF_INET6: "inet6",
    socket.AF_UNIX: "unix",
    socket.AF_NETLINK: "netlink",
    socket.AF_PACKET: "packet",
}
_STREAM, _DATAGRAM = 1, 2
_PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 132: "sctp", 136: "udplite"}


class Address(NamedTuple):
    """What a `struct sockaddr` says; `text` of a unix socket may hold any bytes."""

    family: Family
    text: str
    port: int = 0


NOWHERE: Final = Address("other", "")


def parse(data: bytes) -> Address:
    """Read a ``struct sockaddr`` of ``len(data)`` bytes, however short or strange."""
    family = _FAMILIES.get(int.from_bytes(data[:2], "little"), "other")
    if family == "inet" and len(data) >= 8:
        return Address(family, ip_text(data[4:8]), int.from_bytes(data[2:4], "big"))
    if family == "inet6" and len(data) >= 24:
        return Address("inet6", ip_text(data[8:24]), int.from_bytes(data[2:4], "big"))
    if family == "unix":
        name = data[2:]
        if name[:1] == b"\0":  # abstract: the whole length counts
            return Address(family, "@" + name[1:].decode(errors="backslashreplace"))
        return Address(family, name.split(b"\0")[0].decode(errors="backslashreplace"))
    return Address(family, "")


def ip_text(data: bytes) -> str:
    """Canonical text of 4 or 16 bytes; an IPv4-mapped address is told as IPv4."""
    if len(data) == 4:
        return str(ipaddress.IPv4Address(data))
    address = ipaddress.IPv6Address(data)
    return str(address.ipv4_mapped or address)


def protocol(kind: int, number: int) -> str:
    """Name of a socket's protocol, from its type where the number is 0 or has no name."""
    if number in _PROTOCOLS:
        return _PROTOCOLS[number]
    return {_STREAM: "tcp", _DATAGRAM: "udp"}.get(kind, "") if number == 0 else f"ip-{number}"
