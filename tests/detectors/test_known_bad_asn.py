from __future__ import annotations

from pytest_ato.detectors.known_bad_asn import KnownBadAsn
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.lists import KnownList, Lists
from pytest_ato.model.policy import Asn, Policy, Terms

KNOWN = KnownList("asns.txt", "cd" * 32, "2026-01-31", 1)
LISTED = Terms(lists=Lists(sources=(KNOWN,), asns=((KNOWN, frozenset({64500})),)))


def answer(log, address: str, asn: int, **fields) -> None:
    fields = {"as_name": "EXAMPLE", "basis": "table x as of 2026-01-31", **fields}
    log.add(ev.Enrichment, address=address, asn=asn, **fields)


def test_a_listed_network_is_found_with_list_and_basis(log, detect):
    child = log.spawn(log.root, "/usr/bin/curl")
    log.connect(child, "203.0.113.9", 443)
    answer(log, "203.0.113.9", 64500)
    [finding] = detect(KnownBadAsn, log, LISTED)
    assert finding.key == "known_bad_asn:AS64500"
    assert finding.severity is Severity.HIGH
    assert finding.lineage[-1].pid == child
    assert "by table x as of 2026-01-31" in finding.evidence[0].text
    assert "asns.txt as of 2026-01-31" in finding.evidence[0].text


def test_its_neighbour_is_silent(log, detect):
    log.connect(log.root, "203.0.113.9", 443)
    answer(log, "203.0.113.9", 64501)
    assert detect(KnownBadAsn, log, LISTED) == ()


def test_a_network_that_the_policy_denies_is_found(log, detect):
    log.connect(log.root, "203.0.113.9", 443)
    answer(log, "203.0.113.9", 64501)
    terms = Terms(policy=Policy(asn=Asn(deny=("AS64501",))))
    [finding] = detect(KnownBadAsn, log, terms)
    assert "denied by the policy" in finding.evidence[0].text


def test_an_unknown_network_is_no_pass(log, detect):
    log.connect(log.root, "203.0.113.9", 443)
    log.connect(log.root, "203.0.113.10", 443)
    answer(log, "203.0.113.9", 0, basis="", reason="no registry entry")
    [finding] = detect(KnownBadAsn, log, LISTED)
    assert finding.severity is Severity.LOW
    assert finding.count == 2
    assert [each.text for each in finding.evidence] == [
        "203.0.113.9: no registry entry",
        "203.0.113.10: nobody was asked",
    ]
