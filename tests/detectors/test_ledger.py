"""The ledger of TLS: what the wire can have carried, against what any source could read."""

from __future__ import annotations

import pytest

from pytest_ato.detectors import ledger as ledger_module
from pytest_ato.detectors.ledger import Ledger
from pytest_ato.detectors.pipeline import Pipeline

PLACE = ("198.18.0.7", 443)
REQUEST = b"GET / HTTP/1.1\r\nhost: vendor.example\r\n\r\n"


@pytest.fixture
def ledger(log):
    """``ledger()``: that of the log."""

    def make() -> Ledger:
        pipeline = Pipeline([])
        for event in log.events:
            pipeline.feed(event)
        pipeline.finish()
        assert pipeline.failures == ()
        return pipeline.context.connections.ledger

    return make


def test_what_a_source_read_is_not_opaque(log, ledger):
    log.tls(log.root, *PLACE, REQUEST, name="vendor.example")
    [entry] = ledger().entries
    assert (entry.name, entry.address, entry.port) == ("vendor.example", *PLACE)
    assert (entry.carried_out, entry.seen_out, entry.opaque_out) == (len(REQUEST),) * 2 + (0,)
    assert entry.seen_by == (("openssl", len(REQUEST)),)
    assert ledger().opaque == {}


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_what_nobody_read_is_worked_out_from_the_records(log, ledger, size):
    log.tls(log.root, *PLACE, REQUEST, opaque=size)
    [entry] = ledger().entries
    assert (entry.seen_out, entry.opaque_out) == (len(REQUEST), size)
    assert list(ledger().opaque) == [entry.destination]


def test_session_tickets_are_no_data(log, ledger):
    log.tls(log.root, *PLACE, REQUEST)
    assert ledger().entries[0].opaque_in == 0


def test_two_sources_of_the_same_bytes_are_one(log, ledger):
    log.tls(log.root, *PLACE, REQUEST, via=("openssl", "proxy"), handshake="intercepted")
    found = ledger()
    assert found.entries[0].via == ("openssl", "proxy")
    assert found.sums.seen == len(REQUEST)
    assert found.sums.by == {"openssl": 1, "proxy": 1}


@pytest.mark.parametrize(
    ("handshake", "silent"), [("", True), ("failed", True), ("refused", False)]
)
def test_a_handshake_that_came_to_nothing(log, ledger, handshake, silent):
    log.tls(log.root, *PLACE, name="vendor.example", handshake=handshake)
    [entry] = ledger().entries
    assert entry.came_to_nothing is silent
    assert bool(ledger().unanswered) is silent


def test_sums_go_on_where_the_list_ends(log, ledger, monkeypatch):
    monkeypatch.setattr(ledger_module, "MAX_ENTRIES", 1)
    for _ in range(3):
        log.tls(log.root, *PLACE, REQUEST, opaque=10)
    found = ledger()
    assert len(found.entries) == 1
    assert (found.sums.connections, found.sums.opaque) == (3, 30)
