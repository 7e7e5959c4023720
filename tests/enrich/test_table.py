"""The offline table: the longest prefix wins, and what is malformed is told by its line."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.enrich.table import TableEnricher
from pytest_ato.model.errors import UsageError

TABLE = """\
# prefix,asn,country,name
# as of 2026-01-31
203.0.113.0/24,64500,DE,Example Networks, Berlin
203.0.113.128/25,AS64501,nl
2001:db8::/32,64510,JP,Six
192.0.2.0/24,64502,,nowhere
"""


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "asn.csv"
    path.write_bytes(b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode())
    return path


def test_the_longest_prefix_wins(table):
    first, second = TableEnricher(table).look_up(["203.0.113.9", "203.0.113.200"], 5)
    assert (first.asn, first.country, first.as_name) == (64500, "DE", "Example Networks, Berlin")
    assert (second.asn, second.country, second.prefix) == (64501, "NL", "203.0.113.128/25")


def test_ipv6(table):
    [found] = TableEnricher(table).look_up(["2001:db8::9"], 5)
    assert (found.asn, found.country, found.prefix) == (64510, "JP", "2001:db8::/32")


def test_the_basis_is_stated_with_each_value(table):
    [found] = TableEnricher(table).look_up(["203.0.113.9"], 5)
    assert found.basis.startswith("table asn.csv as of 2026-01-31 (sha256 ")


def test_each_answer_names_the_file_by_its_digest(table):
    answers = TableEnricher(table).look_up(["203.0.113.9", "198.51.100.1"], 5)
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert [(one.table, one.table_sha256) for one in answers] == [("asn.csv", digest)] * 2


def test_what_the_table_does_not_have_is_unknown(table):
    first, second = TableEnricher(table).look_up(["198.51.100.1", "192.0.2.1"], 5)
    assert first.asn == 0
    assert first.reason.startswith("not in the table asn.csv as of 2026-01-31")
    assert second.asn == 64502
    assert second.reason == "the table has no country for it"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("203.0.113.0/24,64500", "expected prefix,asn,country"),
        ("203.0.113.1/24,64500,DE", "is no network"),
        ("203.0.113.0/24,many,DE", "is no AS number"),
        ("203.0.113.0/24,99999999999,DE", "is no AS number"),
        ("203.0.113.0/24,64500,DEU", "is no country code"),
        ("\x1b[2J,1,DE", "is no network"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, line, message):
    path = tmp_path / "asn.csv"
    path.write_text(f"# as of 2026-01-31\n{line}\n")
    with pytest.raises(UsageError) as error:
        TableEnricher(path)
    assert "asn.csv:2: " in str(error.value)
    assert message in str(error.value)
    assert str(error.value).isprintable()


def test_a_table_without_a_date_is_refused(tmp_path):
    path = tmp_path / "asn.csv"
    path.write_text("203.0.113.0/24,64500,DE\n")
    with pytest.raises(UsageError, match="add a line `# as of 2026-01-31`"):
        TableEnricher(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe1"], ids=["missing", "not UTF-8"])
def test_a_table_that_cannot_be_read_is_refused(tmp_path, content):
    path = tmp_path / "asn.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match="the table of networks"):
        TableEnricher(path)


@settings(max_examples=100)
@given(st.text(max_size=200))
def test_any_text_gives_a_table_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_text("# as of 2026-01-31\n" + text, encoding="utf-8", errors="surrogatepass")
    said = ""
    try:
        list(TableEnricher(path).look_up(["203.0.113.9"], 0))
    except UsageError as error:
        said = str(error)
    assert "\n" not in said
