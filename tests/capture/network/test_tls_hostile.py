"""Bad input to the TLS proxy, and a proxy that fails: bounded, told, and over with the audit."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from pytest_ato.model.events import Tls
from pytest_ato.model.octets import raw

pytestmark = pytest.mark.privileged

CONNECT = """
import os, socket, ssl, sys, time
context = ssl.create_default_context()
def connect(name, *alpn):
    if alpn:
        context.set_alpn_protocols(alpn)
    return context.wrap_socket(socket.create_connection((name, 443), 5), server_hostname=name)
def drain(s):
    s.settimeout(30)
    try:
        while s.recv(65536):
            pass
    except OSError as error:
        print(type(error).__name__)
preface = b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n"
"""


def memory(gateway, below) -> int:
    """Bytes that the proxy's processes hold."""
    total = 0
    for pid in below(gateway._proxy._process.pid):
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        total += int(pages) * os.sysconf("SC_PAGE_SIZE")
    return total


def started(audit) -> None:
    """Have the proxy run."""
    audit.run("curl", "-sS", "-m", "60", "-o", "/dev/null", "https://first.example/")


def test_garbage_and_pieces_of_a_hello_fail_and_hurt_nobody(tls_audit, only):
    tls_audit.python("""
        import os, socket
        heads = ["1603010200010001fc0303", "160303ffff", "1603010000", "16030100050100000100"]
        for head in map(bytes.fromhex, heads):
            for tail in (b"", bytes(200), os.urandom(3000)):
                s = socket.create_connection(("203.0.113.1", 443), 5)
                try:
                    s.sendall(head + tail)
                except OSError:
                    pass
                s.close()
    """)
    events = tls_audit.settle()
    assert len(only.ends(events)) == 12
    assert [hello.outcome for hello in only.handshakes(events)] == ["failed"] * 12
    assert not [event for event in events if isinstance(event, Tls)]
    assert not only.lost(events)
    assert tls_audit.gateway.alive()


def test_a_name_of_control_characters_is_recorded_byte_for_byte(tls_audit, only):
    tls_audit.python("""
        import socket, ssl
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        hello = ssl.create_default_context().wrap_bio(into, out, server_hostname="aaaaaaaa.example")
        try:
            hello.do_handshake()
        except ssl.SSLWantReadError:
            pass
        s = socket.create_connection(("203.0.113.1", 443), 5)
        s.sendall(out.read().replace(b"aaaaaaaa", b"\\x00\\n\\x1b[31m\\xff"))
        s.settimeout(20)
        s.recv(10)
    """)
    events = tls_audit.settle()
    (hello,) = only.handshakes(events)
    assert raw(hello.sni) == b"\x00\n\x1b[31m\xff.example"
    assert hello.outcome != "intercepted"
    assert not only.lost(events)


def test_a_head_without_end_is_cut_off(tls_audit, only):
    tls_audit.python(
        CONNECT
        + """
for alpn in ("http/1.1", "h2"):
    s = connect("flood.example", alpn)
    try:
        if alpn == "h2":
            s.sendall(preface + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
            s.sendall(bytes([0, 0, 1, 1, 0, 0, 0, 0, 1, 0x82]))
            for _ in range(500):
                s.sendall(bytes([0, 0x40, 0, 9, 0, 0, 0, 0, 1]) + bytes(0x4000))
        else:
            s.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n")
            for n in range(200):
                s.sendall(b"X-%d: " % n + b"a" * 60000 + b"\\r\\n")
    except OSError:
        pass
    drain(s)
""",
        timeout=90,
    )
    events = tls_audit.settle()
    assert len(only.ends(events)) == 2
    assert 4 << 20 < only.plaintext_size(events, 1) < 9 << 20
    assert memory(tls_audit.gateway, only.below) < 400 << 20
    assert not only.lost(events)


def test_frames_that_are_none_are_recorded_and_end_the_connection(tls_audit, only):
    tls_audit.python(
        CONNECT
        + """
for junk in (preface + os.urandom(4000), preface + bytes([0xff, 0xff, 0xff, 0] + [0xff] * 5) * 9,
             preface + bytes([0, 0, 4, 8, 0, 0, 0, 0, 0]) + bytes(4), b"junk right away"):
    s = connect("frames.example", "h2")
    try:
        s.sendall(junk)
    except OSError:
        pass
    drain(s)
""",
        timeout=60,
    )
    events = tls_audit.settle()
    assert len(only.ends(events)) == 4
    assert [hello.outcome for hello in only.handshakes(events)] == ["intercepted"] * 4
    assert only.plaintext(events, 4) == b"junk right away"
    assert not only.lost(events)


def test_a_body_of_100_mb_is_counted_and_not_kept(tls_audit, only):
    size = 100_000_000
    started(tls_audit)
    tls_audit.run(
        *("sh", "-c", f"head -c {size} /dev/zero | curl -sS -m 300 -T - https://big.example/ "),
        timeout=300,
    )
    assert memory(tls_audit.gateway, only.below) < 300 << 20
    events = tls_audit.settle()
    assert only.plaintext_size(events, 2) > size
    assert not only.lost(events)


def test_a_proxy_that_dies_is_told_and_the_next_audit_has_another(tls_audit, only):
    done = tls_audit.python(
        CONNECT
        + """
s = connect("held.example")
s.sendall(b"\\0said before")
drain(s)
print("over")
""",
        meanwhile=lambda: _kill_once_it_spoke(tls_audit),
    )
    assert done.endswith("over\n")
    events = tls_audit.settle()
    (loss,) = only.lost(events)
    assert loss.source == "proxy"
    assert "the TLS proxy failed during the audit: it ended with status -9" in loss.reason
    assert only.plaintext(events, 1) == b"\0said before"
    again = tls_audit.again()
    again.run("curl", "-sS", "-m", "60", "-o", "/dev/null", "https://again.example/")
    events = again.settle()
    assert [hello.outcome for hello in only.handshakes(events)] == ["intercepted"]
    assert not only.lost(events)
    again.close()


def _kill_once_it_spoke(audit) -> None:
    if any(isinstance(event, Tls) for event in audit.seen) and audit.gateway._proxy is not None:
        audit.gateway._proxy.kill()


def test_a_proxy_that_stands_still_is_told(tls_audit, only):
    started(tls_audit)
    os.kill(only.below(tls_audit.gateway._proxy._process.pid)[-1], signal.SIGSTOP)
    tls_audit.run("curl", "-sS", "-m", "1", "https://stalled.example/", status=28)
    began = time.monotonic()
    events = tls_audit.settle()
    assert time.monotonic() - began < 20
    reasons = " ".join(loss.reason for loss in only.lost(events))
    assert "1 connections to their end" in reasons
    assert "the TLS proxy failed during the audit: it did not end its connections" in reasons
    assert tls_audit.gateway.alive()
