"""opaque_transport: each channel, and the nearest ordinary one."""

from __future__ import annotations

import gzip
import random

import pytest

from pytest_ato.detectors.opaque_transport import OpaqueTransport
from pytest_ato.model.findings import Severity

DROP = "203.0.113.9"
NOISE = random.Random(1).randbytes(2000)
QUIC = b"\xc3\0\0\0\x01\x08" + bytes(8) + NOISE[:1186]
WIREGUARD = b"\x01\0\0\0" + NOISE[:144]


def _keys(findings):
    return [finding.key.removeprefix("opaque_transport:") for finding in findings]


@pytest.mark.parametrize(
    ("packet", "key"), [(QUIC, "quic:203.0.113.9:443"), (WIREGUARD, "wireguard:203.0.113.9:443")]
)
def test_packets(log, detect, packet, key):
    log.send(log.root, DROP, 443, packet)
    [finding] = detect(OpaqueTransport, log)
    assert finding.severity is Severity.MEDIUM
    assert _keys([finding]) == [key]
    assert finding.title.endswith("by app")


def test_other_packets_are_silent(log, detect):
    ntp = b"\x23" + bytes(47)
    for packet in (ntp, QUIC[:600], b"\xc3\0\0\0\x07" + bytes(1300), WIREGUARD[:140], b""):
        log.send(log.root, DROP, 443, packet)
    assert detect(OpaqueTransport, log) == ()


def test_ssh(log, detect):
    log.tcp(log.root, DROP, 2222, b"SSH-2.0-OpenSSH_9.2\r\n")
    assert _keys(detect(OpaqueTransport, log)) == ["ssh:203.0.113.9:2222"]


def test_a_hello_that_is_encrypted(log, detect, wire):
    log.events += wire(log, DROP, 443, "public.example", (0xFE0D, b"\0" + NOISE[:200]))
    assert _keys(detect(OpaqueTransport, log)) == ["ech:203.0.113.9:443"]


def test_dns_over_tls(log, detect):
    log.tls(log.root, DROP, 853, b"x", via=("proxy",))
    assert _keys(detect(OpaqueTransport, log)) == ["dns_over_tls:203.0.113.9:853"]


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /dns-query?dns=AAABAAABAAAAAAAA HTTP/1.1\r\nHost: d.example\r\n\r\n",
        b"GET /x?name=a HTTP/1.1\r\nHost: d.example\r\nAccept: application/dns-json\r\n\r\n",
    ],
)
def test_dns_over_https_in_a_request(log, detect, request_):
    log.tls(log.root, DROP, 443, request_, via=("proxy",))
    assert _keys(detect(OpaqueTransport, log)) == ["dns_over_https:203.0.113.9:443"]


def test_dns_over_https_by_its_host(log, detect):
    log.tls(log.root, DROP, 443, via=(), name="dns.google")
    assert _keys(detect(OpaqueTransport, log)) == ["dns_over_https:203.0.113.9:443"]


def test_tor(log, detect):
    log.tls(log.root, DROP, 9001, via=(), name="www.a2b3c4d5e6f7g2.com")
    log.dns("duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion")
    assert sorted(_keys(detect(OpaqueTransport, log)), reverse=True) == [
        "tor:duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion",
        "tor:203.0.113.9:9001",
    ]


def test_random_bytes_on_a_web_port(log, detect):
    log.tcp(log.root, DROP, 443, NOISE[:300], NOISE[300:])
    assert _keys(detect(OpaqueTransport, log)) == ["random_bytes:203.0.113.9:443"]


def test_ordinary_traffic_is_silent(log, detect):
    log.dns("www.vendors.com", DROP)
    log.tls(log.root, DROP, 443, b"GET / HTTP/1.1\r\n\r\n", name="www.vendors.com")
    log.tls(log.root, DROP, 443, b"GET / HTTP/1.1\r\n\r\n", name="www.vendor.example")
    log.tcp(log.root, DROP, 80, b"GET /resolve HTTP/1.1\r\nHost: a.example\r\n\r\n")
    log.tcp(log.root, DROP, 80, b"POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n" + NOISE)
    log.tcp(log.root, DROP, 443, gzip.compress(NOISE))
    log.tcp(log.root, DROP, 80, b"some line protocol\r\n" * 50)
    log.tcp(log.root, DROP, 5432, NOISE)
    assert detect(OpaqueTransport, log) == ()
