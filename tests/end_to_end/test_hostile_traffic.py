"""A target that sends what is no protocol: the capture is whole, and each of it is told."""

from __future__ import annotations

import pytest

from pytest_ato.audit import Options, Outcome
from pytest_ato.target import resolve

pytestmark = pytest.mark.privileged

TARGET = r"""
import contextlib, gzip, os, socket, ssl, zlib

def connected(name):
    return socket.create_connection((f"{name}.vendor.example", 443), 10)

def sent(channel, data):
    channel.settimeout(10)
    with channel, contextlib.suppress(OSError):
        channel.sendall(data)
        channel.settimeout(1)  # an answer is of no interest, but some are slow to come
        while channel.recv(65536):
            pass

def hello(name):
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    half = ssl.create_default_context().wrap_bio(into, out, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    return out.read()

def inside(name, alpn, data):
    context = ssl.create_default_context()
    context.set_alpn_protocols([alpn])
    channel = context.wrap_socket(connected(name), server_hostname=f"{name}.vendor.example")
    sent(channel, data)

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FLOOD = b"GET / HTTP/1.1\r\nHost: flood\r\n" + b"x: y\r\n" * 50000
bomb = gzip.compress(bytes(64 << 20))
BOMB = b"POST / HTTP/1.1\r\nHost: bomb\r\nContent-Encoding: gzip\r\n"
BOMB += b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(bomb) + bomb

sent(connected("garbage"), b"\x16\x03\x01\x00\x20" + os.urandom(3000))
sent(connected("cut"), hello("cut.vendor.example")[:60])
sent(connected("names"), hello("aaaaaaaa.example").replace(b"aaaaaaaa", b"\0\n\x1b[31m\xff"))
inside("flood", "http/1.1", FLOOD)
inside("frames", "h2", PREFACE + b"\xff" * 9 * 9 + os.urandom(4000))
inside("bomb", "http/1.1", BOMB)
"""


@pytest.fixture(scope="module")
def outcome(auditor, vendor) -> Outcome:
    return auditor.audit(resolve(str(vendor(TARGET, python=True))), Options())


def test_the_capture_is_whole(outcome) -> None:
    assert outcome.stderr == b""
    assert outcome.report.inconclusive == ()
    assert outcome.report.ended.sentence


@pytest.mark.parametrize("name", ["garbage", "cut", "names", "flood", "frames", "bomb"])
def test_each_connection_is_in_the_ledger(outcome, name: str) -> None:
    listed = {entry.destination: entry for entry in outcome.report.coverage.tls.entries}
    entry = listed[f"{name}.vendor.example:443"]
    assert entry.wire_out > 0
    assert entry.opaque_out == 0
    assert entry.handshake == ("intercepted" if entry.seen_out else "failed")
    assert "\x1b" not in entry.name


def test_what_was_not_searched_or_said_is_a_finding(outcome) -> None:
    found = {(one.detector, one.where.split(".")[0]) for one in outcome.report.findings}
    assert ("honeytoken_exfil", "bomb") in found
    assert {("tls_uninspected", name) for name in ("garbage", "cut", "names")} <= found
