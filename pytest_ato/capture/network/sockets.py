"""The sockets of one audit that only a privileged process can open.

Owns their options. They are opened inside the gateway's namespace, bound to the audit's own link,
and given to the sinkhole; `sinkhole.wire.SOCKETS` is their order.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable
from contextlib import ExitStack

from pytest_ato.capture.network import plan
from pytest_ato.capture.network.namespaces import has_ipv6, inside

_IP_PKTINFO = 8
_IP_TRANSPARENT = 19
_IPV6_TRANSPARENT = 75
_IPV6_FREEBIND = 78
_SO_ATTACH_FILTER = 26
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_ETH_P_ALL = 3
_BACKLOG = 4096
_QUEUE = 16 << 20
"""Bytes of packets that wait in the kernel while the sinkhole is busy."""

_ANSWERS = 16 << 10
"""Bytes of answers that wait in the kernel for a client to read them."""

_NO_TCP = (
    # Classic BPF (code, jump if true, jump if false, operand): IPv4 and IPv6 without TCP.
    (0x28, 0, 0, 12),  # ldh ethertype
    (0x15, 0, 2, 0x0800),  # IPv4?
    (0x30, 0, 0, 23),  # ldb protocol
    (0x15, 4, 3, 6),  # TCP: drop, else keep
    (0x15, 0, 3, 0x86DD),  # IPv6?
    (0x30, 0, 0, 20),  # ldb next header
    (0x15, 1, 0, 6),  # TCP: drop
    (0x06, 0, 0, 0xFFFFFFFF),  # keep the whole packet
    (0x06, 0, 0, 0),  # drop
)


def open_all(gateway: int, link: str) -> list[socket.socket]:
    """Open the audit's sockets on its link of the gateway."""

    def run() -> list[socket.socket]:
        makers: list[Callable[[str], socket.socket]] = [_tcp4, _dns4, _packets]
        if has_ipv6():
            makers += [_tcp6, _dns6]
        with ExitStack() as stack:
            sockets = [stack.enter_context(make(link)) for make in makers]
            stack.pop_all()
        return sockets

    return inside(gateway, run)


def _tcp4(link: str) -> socket.socket:
    listener = _listener(socket.AF_INET, link)
    listener.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
    listener.bind(("0.0.0.0", plan.TCP_PORT))  # noqa: S104 - of the gateway, on one link
    listener.listen(_BACKLOG)
    return listener


def _tcp6(link: str) -> socket.socket:
    listener = _listener(socket.AF_INET6, link)
    listener.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
    listener.bind(("::", plan.TCP_PORT))
    listener.listen(_BACKLOG)
    return listener


def _listener(family: int, link: str) -> socket.socket:
    listener = _bound(family, socket.SOCK_STREAM, link)
    # Accepted sockets inherit both. Answers that a client leaves unread are soon noticed; and
    # urgent data stays in the stream, where else each such byte would be taken out of the record.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ANSWERS)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
    return listener


def _dns4(link: str) -> socket.socket:
    responder = _bound(socket.AF_INET, socket.SOCK_DGRAM, link)
    responder.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    # An open gateway's addresses are few, and it answers in the name of any.
    responder.setsockopt(socket.IPPROTO_IP, _IP_TRANSPARENT, 1)
    responder.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
    responder.bind(("0.0.0.0", plan.DNS_PORT))  # noqa: S104 - of the gateway, on one link
    return responder


def _dns6(link: str) -> socket.socket:
    responder = _bound(socket.AF_INET6, socket.SOCK_DGRAM, link)
    responder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    # IPv6, unlike IPv4, asks for more than a local route before it sends from a foreign address.
    responder.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
    responder.setsockopt(socket.IPPROTO_IPV6, _IPV6_TRANSPARENT, 1)
    responder.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
    responder.bind(("::", plan.DNS_PORT))
    return responder


def _packets(link: str) -> socket.socket:
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
    code = b"".join(struct.pack("@HBBI", *step) for step in _NO_TCP)
    # struct sock_fprog holds a pointer, so the code must live in a buffer of ours meanwhile.
    _attach_filter(tap, code)
    tap.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    tap.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _QUEUE)
    tap.bind((link, _ETH_P_ALL))
    return tap


def _attach_filter(sock: socket.socket, code: bytes) -> None:
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("@HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _bound(family: int, kind: int, link: str) -> socket.socket:
    sock = socket.socket(family, kind)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, link.encode() + b"\0")
    return sock
