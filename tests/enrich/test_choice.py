"""Nobody is asked unless the answer is needed."""

from __future__ import annotations

import pytest

from pytest_ato.enrich.choice import Sources
from pytest_ato.enrich.cymru import CymruEnricher
from pytest_ato.enrich.table import TableEnricher
from pytest_ato.model.errors import UsageError


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "asn.csv"
    path.write_text("# as of 2026-01-31\n203.0.113.0/24,64500,DE\n")
    return path


def test_auto_asks_nobody_for_a_sinkhole_audit_that_compares_nothing():
    assert Sources().enricher("sinkhole", {"domains"}) is None


@pytest.mark.parametrize("needed", ["asns", "countries"])
def test_auto_asks_dns_where_something_is_compared(needed):
    assert isinstance(Sources().enricher("sinkhole", {needed}), CymruEnricher)


def test_auto_asks_dns_for_an_open_network_and_with_a_resolver():
    assert isinstance(Sources().enricher("open", ()), CymruEnricher)
    assert isinstance(Sources(resolver=("127.0.0.1", 53)).enricher("sinkhole", ()), CymruEnricher)


def test_one_enricher_serves_the_session():
    sources = Sources("dns")
    assert sources.enricher("sinkhole", ()) is sources.enricher("sinkhole", ())


def test_a_table_is_used_whenever_it_is_there(table):
    for mode in ("auto", "table"):
        assert isinstance(Sources(mode, table=table).enricher("sinkhole", ()), TableEnricher)
    assert isinstance(Sources("dns", table=table).enricher("sinkhole", ()), CymruEnricher)


def test_off_and_no_network_ask_nobody(table):
    assert Sources("off", table=table).enricher("open", {"asns"}) is None
    assert Sources("dns").enricher("none", {"asns"}) is None


def test_a_table_is_wanted():
    with pytest.raises(UsageError, match="needs a table"):
        Sources("table")
