from __future__ import annotations

import pytest

from pytest_ato.detectors.known_bad_domain import KnownBadDomain
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.lists import KnownList, Lists
from pytest_ato.model.policy import Terms


def terms(*names: str) -> Terms:
    known = KnownList("bad.txt", "ab" * 32, "2026-01-31", len(names))
    return Terms(lists=Lists(sources=(known,), domains=((known, frozenset(names)),)))


BAD = terms("evil.example", "c2.shared.example", "co.uk", "example")


def test_a_listed_name_is_found_with_who_asked_and_the_digest_of_the_list(log, detect):
    child = log.spawn(log.root, "/usr/bin/curl", "http://evil.example/")
    cookie = log.connect(child, log.resolver, 53, protocol="udp")
    assert cookie
    log.dns("EVIL.example", "198.18.0.1")
    [finding] = detect(KnownBadDomain, log, BAD)
    assert finding.key == "known_bad_domain:evil.example"
    assert finding.severity is Severity.HIGH
    assert [process.pid for process in finding.lineage] == [log.root, child]
    assert "bad.txt as of 2026-01-31" in finding.evidence[0].text
    assert "ab" * 32 in finding.evidence[0].text


def test_names_below_a_listed_one_are_found_as_it(log, detect):
    for name in ("a.evil.example", "b.c.evil.example", "evil.example"):
        log.dns(name, "198.18.0.1")
    [finding] = detect(KnownBadDomain, log, BAD)
    assert finding.count == 3
    assert finding.where == "a.evil.example"


@pytest.mark.parametrize(
    "name",
    [
        *("good.example", "shared.example", "other.shared.example", "notevil.example"),
        *("bbc.co.uk", "evil.example.org", "evil", "example", "", "."),
    ],
)
def test_siblings_and_what_lies_above_are_silent(log, detect, name):
    log.dns(name, "198.18.0.1")
    assert detect(KnownBadDomain, log, BAD) == ()


def test_the_name_of_a_handshake_counts(log, detect):
    known = {"client": "192.0.2.2", "client_port": 1, "address": "203.0.113.9", "port": 443}
    log.add(ev.Handshake, connection=1, outcome="refused", sni="c2.shared.example", **known)
    [finding] = detect(KnownBadDomain, log, BAD)
    assert finding.where == "c2.shared.example"


def test_the_host_of_a_request_behind_another_name_counts(log, detect):
    request = b"GET / HTTP/1.1\r\nHost: C2.shared.example:443\r\n\r\n"
    log.tls(log.root, "203.0.113.9", 443, request, name="good.example")
    [finding] = detect(KnownBadDomain, log, BAD)
    assert finding.where == "c2.shared.example"


def test_without_a_list_it_does_not_run(log):
    from pytest_ato.detectors.pipeline import Pipeline

    pipeline = Pipeline([KnownBadDomain])
    for event in log.events:
        pipeline.feed(event)
    assert [idle.reason for idle in pipeline.skipped] == [
        "needs a list of names (--ato-domain-list)"
    ]
