"""Shapes of opaque transports, and what only looks a little like them."""

from __future__ import annotations

import base64
import gzip
import lzma
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.protocols import shapes

RANDOM = random.Random(7).randbytes(4096)
TEXT = b" ".join(b"%d items at %d.%02d" % (n, n * 7, n % 100) for n in range(400))


@pytest.mark.parametrize(
    ("data", "size", "kind"),
    [
        (b"\xc3\0\0\0\1" + bytes(20), 1200, "QUIC"),
        (b"\xc3\x6b\x33\x43\xcf" + bytes(20), 1252, "QUIC"),
        (b"\xc3\x0a\x1a\x2a\x3a" + bytes(20), 1200, "QUIC"),
        (b"\xc3\0\0\0\1" + bytes(20), 1199, ""),
        (b"\x43\0\0\0\1" + bytes(20), 1200, ""),
        (b"\xc3\0\0\0\2" + bytes(20), 1200, ""),
        (b"\1\0\0\0" + bytes(144), 148, "WireGuard"),
        (b"\1\0\0\0" + bytes(145), 149, ""),
        (b"\2\0\0\0" + bytes(144), 148, ""),
        (b"", 0, ""),
    ],
)
def test_packets(data: bytes, size: int, kind: str) -> None:
    assert shapes.packet(data, size) == kind


@pytest.mark.parametrize(
    ("data", "is_random"),
    [
        (RANDOM, True),
        (RANDOM[:256], True),
        (RANDOM[:255], False),
        (TEXT, False),
        (bytes(4096), False),
        (base64.b64encode(RANDOM), False),
        (RANDOM.hex().encode(), False),
        (gzip.compress(RANDOM), False),
        (lzma.compress(RANDOM), False),
        (zlib.compress(RANDOM), True),  # has no mark of its own
    ],
)
def test_random_bytes(data: bytes, is_random: bool) -> None:
    assert shapes.is_random(data) is is_random


@pytest.mark.parametrize(
    ("name", "is_tor"),
    [("www.gw3xq7zbnp2kl.com", True), ("www.vendor-9.com", False), ("www.example.org", False)],
)
def test_names_of_tor(name: str, is_tor: bool) -> None:
    assert shapes.is_tor_name(name) is is_tor


@settings(max_examples=60, derandomize=True)
@given(data=st.binary(max_size=400), size=st.integers(0, 70_000), text=st.text(max_size=80))
def test_any_input_whatever(data: bytes, size: int, text: str) -> None:
    assert shapes.packet(data, size) in ("", "QUIC", "WireGuard")
    assert shapes.greeting(data) in ("", "SSH")
    shapes.is_random(data)
    shapes.is_tor_name(text)
    shapes.is_dns_host(text)
    shapes.is_dns_request(data, data[:9], data[9:18])
