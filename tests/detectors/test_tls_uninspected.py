"""tls_uninspected: bytes that nobody saw are told, and TLS's own bytes are none."""

from __future__ import annotations

import msgspec
import pytest

from pytest_ato.detectors.tls_uninspected import TlsUninspected
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.policy import Policy, Terms

DROP = "203.0.113.9"


def test_a_connection_that_nobody_looked_into(log, detect):
    log.dns("api.vendor.example", DROP)
    log.tls(log.root, DROP, 443, opaque=5000, via=(), name="api.vendor.example")
    [finding] = detect(TlsUninspected, log)
    assert finding.severity is Severity.MEDIUM
    assert finding.key == "tls_uninspected:api.vendor.example:443"
    assert "5,000 bytes to api.vendor.example:443 by app" in finding.title
    assert "0 of 5,000 bytes" in str(finding.evidence[0].text)


def test_what_was_sent_before_the_view_began(log, detect):
    log.tls(log.root, DROP, 443, b"x" * 100, opaque=40)
    [finding] = detect(TlsUninspected, log)
    assert finding.title.startswith("40 bytes")


@pytest.mark.parametrize("via", [("openssl",), ("proxy",), ("openssl", "proxy")])
def test_a_covered_connection_is_silent(log, detect, via):
    for size in (1, 100, 16384, 16385, 100_000):
        log.tls(log.root, DROP, 443, b"x" * size, b"y", via=via)
    assert detect(TlsUninspected, log) == ()


def test_one_byte_writes_are_no_overhead(log, detect):
    log.tls(log.root, DROP, 443, *(b"x" for _ in range(200)))
    assert detect(TlsUninspected, log) == ()


def test_as_few_bytes_as_hold_no_value_are_silent(log, detect):
    log.tls(log.root, DROP, 443, opaque=16, via=())
    assert detect(TlsUninspected, log) == ()


def test_small_pieces_to_one_destination_add_up(log, detect):
    for _ in range(3):
        log.tls(log.root, DROP, 443, opaque=10, via=())
    [finding] = detect(TlsUninspected, log)
    assert finding.count == 3


@pytest.mark.parametrize("outcome", ["failed", "intercepted", ""])
def test_a_handshake_that_came_to_nothing(log, detect, outcome):
    log.tls(log.root, DROP, 443, via=(), handshake=outcome)
    [finding] = detect(TlsUninspected, log)
    assert finding.severity is Severity.LOW
    assert finding.key == "tls_uninspected:unanswered:203.0.113.9:443"


def test_a_hello_that_is_cut_off_came_to_nothing(log, detect):
    number = log.tcp(log.root, DROP, 443, bytes.fromhex("160301020001 0001fc0303") + bytes(40))
    ends = {"client": "192.0.2.2", "client_port": 40_001, "address": DROP, "port": 443}
    log.add(ev.Handshake, connection=number, outcome="failed", reason="it broke off", **ends)
    [finding] = detect(TlsUninspected, log)
    assert finding.severity is Severity.LOW
    assert "it broke off" in finding.evidence[0].text


def test_without_a_proxy_it_is_our_want_and_no_pass(log, detect):
    log.events = [
        msgspec.structs.replace(event, tls_proxy=False) if isinstance(event, ev.Start) else event
        for event in log.events
    ]
    log.tls(log.root, DROP, 443, via=())
    [finding] = detect(TlsUninspected, log)
    assert finding.severity is Severity.MEDIUM
    assert "for want of a proxy" in finding.title


def test_a_refusal_is_anothers_business(log, detect):
    log.tls(log.root, DROP, 443, via=(), handshake="refused")
    assert detect(TlsUninspected, log) == ()


def test_what_was_not_recorded_is_taken_in_proportion(log, detect):
    """Of five megabytes, the wire's first is recorded; the plaintext was seen whole."""
    log.tls(log.root, DROP, 443, *(b"x" * 16384 for _ in range(320)))
    kept = [event for event in log.events if getattr(event, "offset", 0) < 1 << 20]
    kept += [event for event in log.events if type(event).__name__ == "Tls" and event not in kept]
    log.events = sorted(kept, key=lambda event: event.ts)
    assert detect(TlsUninspected, log) == ()


@pytest.mark.parametrize(("limit", "found"), [(5000, 0), (4999, 1), (0, 1)])
def test_a_limit_of_the_policys(log, detect, limit, found):
    log.tls(log.root, DROP, 443, opaque=5000, via=())
    terms = Terms(policy=Policy(max_opaque_bytes=limit))
    assert len(detect(TlsUninspected, log, terms)) == found
