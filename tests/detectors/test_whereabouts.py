"""Addresses and names are told apart, and counted in bounds."""

from __future__ import annotations

from pytest_ato.detectors import whereabouts
from pytest_ato.detectors.pipeline import Pipeline
from pytest_ato.model import events as ev


def places(log):
    pipeline = Pipeline([])
    for event in log.events:
        pipeline.feed(event)
    return pipeline.context.whereabouts


def test_addresses_and_names_are_kept_apart(log):
    log.dns("api.vendor.example", "198.18.0.1")
    log.connect(log.root, "198.18.0.1", 443)
    log.connect(log.root, "203.0.113.9", 443)
    log.connect(log.root, "203.0.113.9", 80)
    log.connect(log.root, "192.168.50.1", 53)
    found = places(log)
    assert list(found.hidden) == ["api.vendor.example"]
    known, [place] = found.split(lambda told: told.asn)
    assert known == []
    assert (place.address, place.reason) == ("203.0.113.9", "nobody was asked")


def test_what_registries_do_not_say_is_unknown(log):
    for last, country in ((9, "DE"), (10, ""), (11, None)):
        log.connect(log.root, f"203.0.113.{last}", 443)
        if country is not None:
            log.add(ev.Enrichment, address=f"203.0.113.{last}", country=country, basis="table")
    known, unknown = places(log).split(lambda told: told.country)
    assert [(place.address, told.country) for place, told in known] == [("203.0.113.9", "DE")]
    assert [place.address for place in unknown] == ["203.0.113.10", "203.0.113.11"]


def test_they_are_bounded(log, monkeypatch):
    monkeypatch.setattr(whereabouts, "MAX_PLACES", 2)
    for last in range(4):
        log.connect(log.root, f"203.0.113.{last}", 443)
    found = places(log)
    assert len(found.split(lambda told: told.asn)[1]) == 2
    assert found.more == 4  # two uses of each, as two sources tell them
