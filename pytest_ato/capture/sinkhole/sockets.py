"""Socket options and control messages that Python's `socket` has no names for.

Owns their numbers and byte layouts. Sources: ip(7), ipv6(7), packet(7), include/uapi/linux.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import ip_address

IP_PKTINFO = 8
IPV6_PKTINFO = 50
PACKET_STATISTICS = 6
SOL_PACKET = 263
SO_MEMINFO = 55
_MEMINFO_DROPS = 8

Control = tuple[int, int, bytes]


def destination(control: list[Control]) -> str | None:
    """Return the address that a datagram was sent to, from what `recvmsg` gave."""
    for level, kind, data in control:
        if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO) and len(data) >= 12:
            return str(ip_address(data[8:12]))
        if (level, kind) == (socket.IPPROTO_IPV6, IPV6_PKTINFO) and len(data) >= 16:
            return str(ip_address(data[:16]))
    return None


def from_address(address: str) -> Control:
    """Return the control message that makes `sendmsg` answer from this address."""
    packed = ip_address(address).packed
    if len(packed) == 4:
        return socket.IPPROTO_IP, IP_PKTINFO, struct.pack("@I4s4x", 0, packed)
    return socket.IPPROTO_IPV6, IPV6_PKTINFO, packed + struct.pack("@I", 0)


def dropped(name: str, sock: socket.socket) -> int:
    """Return how many packets the kernel dropped because the queue was full.

    `name` is the socket's in `wire.SOCKETS`. Reading resets the count of the packet socket.
    """
    if name == "packets":
        _, drops = struct.unpack("@II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        return int(drops)
    info = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 64)
    return int(struct.unpack_from("@I", info, 4 * _MEMINFO_DROPS)[0])
