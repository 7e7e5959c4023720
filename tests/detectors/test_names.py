"""Names behind addresses, and destinations that read the same in every run."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ato.detectors import names as names_module
from pytest_ato.detectors.names import Names, canonical, parent_domain, printable_name
from pytest_ato.model.events import Dns
from pytest_ato.model.octets import octets


def _answer(names: Names, qname: str, *answers: str, ts: int = 5) -> None:
    names.update(
        Dns(
            ts=ts,
            client="192.0.2.2",
            server="192.0.2.53",
            transport="udp",
            qname=qname,
            qtype="A",
            rcode="NOERROR",
            answers=answers,
        )
    )


def test_an_answer_names_its_addresses():
    names = Names()
    _answer(names, "Paste.Example.ORG", "198.18.0.1", "2001:DB8:0::1", "not an address")
    _answer(names, "alias.example.org", "198.18.0.1", ts=3)
    assert names.names("198.18.0.1") == ("paste.example.org", "alias.example.org")
    assert names.names("::ffff:198.18.0.1") == names.names("198.18.0.1")
    assert names.since("198.18.0.1") == 3
    assert names.since("203.0.113.9") is None
    assert names.describe("198.18.0.1", 443) == "paste.example.org:443"
    assert names.describe("2001:db8::1", 443) == "paste.example.org:443"


@pytest.mark.parametrize(
    ("address", "port", "text"),
    [
        ("203.0.113.9", 4444, "203.0.113.9:4444"),
        ("203.0.113.9", 0, "203.0.113.9"),
        ("2001:db8::9", 443, "[2001:db8::9]:443"),
        ("2001:db8::9", 0, "2001:db8::9"),
        ("198.19.4.4", 443, "198.18.0.0/15:443"),
    ],
)
def test_a_destination_without_a_name(address, port, text):
    assert Names().describe(address, port) == text


def test_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(names_module, "MAX_ADDRESSES", 20)
    names = Names()
    for number in range(200):
        _answer(names, f"n{number}.example.org", f"198.18.0.{number % 100}", "198.18.1.1")
    assert len(names._names) == len(names._since) == 20
    assert len(names.names("198.18.0.99")) <= names_module.MAX_NAMES


@pytest.mark.parametrize(
    ("name", "parent"),
    [
        ("a.b.example.org", "example.org"),
        ("example.org", "example.org"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_parent_domain(name, parent):
    assert parent_domain(name) == parent


@given(st.binary(max_size=300))
def test_any_name_becomes_one_printable_line(data):
    assert printable_name(octets(data)).isprintable()
    assert parent_domain(printable_name(octets(data))).isprintable()


@given(st.text(max_size=50))
def test_any_text_is_an_address_or_not(text):
    assert canonical(text) is None or canonical(canonical(text)) == canonical(text)
