from __future__ import annotations

import pytest

from pytest_ato.detectors.geo_policy import GeoPolicy
from pytest_ato.model import events as ev
from pytest_ato.model.findings import Severity
from pytest_ato.model.policy import Geo, Policy, Terms


def terms(**geo) -> Terms:
    return Terms(policy=Policy(geo=Geo(**geo)))


EUROPE = terms(allow=("DE", "NL"))


def visit(log, address: str, country: str, **fields) -> None:
    log.connect(log.root, address, 443)
    log.add(ev.Enrichment, address=address, country=country, basis="table x", **fields)


def test_a_country_outside_is_found_with_its_basis(log, detect):
    visit(log, "203.0.113.9", "RU")
    visit(log, "203.0.113.10", "RU")
    visit(log, "203.0.113.11", "DE")
    [finding] = detect(GeoPolicy, log, EUROPE)
    assert (finding.key, finding.severity) == ("geo_policy:RU", Severity.MEDIUM)
    assert [each.text for each in finding.evidence] == [
        "203.0.113.9 is in RU by table x",
        "203.0.113.10 is in RU by table x",
    ]


def test_a_denied_country_is_found_where_all_others_are_allowed(log, detect):
    visit(log, "203.0.113.9", "RU")
    visit(log, "203.0.113.10", "BR")
    found = detect(GeoPolicy, log, terms(deny=("RU",)))
    assert [finding.key for finding in found] == ["geo_policy:RU"]


@pytest.mark.parametrize("geo", [{"allow": ("DE",)}, {"deny": ("RU",)}])
def test_an_unknown_country_is_neither_outside_nor_a_pass(log, detect, geo):
    visit(log, "203.0.113.9", "", reason="the resolver 127.0.0.1 does not answer")
    [finding] = detect(GeoPolicy, log, terms(**geo))
    assert (finding.key, finding.severity) == ("geo_policy:unknown", Severity.LOW)
    assert "does not answer" in finding.evidence[0].text


def test_names_that_a_sinkhole_answered_are_unknown(log, detect):
    log.dns("api.vendor.example", "198.18.0.1")
    log.connect(log.root, "198.18.0.1", 443)
    [finding] = detect(GeoPolicy, log, EUROPE)
    assert (finding.key, finding.severity) == ("geo_policy:names", Severity.LOW)
    assert "api.vendor.example: a sinkhole answered" in finding.evidence[0].text


def test_private_addresses_have_no_country(log, detect):
    log.connect(log.root, "10.1.2.3", 443)
    assert detect(GeoPolicy, log, EUROPE) == ()
