"""Values of facts are the same in every run, and no coarser than that needs."""

from __future__ import annotations

import pytest

from pytest_ato.detectors.facts import (
    Fact,
    Kind,
    by_kind,
    stable_file,
    stable_name,
    stable_temporary,
)


@pytest.mark.parametrize(
    ("path", "stable"),
    [
        ("/home/user/.config/app.toml", "~/.config/app.toml"),
        ("/usr/share/locale/de/LC_MESSAGES/app.mo", "/usr/share/locale/*/LC_MESSAGES/app.mo"),
        ("/usr/lib/locale/de_DE.UTF-8/LC_CTYPE", "/usr/lib/locale/*/LC_CTYPE"),
        ("/usr/lib/locale/C.utf8/LC_CTYPE", "/usr/lib/locale/*/LC_CTYPE"),
        ("/srv/C/main", "/srv/*/main"),
        ("/srv/Cache/main", "/srv/Cache/main"),
        (f"/home/user/.cache/store/9f/{'0a' * 20}", "~/.cache/store/*/*"),
        (f"/srv/objects/9f/3/{'0a' * 20}", "/srv/objects/*/*/*"),
        ("/srv/objects/9f/readme", "/srv/objects/9f/readme"),
    ],
)
def test_files(path: str, stable: str) -> None:
    assert stable_file(path, "/home/user") == stable
    assert stable_file(stable, "/home/user") == stable


@pytest.mark.parametrize(
    ("path", "stable"),
    [
        ("/tmp/ab3_d9xq", "/tmp/*"),
        ("/tmp/password", "/tmp/*"),  # may be tempfile's: less exact beats one that changes
        ("/tmp/app/password", "/tmp/app/password"),
        ("/tmp/app.sock", "/tmp/app.sock"),
        ("/tmp/_*_/file", "/tmp/*/file"),
    ],
)
def test_temporary_files(path: str, stable: str) -> None:
    assert stable_temporary(path) == stable


@pytest.mark.parametrize(
    ("name", "stable"),
    [
        ("api.vendor.example", "api.vendor.example"),
        ("3f9ac01d.cdn.example", "*.cdn.example"),
        ("deadbeef.cdn.example", "deadbeef.cdn.example"),  # a word that somebody chose
        ("20251125.logs.example", "*.logs.example"),
        ("123.logs.example", "123.logs.example"),
        ("0b8e7c7e-6b1c-4a3f-9d2e-1f2a3b4c5d6e.iot.example", "*.iot.example"),
    ],
)
def test_names(name: str, stable: str) -> None:
    assert stable_name(name) == stable


def test_each_kind_is_sorted_by_value() -> None:
    facts = [Fact(Kind.PORT, value, value, 1, None, "") for value in ("80/tcp", "443/tcp")]
    found = by_kind(facts)
    assert list(found) == list(Kind)
    assert [fact.value for fact in found[Kind.PORT]] == ["443/tcp", "80/tcp"]
    assert found[Kind.CHILD] == []
