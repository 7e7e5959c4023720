"""Connections: what left, each byte in one payload, whoever saw it."""

from __future__ import annotations

import gzip
from typing import ClassVar

import pytest

from pytest_ato.detectors.interface import Definition, Detector
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.detectors.traffic import Exchange, Payload
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Category, Severity
from pytest_ato.model.octets import octets

DROP = "203.0.113.9"


class Collector(Detector):
    """Keeps what it gets, as any detector would."""

    definition: ClassVar[Definition] = Definition(
        rule="TEST-XXX-001",
        name="collector",
        category=Category.EXFIL,
        severity=Severity.INFO,
        title="",
        technique="",
        wants=(Payload, Exchange),
    )

    def __init__(self, context):
        super().__init__(context)
        context.seen = []

    def process(self, event):
        self.context.seen.append(event)
        return ()


@pytest.fixture
def seen():
    """``seen(log)``: payloads and exchanges, in order."""

    def run(log):
        pipeline = Pipeline([Collector])
        for event in log.events:
            pipeline.feed(event)
        pipeline.finish()
        assert pipeline.failures == ()
        return pipeline.context.seen

    return run


def _texts(seen):
    """Path to what was sent so, pieces of a part joined."""
    parts = {}
    for one in seen:
        if isinstance(one, Payload):
            parts.setdefault((one.path, one.part), bytearray()).extend(one.data)
    return [(" > ".join(path), bytes(data)) for (path, _), data in parts.items()]


def test_a_request_in_clear(log, seen):
    curl = log.spawn(log.root, "/usr/bin/curl")
    log.dns("api.vendor.example", DROP, pid=curl)
    body = gzip.compress(b"hello")
    head = (
        b"POST /v1?k=v HTTP/1.1\r\nHost: api.vendor.example\r\ncontent-encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )
    log.tcp(curl, DROP, 80, head[:20], head[20:] + body[:3], body[3:])
    found = seen(log)
    [exchange] = [one for one in found if isinstance(one, Exchange)]
    assert exchange.url == "http://api.vendor.example/v1?k=v"
    assert exchange.request.method == b"POST"
    assert exchange.destination == "api.vendor.example:80"
    assert exchange.process.label.endswith("curl")
    assert [name for name, _ in exchange.request.headers] == [
        b"host",
        b"content-encoding",
        b"content-length",
    ]
    assert _texts(found) == [
        ("tcp > http url", b"/v1?k=v"),
        (
            "tcp > http header",
            b"host: api.vendor.example\r\ncontent-encoding: gzip\r\ncontent-length: "
            + str(len(body)).encode(),
        ),
        ("tcp > http body > gzip", b"hello"),
    ]


def test_what_is_no_http_comes_as_it_was_sent(log, seen):
    log.tcp(log.root, DROP, 4444, b"\0\1\2", b"\3\4")
    log.send(log.root, DROP, 9999, b"packet")
    assert _texts(seen(log)) == [("tcp", b"\0\1\2\3\4"), ("udp", b"packet")]


def test_requests_over_one_kept_connection(log, seen):
    requests = [b"GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n" % n for n in range(3)]
    log.tcp(log.root, DROP, 80, b"".join(requests))
    urls = [one.url for one in seen(log) if isinstance(one, Exchange)]
    assert urls == [f"http://a.example/{n}" for n in range(3)]


def test_plaintext_that_a_librarys_probe_saw(log, seen):
    piece = {"via": "openssl", "stream": 1, "pid": log.root, "address": DROP, "port": 443}
    log.add(ev.Tls, direction="out", data=octets(b"GET / HTTP/1.1\r\nHost: a.exa"), **piece)
    log.add(ev.Tls, direction="in", data=octets(b"HTTP/1.1 200 OK\r\n\r\n"), **piece)
    log.add(ev.Tls, direction="out", offset=27, data=octets(b"mple\r\n\r\n"), **piece)
    log.add(ev.Tls, direction="out", closed=True, **piece)
    found = seen(log)
    [exchange] = [one for one in found if isinstance(one, Exchange)]
    assert exchange.url == "https://a.example/"
    assert exchange.channel == "tls"
    assert exchange.process.label == "app"
    assert _texts(found)[0] == ("tls > http url", b"/")


def test_a_head_that_never_ends_is_read_all_the_same(log, seen):
    log.tcp(log.root, DROP, 80, b"GET /a HTTP/1.1\r\nx: y")
    assert _texts(seen(log)) == [("tcp > http url", b"/a"), ("tcp > http header", b"x: y")]
