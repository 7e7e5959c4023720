from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.capture.addresses import Address, parse, protocol

INET6 = struct.pack("<HHI", socket.AF_INET6, 0x5000, 0)


@pytest.mark.parametrize(
    ("data", "address"),
    [
        (b"\x02\x00\x01\xbb\xcb\x00\x71\x09" + bytes(8), Address("inet", "203.0.113.9", 443)),
        (
            INET6 + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + bytes(4),
            Address("inet6", "2001:db8::1", 80),
        ),
        (
            INET6 + socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1") + bytes(4),
            Address("inet6", "192.0.2.1", 80),
        ),
        (b"\x01\x00/run/x.sock\0rest", Address("unix", "/run/x.sock")),
        (b"\x01\x00\0hidden", Address("unix", "@hidden")),
        (b"\x10\x00" + bytes(10), Address("netlink", "")),
        (b"", Address("other", "")),
    ],
)
def test_addresses(data: bytes, address: Address) -> None:
    assert parse(data) == address


@given(st.binary(max_size=128))
def test_any_bytes_are_an_address(data: bytes) -> None:
    assert isinstance(parse(data), Address)


@pytest.mark.parametrize(
    ("kind", "number", "name"),
    [(1, 0, "tcp"), (2, 0, "udp"), (2, 17, "udp"), (3, 1, "icmp"), (3, 200, "ip-200")],
)
def test_protocols(kind: int, number: int, name: str) -> None:
    assert protocol(kind, number) == name
