"""Lists in the forms that people have them in, and what is said of one that is malformed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ato.enrich.lists import load
from pytest_ato.model.errors import UsageError
from pytest_ato.model.lists import Lists

PLAIN = """\
# Last modified: 2026-01-31
evil.example
  Mixed.Case.example.
*.below.example
bücher.example
! a comment of another tool
two.example # why
"""
HOSTS = """\
# hosts
127.0.0.1 localhost
::1 ip6-localhost ip6-loopback
0.0.0.0 ads.example tracker.example  # two
0.0.0.0 0.0.0.0
"""


def domains(tmp_path, content: str | bytes, name: str = "bad.txt") -> Lists:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load([path], [])


def names(lists: Lists) -> set[str]:
    return set(lists.domains[0][1])


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "byte order mark"])
def test_a_plain_list(tmp_path, end, mark):
    lists = domains(tmp_path, mark + PLAIN.replace("\n", end).encode())
    assert names(lists) == {
        "evil.example",
        "mixed.case.example",
        "below.example",
        "xn--bcher-kva.example",
        "two.example",
    }
    assert lists.sources[0].as_of == "2026-01-31"
    assert lists.sources[0].entries == 5


def test_a_hosts_file(tmp_path):
    assert names(domains(tmp_path, HOSTS)) == {"ads.example", "tracker.example"}


def indicator(pattern: str, **more: object) -> dict[str, object]:
    return {"type": "indicator", "pattern": pattern, "pattern_type": "stix", **more}


def test_a_stix_bundle(tmp_path):
    bundle = {
        "type": "bundle",
        "id": "bundle--1",
        "objects": [
            {"type": "identity", "name": "somebody"},
            indicator("[domain-name:value = 'evil.example']", modified="2026-01-30T00:00:00Z"),
            indicator("[domain-name:value='a.example' OR domain-name:value = 'B.example']"),
            indicator("[url:value = 'https://c.example:8443/x?y']", valid_from="2026-02-01T00:00Z"),
            indicator("[domain-name:value = 'gone.example']", revoked=True),
            indicator("rule x {}", pattern_type="yara"),
            indicator("[ipv4-addr:value = '203.0.113.9']"),
        ],
    }
    lists = domains(tmp_path, json.dumps(bundle), "bad.json")
    assert names(lists) == {"evil.example", "a.example", "b.example", "c.example"}
    assert lists.sources[0].as_of == "2026-02-01"


def test_the_digest_and_the_date_are_part_of_the_sentence(tmp_path):
    lists = domains(tmp_path, "# as of 2026-01-31\nevil.example\n")
    known = lists.domain("evil.example")
    assert known is not None
    assert known.sentence == (
        f"bad.txt as of 2026-01-31, 1 entries, sha256 {lists.sources[0].sha256}"
    )
    assert lists.domain("other.example") is None


def test_networks(tmp_path):
    path = tmp_path / "asns.txt"
    path.write_text("# as of 2026-01-31\nAS64500\n64501 # bad\n64502 ; Spamhaus style\n\n")
    lists = load([], [path])
    assert lists.asns[0][1] == {64500, 64501, 64502}
    assert lists.asn(64500) is lists.sources[0]
    assert lists.asn(1) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ok.example\nwhat is this\n", "bad.txt:2: expected a name"),
        ("ok.example\n<script>\n", "bad.txt:2: '<script>' is no domain name"),
        ("", "is empty"),
        ("# nothing\n", "is empty"),
        (b"ok.example\n\xff\n", "bad.txt:2: the list of domains must be UTF-8"),
        ("{", "is no STIX bundle"),
        ('{"type": "report"}', "is no STIX bundle: its type is 'report'"),
        ('{"type": "bundle", "objects": 3}', "is no STIX bundle"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, content, message):
    with pytest.raises(UsageError) as error:
        domains(tmp_path, content)
    assert message in str(error.value)


@pytest.mark.parametrize("word", ["x", "0", "-1", "4294967296", "9" * 50])
def test_a_network_that_is_none_is_named(tmp_path, word):
    path = tmp_path / "asns.txt"
    path.write_text(f"64500\n{word}\n")
    with pytest.raises(UsageError, match=r"asns.txt:2: .* is no AS number"):
        load([], [path])


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="is no regular file"):
        load([tmp_path], [])
    with pytest.raises(UsageError, match="No such file"):
        load([tmp_path / "none"], [])


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_gives_a_list_or_one_line(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "fuzzed.txt"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    said = ""
    try:
        load([path], [])
    except UsageError as error:
        said = str(error)
    assert "\n" not in said
