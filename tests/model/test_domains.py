from __future__ import annotations

import pytest

from pytest_ato.model.domains import Domains, is_public_suffix, normal, registrable


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("WWW.Example.COM.", "www.example.com"),
        ("münchen.example", "xn--mnchen-3ya.example"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("\u2028.example", "\u2028.example"),  # no name that IDNA knows, and no error
        ("", ""),
    ],
)
def test_a_name_has_one_spelling(name: str, expected: str) -> None:
    assert normal(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b.example.com", "example.com"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("who.github.io", "who.github.io"),
        ("example.com", "example.com"),
        ("com", "com"),
        ("localhost", "localhost"),
    ],
)
def test_the_registrable_part_follows_the_public_suffix_list(name: str, expected: str) -> None:
    assert registrable(name) == expected


@pytest.mark.parametrize("name", ["com", "co.uk", "github.io", "localhost"])
def test_public_suffixes_are_known(name: str) -> None:
    assert is_public_suffix(name)


@pytest.mark.parametrize("name", ["example.com", "example.co.uk", "who.github.io"])
def test_a_registered_name_is_no_public_suffix(name: str) -> None:
    assert not is_public_suffix(name)


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("example.com", "example.com"),
        ("EXAMPLE.com.", "example.com"),
        ("www.example.com", None),
        ("notexample.com", None),
        ("a.vendor.example", "*.vendor.example"),
        ("a.b.vendor.example", "*.vendor.example"),
        ("vendor.example", None),
        ("avendor.example", None),
        ("vendor.example.evil.example", None),
        ("bücher.example", "BÜCHER.example"),
    ],
)
def test_patterns_match_whole_labels(name: str, pattern: str | None) -> None:
    domains = Domains(["example.com", "*.vendor.example", "BÜCHER.example"])
    assert domains.match(name) == pattern
